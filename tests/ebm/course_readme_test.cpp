// The snippets of core/study/course/5-aligner.md, as they stand there: readme.cmake compares.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "core/ops/reduce.h"
#include "core/rng.h"
#include "ebm/align/soft_ops.h"

using namespace talweg;
using namespace talweg::ebm;

TEST_CASE("chapter 5: the aligner as an op") {
  // clang-format off
Tape<double> tape;
Rng rng(1);
Tensor<double> energies({1, 6, 3});  // one line, six windows; letters 0 and 1, and 2, the gap
for (double& v : energies.values()) v = rng.normal();
const Var<double> e = tape.variable(energies);
const LabelList word({{0, 2, 1, 2}});  // "0 1", a gap behind each letter
const std::vector<int64_t> windows = {6};
BatchAlignment out;
const Var<double> f = free_energy(e, windows, word.view(), AlignOptions{.beta = 1.0}, out);
const Var<double> p = tape.grad(sum(f), {{e}}, true)[0];
const Var<double> rows = sum(p, -1);  // each window shows something: all ones
  // clang-format on
  for (const double v : rows.values()) CHECK(v == doctest::Approx(1).epsilon(1e-13));
  // clang-format off
const Var<double> v = tape.constant(Tensor<double>({1, 6, 3}, 1.0));
const Var<double> hv = tape.grad(sum(p * v), {{e}})[0];
  // clang-format on
  for (const double x : hv.values()) CHECK(std::abs(x) < 1e-13);
}
