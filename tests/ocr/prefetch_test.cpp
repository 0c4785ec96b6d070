#include "ocr/prefetch.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>

#include "core/error.h"
#include "ocr/training.h"
#include "tests/ocr/scratch_folder.h"
#include "tests/ocr/small_training.h"

using namespace talweg;
using namespace talweg::ocr;

namespace {

void number(int64_t step, Batch& batch) { batch.texts = {std::to_string(step)}; }

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The model file after training with so many batches ahead, interrupted at some step and resumed.
std::string trained(int ahead, int64_t interrupted_after) {
  const ScratchFolder folder;
  const std::string path = folder.path() + "/model.safetensors";
  const FontSource source = font_source();
  auto trainer = std::make_unique<WordTrainer>(small_plan(2, 4), source);
  if (interrupted_after > 0) {
    CHECK_FALSE(trainer->run(
        [&](const TrainingReport& r) { return r.step + 1 < interrupted_after; }, ahead));
    trainer->save(path);
    trainer = WordTrainer::resume(path, source);
  }
  CHECK(trainer->run({}, ahead));
  trainer->save(path);
  return bytes_of(path);
}

/// A source whose batches can't be made from some step on.
class BrokenSource : public BatchSource {
 public:
  explicit BrokenSource(int64_t first_broken) : first_broken_(first_broken) {}
  void characters(int64_t step, Batch& batch) const override { words(step, batch); }
  void words(int64_t step, Batch& batch) const override {
    expect(step < first_broken_, "the picture of step ", step, " is gone");
    source_.words(step, batch);
  }
  const Alphabet& alphabet() const override { return source_.alphabet(); }

 private:
  FontSource source_ = font_source();
  int64_t first_broken_;
};

}  // namespace

TEST_CASE("batches come in order, each for its step, however many are made ahead") {
  for (const int ahead : {0, 1, 2, 7}) {
    CAPTURE(ahead);
    Prefetcher batches(number, 5, 25, ahead);
    for (int64_t step = 5; step < 25; ++step) {
      CHECK(batches.next().texts == std::vector{std::to_string(step)});
    }
    CHECK_THROWS_WITH_AS(batches.next(), doctest::Contains("after that of step 24"), Error);
  }
  CHECK_THROWS_WITH_AS(Prefetcher(number, 0, 1, -1), doctest::Contains("0 or more"), Error);
  CHECK_THROWS_AS(Prefetcher(number, 3, 3, 2).next(), Error);
}

TEST_CASE("no more batches are made ahead than were allowed, and none after the end") {
  std::atomic<int64_t> made = 0;
  {
    Prefetcher batches([&](int64_t, Batch&) { ++made; }, 0, 100, 3);
    while (made < 3) std::this_thread::yield();  // as full as it gets: the caller has none
    batches.next();
    batches.next();
    while (made < 5) std::this_thread::yield();
  }  // destroyed while full
  CHECK(made == 5);
  made = 0;
  {
    Prefetcher batches([&](int64_t, Batch&) { ++made; }, 0, 2, 3);
    batches.next();
    batches.next();
  }
  CHECK(made == 2);
}

TEST_CASE("it can be destroyed at any moment") {
  for (int64_t taken = 0; taken < 100; ++taken) {
    Prefetcher batches(number, 0, 1000, 2);
    for (int64_t step = 0; step < taken % 5; ++step) batches.next();
  }
}

TEST_CASE("batches are made beside the caller, on one thread") {
  const int threads = omp_get_max_threads();
  const std::thread::id caller = std::this_thread::get_id();
  std::thread::id maker;
  int its_threads = 0;
  const auto note = [&](int64_t, Batch&) {
    maker = std::this_thread::get_id();
    its_threads = omp_get_max_threads();
  };
  Prefetcher(note, 0, 1, 1).next();
  CHECK(maker != caller);
  CHECK(its_threads == 1);
  CHECK(omp_get_max_threads() == threads);
  Prefetcher(note, 0, 1, 0).next();
  CHECK(maker == caller);
}

TEST_CASE("what goes wrong while a batch is made is said when its step is asked for") {
  const auto make = [](int64_t step, Batch& batch) {
    expect(step != 3, "the third is bad");
    number(step, batch);
  };
  for (const int ahead : {0, 1, 5}) {
    Prefetcher batches(make, 0, 10, ahead);
    for (int64_t step = 0; step < 3; ++step) {
      CHECK(batches.next().texts == std::vector{std::to_string(step)});
    }
    for (int again = 0; again < 2; ++again) {
      CHECK_THROWS_WITH_AS(batches.next(), "the third is bad", Error);
    }
  }
}

TEST_CASE("a model is the same, byte for byte, however many batches were made ahead") {
  const std::string expected = trained(0, 0);
  CHECK(trained(1, 0) == expected);
  for (const int64_t interrupted_after : {0, 1, 2, 5}) {  // in stage 1, between, in stage 2
    CAPTURE(interrupted_after);
    CHECK(trained(3, interrupted_after) == expected);
  }
}

TEST_CASE("training stops before the step whose batch can't be made, and can be saved there") {
  const BrokenSource source(3);
  for (const int ahead : {0, 2}) {
    WordTrainer trainer(small_plan(2, 4), source);
    CHECK_THROWS_WITH_AS(trainer.run({}, ahead), "the picture of step 3 is gone", Error);
    CHECK(trainer.next_step() == 3);
    const ScratchFolder folder;
    trainer.save(folder.path() + "/model.safetensors");
    CHECK(WordTrainer::resume(folder.path() + "/model.safetensors", source)->next_step() == 3);
  }
}
