#include "ebm/graph/graph.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <tuple>

#include "tests/ebm/graph/plain.h"

namespace talweg::ebm {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Weights as a leaf of the tape.
Var<double> leaf(Tape<double>& tape, const std::vector<double>& values) {
  return tape.variable(Tensor<double>({std::ssize(values)}, std::span<const double>(values)));
}

/// Up to six nodes, arcs from smaller to greater numbers after a shuffle, several starts and ends.
Automaton draw_automaton(std::mt19937& random, int symbols, bool epsilons) {
  Automaton a;
  const int nodes = 1 + int(random() % 6);
  for (int n = 0; n < nodes; ++n) a.add_node(n == 0 || random() % 4 == 0, random() % 3 == 0);
  std::vector<int32_t> place(nodes);
  for (int n = 0; n < nodes; ++n) place[n] = n;
  std::shuffle(place.begin(), place.end(), random);
  const auto symbol = [&] {
    return epsilons && random() % 3 == 0 ? kEpsilon : int32_t(random() % symbols);
  };
  for (int k = int(random() % 12); k > 0 && nodes > 1; --k) {
    int from = int(random() % nodes), to = int(random() % nodes);
    if (from == to) continue;
    if (from > to) std::swap(from, to);
    a.add_arc(place[from], place[to], symbol(), symbol());
  }
  return a;
}

std::vector<double> draw_weights(std::mt19937& random, int32_t count) {
  std::normal_distribution<double> normal(0, 2);
  std::vector<double> w(count);
  for (double& x : w) x = normal(random);
  return w;
}

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

/// What a path reads or writes, epsilons left out.
std::vector<int32_t> spelled(const Automaton& a, const std::vector<int32_t>& path, bool written) {
  std::vector<int32_t> s;
  for (const int32_t k : path) {
    const int32_t symbol = written ? a.arcs()[k].output : a.arcs()[k].input;
    if (symbol != kEpsilon) s.push_back(symbol);
  }
  return s;
}

TEST_CASE("a composition has one path for each two that fit, epsilons or not") {
  std::mt19937 random(3);
  int matched = 0;
  for (int n = 0; n < 2000; ++n) {
    CAPTURE(n);
    const Automaton a = draw_automaton(random, 2, n % 2 == 1);
    const Automaton b = draw_automaton(random, 2, n % 2 == 1);
    using Entry = std::tuple<std::vector<int32_t>, std::vector<int32_t>>;  // arcs of a, of b
    std::vector<Entry> expected, found;
    plain::each_path(a, [&](const auto& p) {
      plain::each_path(b, [&](const auto& q) {
        if (spelled(a, p, true) == spelled(b, q, false)) expected.emplace_back(p, q);
      });
    });
    const Composition c = compose(a, b);
    std::vector<char> used(c.automaton.arc_count());
    plain::each_path(c.automaton, [&](const auto& path) {
      Entry entry;
      for (const int32_t k : path) {
        used[k] = 1;
        if (c.arc_a[k] != kNoArc) std::get<0>(entry).push_back(c.arc_a[k]);
        if (c.arc_b[k] != kNoArc) std::get<1>(entry).push_back(c.arc_b[k]);
      }
      REQUIRE(spelled(c.automaton, path, false) == spelled(a, std::get<0>(entry), false));
      REQUIRE(spelled(c.automaton, path, true) == spelled(b, std::get<1>(entry), true));
      found.push_back(entry);
    });
    std::ranges::sort(expected);
    std::ranges::sort(found);
    REQUIRE(found == expected);
    for (const char u : used) REQUIRE(u == 1);  // no dead arc is built
    matched += int(found.size());
  }
  CHECK(matched > 1000);
}

TEST_CASE("weights follow a composition: energies add, gradients reach both sides") {
  Tape<double> tape;
  Automaton left, right;
  left.add_node(true);
  left.add_node(false, true);
  left.add_arc(0, 1, 5, 0);
  left.add_arc(0, 1, 6, 1);
  right.add_node(true);
  right.add_node(false, true);
  right.add_arc(0, 1, 1, 7);
  const Var<double> a = leaf(tape, {1, 2}), b = leaf(tape, {10});
  const Graph<double> both = compose(weighted(left, a), weighted(right, b));
  REQUIRE(both.automaton.arc_count() == 1);
  CHECK(both.automaton.arcs()[0] == Arc{0, 1, 6, 7});
  const Var<double> f = viterbi_score(both);
  CHECK(f.item() == 12);
  tape.backward(f);
  CHECK(a.grad()[0] == 0);
  CHECK(a.grad()[1] == 1);
  CHECK(b.grad()[0] == 1);
}

/// One symbol, once or more: a node that waits, one that has read it.
Automaton one_or_more(int32_t symbol) {
  Automaton a;
  a.add_node(true);
  a.add_node(false, true);
  a.add_arc(0, 1, symbol);
  a.add_arc(1, 1, symbol);
  return a;
}

/// One symbol, any number of times.
Automaton any_number(int32_t symbol) {
  Automaton a;
  a.add_node(true, true);
  a.add_arc(0, 0, symbol);
  return a;
}

Automaton sequence(const std::vector<Automaton>& parts) {
  Automaton all = parts[0];
  for (size_t k = 1; k < parts.size(); ++k) all = automaton_concat(all, parts[k]);
  return all;
}

TEST_CASE("label graphs are the regular expressions of their rules") {
  const Automaton c = one_or_more(0), a = one_or_more(1), gap = one_or_more(2), any = any_number(2);
  struct Case {
    Automaton expression;
    std::vector<int32_t> label;
    LabelRule rule;
  };
  const std::vector<Case> cases{
      {sequence({c, gap, a, gap}), {0, 2, 1, 2}, LabelRule::classic()},
      {sequence({any, c, gap, a, any}), {2, 0, 2, 1, 2}, LabelRule::margins()},
      {sequence({any, c, any, a, any}), {2, 0, 2, 1, 2}, LabelRule::ctc()},
      {sequence({any, a, gap, a, any}), {2, 1, 2, 1, 2}, LabelRule::ctc()},
      {gap, {2}, LabelRule::ctc()},
  };
  std::mt19937 random(4);
  for (const Case& example : cases) {
    for (int64_t frames = 1; frames < 9; ++frames) {
      Tape<double> tape;
      const auto energies = draw_weights(random, int32_t(frames * 3));
      const Var<double> e =
          tape.variable(Tensor<double>({frames, 3}, std::span<const double>(energies)));
      const Graph<double> line = linear_graph(e);
      const auto of_label = compose(line, label_graph(tape, example.label, example.rule));
      const auto of_expression = compose(line, unweighted(tape, example.expression));
      for (const double beta : {1.0, kInf}) {
        const double f = forward_score(of_label, beta).item();
        const double g = forward_score(of_expression, beta).item();
        CAPTURE(frames);
        CHECK((f == g || std::abs(f - g) <= 1e-12 * (1 + std::abs(f))));
      }
    }
  }
}

TEST_CASE("union adds what either reads, closure repeats") {
  Tape<double> tape;
  const Var<double> w = leaf(tape, {1.0}), v = leaf(tape, {2.0});
  Automaton x, y;
  x.add_node(true);
  x.add_node(false, true);
  y = x;
  x.add_arc(0, 1, 0);
  y.add_arc(0, 1, 1);
  const Graph<double> either = graph_union(weighted(x, w), weighted(y, v));
  CHECK(forward_score(either, 1.0).item() ==
        doctest::Approx(-std::log(std::exp(-1) + std::exp(-2))));

  // Three frames of anything out of {0,1}: (w + v)^3, term by term.
  const Var<double> e = tape.constant(Tensor<double>({3, 2}, 0.0));
  const Graph<double> words = compose(linear_graph(e), graph_closure(either));
  const Var<double> f = forward_score(words, 1.0);
  CHECK(f.item() == doctest::Approx(-3 * std::log(std::exp(-1) + std::exp(-2))));
  const Graph<double> two = graph_concat(weighted(x, w), weighted(y, v));
  CHECK(viterbi_score(two).item() == 3);
  const Graph<double> none =
      compose(linear_graph(tape.constant(Tensor<double>({0, 2}, 0.0))), graph_closure(either));
  CHECK(forward_score(none, 1.0).item() == 0);
  tape.backward(f);
  CHECK(w.grad()[0] == doctest::Approx(3 / (1 + std::exp(-1.0))));
  CHECK(v.grad()[0] == doctest::Approx(3 / (1 + std::exp(1.0))));
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
