// Composition, and what is built of smaller graphs: labels, unions, closures.
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

}  // namespace
}  // namespace talweg::ebm
