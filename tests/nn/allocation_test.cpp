// What the training thread takes from the heap.
#include <doctest/doctest.h>

#include "tests/allocation_counter.h"
#include "tests/nn/toy.h"

namespace talweg::nn {
namespace {

#ifdef TALWEG_COUNTS_ALLOCATIONS

TEST_CASE("the counter sees plain and aligned allocations, and only while it counts") {
  allocations = 0;
  counting = true;
  const Tensor<float> aligned({100});
  const std::vector<int> plain(100);
  counting = false;
  const std::vector<int> unseen(100);
  CHECK(allocations == 2);
}

template <class T>
int64_t allocations_between_steps_10_and_100(bool normalise, int micro_batches = 1) {
  BarNet<T> bars(3, 0.1, normalise);
  Tape<T> tape;
  auto context = Context<T>::for_training(tape, bars.parameters, Rng(3));
  AdamW<T> optimizer(bars.parameters);
  Training<T> training = bars.training(3, 101);
  training.micro_batches = micro_batches;
  training.on_step = [](const StepReport& report) {
    counting = 9 <= report.step && report.step < 100;  // from the end of step 9 to that of step 100
    return true;
  };
  allocations = 0;
  train(context, optimizer, training, 0, 101);
  counting = false;
  return allocations;
}

TEST_CASE("training a CNN takes nothing from the heap between steps 10 and 100") {
  for (const bool normalise : {true, false}) {
    CHECK(allocations_between_steps_10_and_100<float>(normalise) == 0);
    CHECK(allocations_between_steps_10_and_100<double>(normalise) == 0);
  }
}

TEST_CASE("nor does training on micro-batches") {
  CHECK(allocations_between_steps_10_and_100<float>(true, 3) == 0);
  CHECK(allocations_between_steps_10_and_100<double>(false, 3) == 0);
}

TEST_CASE("reading with a CNN takes nothing from the heap after the second image") {
  BarNet<float> bars(3, 0.1, false);
  Tape<float> tape;
  auto context = Context<float>::for_inference(tape, bars.parameters);
  const Tensor<float> x({1, 8, 8, 1}, 0.5f);
  allocations = 0;
  for (int image = 0; image < 10; ++image) {
    counting = image >= 2;
    const TapeScope<float> scope(tape);
    context.begin_step();
    bars.net.forward(context, tape.borrow(x, false));
  }
  counting = false;
  CHECK(allocations == 0);
}

#else

TEST_CASE("training a CNN takes nothing from the heap between steps 10 and 100") {
  MESSAGE(
      "NOT TESTED in this build: counting needs glibc's allocator and no sanitizer in front of it");
}

#endif

}  // namespace
}  // namespace talweg::nn
