#include "ebm/graph/graph.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <tuple>

#include "tests/ebm/graph/plain.h"
#include "tests/ebm/graph/random_graphs.h"

namespace talweg::ebm {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST_CASE("scores and gradients of random graphs are those of all their paths") {
  std::mt19937 random(1);
  int with_path = 0;
  for (int n = 0; n < 3000; ++n) {
    CAPTURE(n);
    const Automaton a = draw_automaton(random, 3, true);
    const std::vector<double> weights = draw_weights(random, a.arc_count());
    for (const double beta : {0.5, 2.0, kInf}) {
      Tape<double> tape;
      const Var<double> w = leaf(tape, weights);
      const Graph<double> graph = weighted(a, w);
      const Var<double> f = forward_score(graph, beta);
      const plain::Sum expected = plain::sum_over_paths(a, weights, beta);
      tape.backward(f);
      const Tensor<double> dw = w.grad();
      if (expected.energy == plain::kInf) {
        CHECK(f.item() == kInf);
        for (const double g : dw.values()) CHECK(g == 0);
        CHECK(viterbi_path(graph).empty());
        continue;
      }
      ++with_path;
      REQUIRE(std::abs(f.item() - double(expected.energy)) <= 1e-13 * (1 + std::abs(f.item())));
      if (beta < kInf) {
        for (int32_t k = 0; k < a.arc_count(); ++k) {
          REQUIRE(std::abs(dw[k] - double(expected.posterior[k])) <= 1e-13);
        }
        continue;
      }
      std::vector<double> taken(a.arc_count());
      double energy = 0;
      for (const int32_t k : viterbi_path(graph)) taken[k] += 1, energy += weights[k];
      REQUIRE(std::abs(energy - f.item()) <= 1e-13 * (1 + std::abs(energy)));
      for (int32_t k = 0; k < a.arc_count(); ++k) REQUIRE(dw[k] == taken[k]);
    }
  }
  CHECK(with_path > 3000);
}

TEST_CASE("an arc of +inf is the same as no arc") {
  std::mt19937 random(2);
  for (int n = 0; n < 2000; ++n) {
    CAPTURE(n);
    const Automaton a = draw_automaton(random, 3, false);
    std::vector<double> weights = draw_weights(random, a.arc_count());
    Automaton without;
    std::vector<double> kept;
    for (int32_t i = 0; i < a.node_count(); ++i) without.add_node(a.is_start(i), a.is_accept(i));
    for (int32_t k = 0; k < a.arc_count(); ++k) {
      if (random() % 4 == 0) {
        weights[k] = kInf;
      } else {
        without.add_arc(a.arcs()[k].from, a.arcs()[k].to, a.arcs()[k].input, a.arcs()[k].output);
        kept.push_back(weights[k]);
      }
    }
    for (const double beta : {1.0, kInf}) {
      Tape<double> tape;
      const Var<double> w = leaf(tape, weights), w_kept = leaf(tape, kept);
      const Var<double> f = forward_score(weighted(a, w), beta);
      const Var<double> g = forward_score(weighted(without, w_kept), beta);
      REQUIRE((f.item() == g.item() || std::abs(f.item() - g.item()) <= 1e-13));
      tape.backward(add(f, g));
      for (int32_t k = 0, i = 0; k < a.arc_count(); ++k) {
        const double there = weights[k] == kInf ? 0 : w_kept.grad()[i++];
        if (there == 0) REQUIRE(w.grad()[k] == 0);
        REQUIRE(std::abs(w.grad()[k] - there) <= 1e-13);
      }
    }
  }
}

TEST_CASE("a graph without a path: F = +inf, and no gradient, whatever flows in") {
  Tape<double> tape;
  const Var<double> e = tape.variable(Tensor<double>({2, 3}, 1.0));
  const std::vector<int32_t> label{0, 2, 1, 2};
  for (const double beta : {1.0, kInf}) {
    const Var<double> f = graph_free_energy<double>(e, label, beta);
    CHECK(f.item() == kInf);
    for (const double upstream : {1.0, kInf, kNan}) {
      const auto de = tape.grad(f, std::span(&e, 1), true, tape.constant(upstream))[0];
      for (const double g : de.values()) CHECK(g == 0);
    }
  }
  // No frames: the empty label fits, no other does.
  const Var<double> none = tape.constant(Tensor<double>({0, 3}, 0.0));
  CHECK(graph_free_energy<double>(none, {}, 1.0).item() == 0);
  CHECK(graph_free_energy<double>(none, label, 1.0).item() == kInf);
  CHECK(graph_free_energy<double>(e, {}, 1.0).item() == kInf);
  // No start at all, or no end.
  Automaton a;
  CHECK(viterbi_score(unweighted(tape, a)).item() == kInf);
  a.add_node(true);
  CHECK(viterbi_score(unweighted(tape, a)).item() == kInf);
}

TEST_CASE("NaN and -inf on a path give F = NaN and no gradient; beside all paths, nothing") {
  for (const double bad : {kNan, -kInf}) {
    for (const double beta : {1.0, kInf}) {
      Tape<double> tape;
      // Symbol 1 is not in the label, and in frame 0 the label begins with symbol 0.
      const Var<double> e = tape.variable(
          Tensor<double>({3, 3}, std::vector<double>{1, bad, bad, 2, bad, 3, bad, bad, 4}));
      const Var<double> f = graph_free_energy<double>(e, std::vector<int32_t>{0, 2}, beta);
      CHECK(std::isfinite(f.item()));
      tape.backward(f);
      double total = 0;
      const Tensor<double> de = e.grad();
      for (const double g : de.values()) total += g;
      CHECK(total == doctest::Approx(3));

      const Var<double> d = tape.variable(
          Tensor<double>({3, 3}, std::vector<double>{1, 1, 1, bad, 1, kInf, 1, 1, kInf}));
      const Var<double> g = graph_free_energy<double>(d, std::vector<int32_t>{0, 2}, beta);
      CHECK(std::isnan(g.item()));
      tape.backward(g);
      const Tensor<double> dd = d.grad();
      for (const double value : dd.values()) CHECK(value == 0);
    }
  }
}

TEST_CASE("cat over eight frames: the example of the README") {
  // Symbols a=0, c=1, t=2, BETWEEN=3. Each frame shows one symbol at energy 0, others cost 1.
  const std::vector<int32_t> seen{1, 1, 3, 0, 3, 2, 2, 3};  // c c _ a _ t t _
  Tensor<double> energies({8, 4}, 1.0);
  for (int64_t i = 0; i < 8; ++i) energies[i * 4 + seen[i]] = 0;
  Tape<double> tape;
  const Var<double> e = tape.variable(energies);
  const std::vector<int32_t> cat{1, 3, 0, 3, 2, 3};
  const Graph<double> paths = alignment_graph<double>(e, cat);
  // The band of the aligner: 21 paths, C(7,5), through 18 cells, and the node before the first.
  CHECK(paths.automaton.node_count() == 19);
  CHECK(viterbi_score(paths).item() == 0);
  CHECK(outputs(paths.automaton, viterbi_path(paths)) ==
        std::vector<int32_t>{0, 0, 1, 2, 3, 4, 4, 5});
  int64_t count = 0;
  plain::each_path(paths.automaton, [&](const auto&) { ++count; });
  CHECK(count == 21);
  const Graph<double> free = compose(linear_graph(scale(e, 0.0)), label_graph(tape, cat));
  CHECK(forward_score(free, 2.0).item() == doctest::Approx(-std::log(21.0) / 2));
}

TEST_CASE("a drawing names starts, ends, symbols, weights") {
  Tape<double> tape;
  Automaton a;
  a.add_node(true);
  a.add_node(false, true);
  a.add_arc(0, 1, 0);
  a.add_arc(1, 1, 1, kEpsilon);
  a.add_arc(0, 1, 2, 1);
  const std::vector<std::string> names{"a", "\""};
  CHECK(to_dot(weighted(a, leaf(tape, {1.5, 0, -2})), names) ==
        "digraph {\n"
        "  rankdir = LR\n"
        "  node [shape = circle]\n"
        "  0 [style = bold]\n"
        "  1 [shape = doublecircle]\n"
        "  0 -> 1 [label = \"a/1.5\"]\n"
        "  1 -> 1 [label = \"\\\":ε/0\"]\n"
        "  0 -> 1 [label = \"2:\\\"/-2\"]\n"
        "}\n");
  CHECK(to_dot(a).find("0 -> 1 [label = \"0\"]") != std::string::npos);
}

/// What the call throws; empty if it does not.
template <class F> std::string error_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

#define TALWEG_CHECK_ERROR(part, expression) \
  CHECK(error_of([&] { (void)(expression); }).find(part) != std::string::npos)

TEST_CASE("bad input is refused in a sentence") {
  Tape<double> tape, other;
  Automaton a;
  a.add_node(true, true);
  TALWEG_CHECK_ERROR("needs both, but there are 1 nodes", a.add_arc(0, 1, 0));
  TALWEG_CHECK_ERROR("needs both, but there are 1 nodes", a.add_arc(-1, 0, 0));
  TALWEG_CHECK_ERROR("use numbers from 0, or kEpsilon", a.add_arc(0, 0, -2));
  TALWEG_CHECK_ERROR("position 1 of the label is negative",
                     label_automaton(std::vector<int32_t>{0, -1}));
  TALWEG_CHECK_ERROR("must be [L,A], found [4]", linear_graph(tape.full({4}, 0.0)));
  TALWEG_CHECK_ERROR("32 bits", linear_automaton(int64_t(1) << 31, 1));
  TALWEG_CHECK_ERROR("32 bits", linear_automaton(-1, 1));

  const Var<double> e = tape.full({4, 3}, 0.0);
  const std::vector<int32_t> label{0, 2}, foreign{0, 3};
  TALWEG_CHECK_ERROR("symbol 3 at position 1 of the label is outside the alphabet [0,3)",
                     graph_free_energy<double>(e, foreign, 1.0));
  for (const double beta : {0.0, -1.0, kNan}) {
    TALWEG_CHECK_ERROR("must be positive", graph_free_energy<double>(e, label, beta));
  }

  a.add_arc(0, 0, 0);
  TALWEG_CHECK_ERROR("cycle that leads to node 0", viterbi_score(unweighted(tape, a)));
  TALWEG_CHECK_ERROR("cycle", viterbi_path(unweighted(tape, a)));
  TALWEG_CHECK_ERROR("give one an arc", weighted(a, tape.full({2}, 0.0)));
  TALWEG_CHECK_ERROR("do not fit 1 arcs", to_dot(a, std::vector<double>{1, 2}));
  TALWEG_CHECK_ERROR("different tapes", compose(unweighted(tape, a), unweighted(other, a)));
  TALWEG_CHECK_ERROR("use compose()",
                     intersect(linear_graph(e), label_graph(tape, std::vector<int32_t>{1})));
  Automaton large;
  for (int n = 0; n < 40000; ++n) large.add_node();
  TALWEG_CHECK_ERROR("too many pairs", compose(large, large));
  // A cycle that no path can use is no harm.
  Automaton dead;
  dead.add_node(true, true);
  dead.add_node();
  dead.add_arc(0, 1, 0);
  dead.add_arc(1, 1, 0);
  CHECK(viterbi_score(unweighted(tape, dead)).item() == 0);
}

}  // namespace
}  // namespace talweg::ebm
