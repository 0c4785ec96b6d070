// What a training step of the sums over all words takes from the heap: nothing, once it has grown.
#include <doctest/doctest.h>
#include <omp.h>

#include <random>

#include "ebm/align/word_ops.h"
#include "tests/allocation_counter.h"
#include "tests/ebm/align/brute_force.h"

namespace talweg::ebm {
namespace {

#ifdef TALWEG_COUNTS_ALLOCATIONS

TEST_CASE("a step of word_nll allocates nothing after the first ones") {
  std::mt19937 random(1);
  const auto values =
      brute_force::draw_energies<float>(3 * 12 * 5, brute_force::Kind::normal, random);
  const Tensor<float> energies({3, 12, 5}, std::span<const float>(values));
  const std::vector<int64_t> frames{12, 7, 9};
  for (Topology topology : {Topology::classic, Topology::margins, Topology::ctc}) {
    const Grammar grammar{4, topology};
    LabelList labels;
    for (const auto& word : std::vector<std::vector<int32_t>>{{0, 1, 2}, {3}, {2, 2}}) {
      labels.add(expand(word, 4, topology));
    }
    Tape<float> tape;
    WordGaps out;
    for (int step = 0; step < 20; ++step) {
      if (step == 5) {
        allocations = 0;
        counting = true;
      }
      TapeScope<float> scope(tape);
      const Var<float> e = tape.borrow(energies, true);
      const auto nll = word_nll(e, frames, labels.view(), grammar, 1.0, out);
      tape.backward(nll.loss);
    }
    counting = false;
    CAPTURE(to_string(topology));
    CHECK(allocations == 0);
  }
}

#endif

}  // namespace
}  // namespace talweg::ebm
