#include "nn/checkpoint.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>

#include "tests/nn/toy.h"

namespace talweg::nn {
namespace {

namespace fs = std::filesystem;

/// A file name that is gone, with its file, at the end of the test.
class TemporaryFile {
 public:
  TemporaryFile()
      : path_(fs::temp_directory_path() /
              message("talweg_checkpoint_", ::getpid(), "_", made++, ".safetensors")) {}
  ~TemporaryFile() { fs::remove(path_); }
  const fs::path& path() const { return path_; }

 private:
  static inline int made = 0;
  fs::path path_;
};

/// A training run that can be saved and continued.
struct Bars {
  explicit Bars(uint64_t seed) : net(seed), rng(seed), optimizer(net.parameters) {}

  void train_to(int64_t end) {
    next_step = train(context, optimizer, net.training(5, 20), next_step, end);
  }
  void save(const fs::path& path) const {
    Checkpoint checkpoint(Metadata{{"charset", "abc"}});
    checkpoint.store(net.parameters);
    checkpoint.store(optimizer, net.parameters);
    checkpoint.store(TrainingState{next_step, context.rng()});
    checkpoint.save(path);
  }
  void resume(const fs::path& path) {
    const Checkpoint checkpoint = Checkpoint::load(path);
    checkpoint.restore(net.parameters);
    checkpoint.restore(optimizer, net.parameters);
    const TrainingState state = checkpoint.training_state();
    next_step = state.next_step;
    context.set_rng(state.rng);
  }

