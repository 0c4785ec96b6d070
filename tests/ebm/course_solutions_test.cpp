// The solution of the exercise of core/study/course/5-aligner.md, with its check.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "core/ops/reduce.h"
#include "core/ops/shape_ops.h"
#include "core/ops/softmax.h"
#include "core/rng.h"
#include "ebm/align/soft_ops.h"

namespace talweg::ebm {
namespace {

constexpr int64_t kWindows = 6;
const std::vector<int32_t> kWord = {0, 2, 1, 2};

/// The free energy of kWord at beta = 1, cell by cell: a[s] = -log of the sum over all ways to state s
/// of exp(-E). The first window shows the first letter, the last one the gap behind the last.
Var<double> free_energy_on_the_tape(Var<double> e) {
  const auto cell = [&](int64_t i, std::size_t s) {
    return reshape(slice(slice(e, 1, i, 1), 2, kWord[s], 1), {1});
  };
  const auto soft_min = [](Var<double> a, Var<double> b) {
    return reshape(-logsumexp(-concat({a, b}, 0)), {1});
  };
  std::vector<Var<double>> a = {cell(0, 0)};  // one entry for each state reached so far
  for (int64_t i = 1; i < kWindows; ++i) {
    std::vector<Var<double>> next;
    for (std::size_t s = 0; s < kWord.size() && s <= a.size(); ++s) {
      const bool stay = s<a.size(), advance = s> 0;
      const Var<double> before = stay && advance ? soft_min(a[s], a[s - 1])
                                 : stay          ? a[s]
                                                 : a[s - 1];
      next.push_back(before + cell(i, s));
    }
    a = next;
  }
  return sum(a.back());
}

}  // namespace

TEST_CASE("exercise 5: the aligner's op is the dynamic programme on the tape") {
  Tape<double> tape;
  Rng rng(1);
  Tensor<double> energies({1, kWindows, 3});
  for (double& v : energies.values()) v = rng.normal();
  const Var<double> e = tape.variable(energies);

  const int64_t before = tape.node_count();
  const Var<double> by_hand = free_energy_on_the_tape(e);
  const int64_t between = tape.node_count();
  BatchAlignment out;
  const LabelList word({kWord});
  const std::vector<int64_t> windows = {kWindows};
  const Var<double> by_op =
      sum(free_energy(e, windows, word.view(), AlignOptions{.beta = 1.0}, out));
  CHECK(between - before > 100);
  CHECK(tape.node_count() - between < 5);

  CHECK(std::abs(by_hand.item() - by_op.item()) < 1e-12);
  const Var<double> one = tape.grad(by_hand, {{e}})[0], other = tape.grad(by_op, {{e}})[0];
  for (int64_t i = 0; i < e.size(); ++i) CHECK(std::abs(one.data()[i] - other.data()[i]) < 1e-12);
}

}  // namespace talweg::ebm
