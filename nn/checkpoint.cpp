#include "nn/checkpoint.h"

#include <algorithm>
#include <set>

namespace talweg::nn {
namespace {

constexpr const char* kFormatKey = "talweg.format";
constexpr const char* kFormat = "checkpoint";
constexpr const char* kVersionKey = "talweg.version";
constexpr const char* kVersion = "1";
constexpr const char* kStepName = "training/step";
constexpr const char* kRngName = "training/rng";
constexpr const char* kOptimizer = "optimizer/";
constexpr const char* kSteps = "steps";

std::string prefix_of(ParameterSet set) { return set == ParameterSet::model ? "model/" : "kept/"; }

std::vector<int64_t> dims(const Shape& shape) {
  std::vector<int64_t> d;
  for (int axis = 0; axis < shape.rank(); ++axis) d.push_back(shape[axis]);
  return d;
}

std::string shape_text(const std::vector<int64_t>& d) {
  std::string text;
  for (int64_t extent : d) text += (text.empty() ? "" : ",") + std::to_string(extent);
  return "[" + text + "]";
}

template <class T> io::TensorBlob blob_of(const Tensor<T>& value) {
  return io::to_blob(value.values(), dims(value.shape()));
}

/// A tensor of the network or the optimiser and the name it is stored under.
template <class T> struct Slot {
  std::string name;
  Tensor<T>* value;
};

/// Takes stored tensors out, or says in one sentence why it can't.
class Reader {
 public:
  Reader(const std::string& origin, const std::map<std::string, io::TensorBlob>& tensors)
      : origin_(origin), tensors_(tensors) {}

  template <class... Parts> [[noreturn]] void fail(const Parts&... parts) const {
    throw IoError(message(origin_, ": ", parts...));
  }

  /// Fills the slots: first every check, then every copy, so that it is all or nothing.
  template <class T> void read(const std::vector<Slot<T>>& slots) const {
    for (const Slot<T>& slot : slots) checked<T>(slot.name, slot.value->shape());
    for (const Slot<T>& slot : slots) {
      const std::string_view bytes = tensors_.at(slot.name).bytes.view();
      std::ranges::copy(bytes, reinterpret_cast<char*>(slot.value->data()));
    }
  }

  /// The `count` numbers of a small tensor.
  template <class N> std::vector<N> numbers(const std::string& name, int64_t count) const {
    return io::from_blob<N>(checked<N>(name, Shape{count}), name);
  }

  /// A tensor of one number that counts something.
  int64_t count(const std::string& name) const {
    constexpr int64_t kMost = int64_t{1} << 53;
    const int64_t n = numbers<int64_t>(name, 1)[0];
    if (n < 0 || n > kMost) fail("tensor ", name, ": ", n, " is no count; the file is damaged");
    return n;
  }

  /// Throws unless every tensor whose name begins with `prefix` has a slot.
  template <class T>
  void check_nothing_left(const std::string& prefix, const std::vector<Slot<T>>& slots) const {
    std::set<std::string> known;
    for (const Slot<T>& slot : slots) known.insert(slot.name);
    for (const auto& [name, blob] : tensors_) {
      if (name.starts_with(prefix) && !known.contains(name)) {
        fail("holds tensor ", name, ", which this network lacks; was it written by another ",
             "architecture?");
      }
    }
  }

 private:
  template <class T>
  const io::TensorBlob& checked(const std::string& name, const Shape& shape) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) {
      fail("misses tensor ", name,
           "; was it written by another architecture, or without its training ", "state?");
    }
    const io::TensorBlob& blob = found->second;
    if (blob.dtype != io::dtype_name<T>()) {
      fail("tensor ", name, ": dtype ", io::dtype_name<T>(), " expected, ", blob.dtype, " found");
    }
    if (blob.shape != dims(shape)) {
      fail("tensor ", name, ": shape ", shape, " expected, ", shape_text(blob.shape),
           " found; was it written by another architecture?");
    }
    return blob;
  }

  const std::string& origin_;
  const std::map<std::string, io::TensorBlob>& tensors_;
};

std::string optimizer_prefix(const char* name) { return std::string(kOptimizer) + name + "/"; }

/// The slots of an optimiser, one for each trained parameter and each tensor kept for it.
template <class T>
std::vector<Slot<T>> optimizer_slots(const std::string& prefix, OptimizerState<T>& state,
                                     const Parameters<T>& parameters) {
  std::vector<Slot<T>> slots;
  for (auto& slot : state.slots) {
    expect(int(slot.by_id.size()) == parameters.size(), "[checkpoint] the optimiser was made for ",
           slot.by_id.size(), " parameters, found ", parameters.size());
    for (int id = 0; id < parameters.size(); ++id) {
      if (!parameters[id].trained) continue;
      slots.push_back(
          {prefix + slot.name + "/" + parameters[id].name, &slot.by_id[std::size_t(id)]});
    }
  }
  return slots;
}

}  // namespace

Checkpoint::Checkpoint(Metadata metadata) : metadata_(std::move(metadata)) {
  for (const auto& [key, value] : metadata_) {
    expect(!key.starts_with("talweg."), "[checkpoint] metadata key ", key,
           " is reserved: keys that begin with \"talweg.\" are the format's own");
  }
}

