// The snippet of ebm/graph/README.md, as it stands there: readme.cmake compares.
#include <doctest/doctest.h>

#include <cmath>

#include "ebm/graph/graph.h"

using namespace talweg;
using namespace talweg::ebm;

TEST_CASE("the graphs' README: cat over eight frames") {
  // clang-format off
Tensor<double> energies({8, 4}, 1.0);  // eight frames over a=0 c=1 t=2 _=3, showing c c _ a _ t t _
for (int64_t i = 0; const int32_t seen : {1, 1, 3, 0, 3, 2, 2, 3}) energies[4 * i++ + seen] = 0;
Tape<double> tape;
Var<double> e = tape.variable(energies);
Graph<double> cat = label_graph(tape, std::vector<int32_t>{1, 3, 0, 3, 2, 3});  // c _ a _ t _
Graph<double> paths = compose(linear_graph(e), cat);                            // 21 of them
Var<double> best = viterbi_score(paths);                                        // 0
std::vector<int32_t> z = outputs(paths.automaton, viterbi_path(paths));         // 0 0 1 2 3 4 4 5
Var<double> soft = forward_score(paths, 1.0);                                   // less: more paths
tape.backward(soft);  // e.grad() is the probability of each symbol in each frame
  // clang-format on
  CHECK(paths.automaton.node_count() == 19);
  CHECK(best.item() == 0);
  CHECK(z == std::vector<int32_t>{0, 0, 1, 2, 3, 4, 4, 5});
  CHECK(soft.item() < 0);
  CHECK(soft.item() > -std::log(21.0));
  const Tensor<double> p = e.grad();
  CHECK(p[1] == doctest::Approx(1));  // the first frame can show c alone
  for (int64_t i = 0; i < 8; ++i) {
    CHECK(p[4 * i] + p[4 * i + 1] + p[4 * i + 2] + p[4 * i + 3] == doctest::Approx(1));
  }
}