  BarNet<float> net;
  Rng rng;
  Tape<float> tape;
  AdamW<float> optimizer;
  Context<float> context = Context<float>::for_training(tape, net.parameters, rng);
  int64_t next_step = 0;
};

Parameters<float> two_tensors() {
  Parameters<float> p;
  p.add("conv1.weight", Tensor<float>({2, 3}, 1.5f), ParameterKind::weight);
  p.add("norm1.running_var", Tensor<float>({2}, 2.5f), ParameterKind::running);
  return p;
}

Checkpoint stored(const Parameters<float>& parameters) {
  Checkpoint checkpoint;
  checkpoint.store(parameters);
  return checkpoint;
}

/// The message of the IoError that `f` throws; empty if it throws none.
template <class F> std::string io_error_of(F f) {
  try {
    f();
  } catch (const IoError& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// --- saving and resuming ---

TEST_CASE("a resumed run equals one that was never interrupted, bit for bit") {
  Bars undisturbed(5);
  undisturbed.train_to(20);

  TemporaryFile file;
  {
    Bars interrupted(5);
    interrupted.train_to(8);
    interrupted.save(file.path());
  }
  Bars resumed(77);  // other weights, another random stream: all of it has to come from the file
  resumed.resume(file.path());
  CHECK(resumed.next_step == 8);
  resumed.train_to(20);
  CHECK(flat(resumed.net.parameters) == flat(undisturbed.net.parameters));
}

TEST_CASE("saving does not disturb the run, and gives the same bytes twice") {
  TemporaryFile a, b;
  Bars bars(5);
  bars.train_to(3);
  bars.save(a.path());
  bars.save(b.path());
  CHECK(io::load_safetensors(a.path()) == io::load_safetensors(b.path()));
}

TEST_CASE("metadata come back as they were given, without the format's own") {
  TemporaryFile file;
  const Metadata metadata{{"architecture", "conv 3x3"}, {"charset", "aä€"}};
  Checkpoint(metadata).save(file.path());
  const Checkpoint loaded = Checkpoint::load(file.path());
  CHECK(loaded.metadata() == metadata);
  CHECK_FALSE(loaded.resumable());
  CHECK_THROWS_AS(Checkpoint(Metadata{{"talweg.version", "2"}}), Error);
}

TEST_CASE("a checkpoint of the model alone restores the model, and says that it can't resume") {
  TemporaryFile file;
  Parameters<float> p = two_tensors();
  stored(p).save(file.path());
  const Checkpoint loaded = Checkpoint::load(file.path());
  Parameters<float> other = two_tensors();
  other[0].value.fill(0);
  loaded.restore(other);
  CHECK(flat(other) == flat(p));
  AdamW<float> optimizer(p);
  CHECK(contains(io_error_of([&] { loaded.restore(optimizer, p); }), "holds no optimiser state"));
  CHECK(contains(io_error_of([&] { loaded.training_state(); }), "misses tensor training/"));
}

// --- files that do not fit ---

TEST_CASE("a safetensors file of somebody else's is called foreign") {
  TemporaryFile file;
  io::save_safetensors(file.path(), {{{"format", "pt"}}, {}});
  const std::string error = io_error_of([&] { Checkpoint::load(file.path()); });
  CHECK(contains(error, file.path().string() + ": a foreign safetensors file"));
}

TEST_CASE("a checkpoint of another version names both versions") {
  TemporaryFile file;
  io::save_safetensors(file.path(),
                       {{{"talweg.format", "checkpoint"}, {"talweg.version", "9"}}, {}});
  CHECK(contains(io_error_of([&] { Checkpoint::load(file.path()); }),
                 "another version; expected 1, found 9"));
}

TEST_CASE("a truncated or missing file is an IoError that names the file") {
  TemporaryFile file;
  CHECK(contains(io_error_of([&] { Checkpoint::load(file.path()); }), file.path().string()));
  stored(two_tensors()).save(file.path());
  fs::resize_file(file.path(), fs::file_size(file.path()) - 5);
  CHECK(contains(io_error_of([&] { Checkpoint::load(file.path()); }), "truncated"));
}

TEST_CASE("a network with a tensor that the file misses is refused and left untouched") {
  const Checkpoint checkpoint = stored(two_tensors());
  Parameters<float> larger = two_tensors();
  larger.add("head.weight", Tensor<float>({4}), ParameterKind::weight);
  larger[0].value.fill(7);
  const auto before = flat(larger);
  CHECK(contains(io_error_of([&] { checkpoint.restore(larger); }),
                 "misses tensor model/head.weight"));
  CHECK(flat(larger) == before);
}

TEST_CASE("a file with a tensor that the network lacks is refused") {
  const Checkpoint checkpoint = stored(two_tensors());
  Parameters<float> smaller;
  smaller.add("conv1.weight", Tensor<float>({2, 3}), ParameterKind::weight);
  CHECK(contains(io_error_of([&] { checkpoint.restore(smaller); }),
                 "holds tensor model/norm1.running_var, which this network lacks"));
}

TEST_CASE("another shape or another dtype is refused with both of them") {
  const Checkpoint checkpoint = stored(two_tensors());
  Parameters<float> other;
  other.add("conv1.weight", Tensor<float>({3, 2}), ParameterKind::weight);
  other.add("norm1.running_var", Tensor<float>({2}), ParameterKind::running);
  CHECK(contains(io_error_of([&] { checkpoint.restore(other); }),
                 "tensor model/conv1.weight: shape [3,2] expected, [2,3] found"));
  Parameters<double> wide;
  wide.add("conv1.weight", Tensor<double>({2, 3}), ParameterKind::weight);
  wide.add("norm1.running_var", Tensor<double>({2}), ParameterKind::running);
  CHECK(contains(io_error_of([&] { checkpoint.restore(wide); }), "dtype F64 expected, F32 found"));
}

TEST_CASE("the memory of another optimiser is refused by name") {
  Parameters<float> p = two_tensors();
  Checkpoint checkpoint;
  checkpoint.store(Sgd<float>(p), p);
  AdamW<float> adamw(p);
  CHECK(contains(io_error_of([&] { checkpoint.restore(adamw, p); }),
                 "optimiser adamw expected, sgd found"));
}

}  // namespace
}  // namespace talweg::nn