Checkpoint Checkpoint::load(const std::filesystem::path& path) {
  io::Safetensors file = io::load_safetensors(path);
  const std::string origin = path.string();
  if (file.metadata[kFormatKey] != kFormat) {
    throw IoError(message(origin,
                          ": a foreign safetensors file, not a Talweg checkpoint; expected the ",
                          "metadata entry ", kFormatKey, " = ", kFormat));
  }
  const std::string version = file.metadata[kVersionKey];
  if (version != kVersion) {
    throw IoError(message(origin, ": checkpoint of another version; expected ", kVersion,
                          ", found ", version.empty() ? "none" : version,
                          "; use the Talweg that wrote it"));
  }
  std::erase_if(file.metadata,
                [](const auto& entry) { return entry.first.starts_with("talweg."); });
  Checkpoint checkpoint(std::move(file.metadata));
  checkpoint.origin_ = origin;
  checkpoint.tensors_ = std::move(file.tensors);
  return checkpoint;
}

void Checkpoint::save(const std::filesystem::path& path) const {
  io::Safetensors file{metadata_, tensors_};
  file.metadata[kFormatKey] = kFormat;
  file.metadata[kVersionKey] = kVersion;
  io::save_safetensors(path, file);
}

bool Checkpoint::resumable() const { return tensors_.contains(kStepName); }

uint64_t Checkpoint::tensor_bytes() const {
  uint64_t bytes = 0;
  for (const auto& [name, blob] : tensors_) bytes += blob.bytes.size();
  return bytes;
}

// --- model ---

bool Checkpoint::holds(ParameterSet set) const {
  const auto first = tensors_.lower_bound(prefix_of(set));
  return first != tensors_.end() && first->first.starts_with(prefix_of(set));
}

template <class T> void Checkpoint::store(const Parameters<T>& parameters, ParameterSet set) {
  for (const Parameter<T>& p : parameters) tensors_[prefix_of(set) + p.name] = blob_of(p.value);
}

template <class T> void Checkpoint::restore(Parameters<T>& parameters, ParameterSet set) const {
  std::vector<Slot<T>> slots;
  for (int id = 0; id < parameters.size(); ++id) {
    slots.push_back({prefix_of(set) + parameters[id].name, &parameters[id].value});
  }
  const Reader reader(origin_, tensors_);
  reader.check_nothing_left(prefix_of(set), slots);
  reader.read(slots);
}

// --- optimiser ---

template <class T>
void Checkpoint::store(const Optimizer<T>& optimizer, const Parameters<T>& parameters) {
  OptimizerState<T> state = optimizer.state();
  const std::string prefix = optimizer_prefix(optimizer.name());
  for (const Slot<T>& slot : optimizer_slots(prefix, state, parameters)) {
    tensors_[slot.name] = blob_of(*slot.value);
  }
  tensors_[prefix + kSteps] = io::to_blob(std::span<const int64_t>(&state.steps, 1), {1});
}

template <class T>
void Checkpoint::restore(Optimizer<T>& optimizer, const Parameters<T>& parameters) const {
  const Reader reader(origin_, tensors_);
  const std::string prefix = optimizer_prefix(optimizer.name());
  const auto first = tensors_.lower_bound(kOptimizer);
  if (first == tensors_.end() || !first->first.starts_with(kOptimizer)) {
    reader.fail("holds no optimiser state, only a model; training can start from it, not resume");
  }
  if (!first->first.starts_with(prefix)) {
    const std::string other = first->first.substr(std::string(kOptimizer).size());
    reader.fail("optimiser ", optimizer.name(), " expected, ", other.substr(0, other.find('/')),
                " found; resume with the optimiser that began the run");
  }
  const int64_t steps = reader.count(prefix + kSteps);
  reader.read(optimizer_slots(prefix, optimizer.state(), parameters));
  optimizer.state().steps = steps;
}

// --- training ---

void Checkpoint::store(const TrainingState& state) {
  const uint64_t words[] = {state.rng.key(), state.rng.counter()};
  tensors_[kStepName] = io::to_blob(std::span<const int64_t>(&state.next_step, 1), {1});
  tensors_[kRngName] = io::to_blob(std::span<const uint64_t>(words), {2});
}

TrainingState Checkpoint::training_state() const {
  const Reader reader(origin_, tensors_);
  const auto words = reader.numbers<uint64_t>(kRngName, 2);
  return {reader.count(kStepName), Rng(words[0], words[1])};
}

template void Checkpoint::store(const Parameters<float>&, ParameterSet);
template void Checkpoint::store(const Parameters<double>&, ParameterSet);
template void Checkpoint::restore(Parameters<float>&, ParameterSet) const;
template void Checkpoint::restore(Parameters<double>&, ParameterSet) const;
template void Checkpoint::store(const Optimizer<float>&, const Parameters<float>&);
template void Checkpoint::store(const Optimizer<double>&, const Parameters<double>&);
template void Checkpoint::restore(Optimizer<float>&, const Parameters<float>&) const;
template void Checkpoint::restore(Optimizer<double>&, const Parameters<double>&) const;

}  // namespace talweg::nn
