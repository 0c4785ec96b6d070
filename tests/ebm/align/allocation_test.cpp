// What a training step of the aligner's losses takes from the heap: nothing, once it has grown; and
// what becomes of sizes that no heap has.
#include <doctest/doctest.h>
#include <omp.h>

#include <limits>
#include <random>

#include "core/error.h"
#include "ebm/align/curvature.h"
#include "ebm/align/word_ops.h"
#include "tests/allocation_counter.h"
#include "tests/ebm/align/brute_force.h"

namespace talweg::ebm {
namespace {

#ifdef TALWEG_COUNTS_ALLOCATIONS

/// Allocations of steps 6 to 20 on three words of several lengths, the loss being
/// loss(energies, frames, labels).
int64_t allocations_of(Topology topology, const auto& loss) {
  std::mt19937 random(1);
  const auto values =
      brute_force::draw_energies<float>(3 * 12 * 5, brute_force::Kind::normal, random);
  const Tensor<float> energies({3, 12, 5}, std::span<const float>(values));
  const std::vector<int64_t> frames{12, 7, 9};
  LabelList labels;
  for (const auto& word : std::vector<std::vector<int32_t>>{{0, 1, 2}, {3}, {2, 2}}) {
    labels.add(expand(word, 4, topology));
  }
  Tape<float> tape;
  for (int step = 0; step < 20; ++step) {
    if (step == 5) {
      allocations = 0;
      counting = true;
    }
    TapeScope<float> scope(tape);
    tape.backward(loss(tape.borrow(energies, true), frames, labels.view()));
  }
  counting = false;
  return allocations;
}

constexpr Topology kTopologies[] = {Topology::classic, Topology::margins, Topology::ctc};

TEST_CASE("a step of word_nll allocates nothing after the first ones") {
  for (const Topology topology : kTopologies) {
    CAPTURE(to_string(topology));
    WordGaps out;
    CHECK(allocations_of(topology, [&](auto e, const auto& frames, const auto& labels) {
            return word_nll(e, frames, labels, {4, topology}, 1.0, out).loss;
          }) == 0);
  }
}

TEST_CASE("a step of path_cross_entropy allocates nothing after the first ones, soft or hard") {
  for (const Topology topology : kTopologies) {
    for (const double beta : {0.5, 1.0, std::numeric_limits<double>::infinity()}) {
      CAPTURE(to_string(topology));
      CAPTURE(beta);
      BatchAlignment out;
      const AlignOptions options{beta, path_rule(topology)};
      CHECK(allocations_of(topology, [&](auto e, const auto& frames, const auto& labels) {
              return path_cross_entropy(e, frames, labels, options, out).loss;
            }) == 0);
    }
  }
}

TEST_CASE("work space that no machine has is refused in a sentence, soft, hard and curved") {
  constexpr int64_t kFrames = 10'000'000'000'000, kLength = 100;  // petabytes
  AlignScratch scratch;
  for (const bool soft : {false, true}) {
    CHECK_THROWS_WITH_AS(scratch.reserve(kFrames, kLength, 3, AlignScratch::kClassic, soft),
                         doctest::Contains("there is no memory for"), Error);
  }
  CurvatureScratch curved;
  CHECK_THROWS_WITH_AS(curved.reserve(kFrames, kLength, 3, AlignScratch::kClassic),
                       doctest::Contains("align shorter labels or fewer frames"), Error);
}

#endif

}  // namespace
}  // namespace talweg::ebm
