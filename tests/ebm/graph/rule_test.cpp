// The aligner of every path rule and temperature against graphs built from the rule's words alone:
// steps, ends and durations become arcs and their weights.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "ebm/align/align_ops.h"
#include "ebm/align/alignment.h"
#include "ebm/align/soft_ops.h"
#include "ebm/graph/graph.h"
#include "tests/ebm/align/brute_force.h"

namespace talweg::ebm {
namespace {

using Symbols = std::vector<int32_t>;
constexpr double kInf = std::numeric_limits<double>::infinity();

bool may_step(const PathRule& rule, const Symbols& label, int64_t j, int64_t d) {
  return j + d < std::ssize(label) && (d < 2 || !rule.skip_to_other ||
                                       (label[j + d] != label[j] && label[j + d] != label[j + 1]));
}

/// Nodes: one before the first frame, one behind the last, and one for each position and number of
/// frames in it (all numbers as one where durations are free). Arcs read the symbol of the position
/// they lead to and write the position; their weights are the rule's costs.
struct RuleGraph {
  Automaton automaton;
  std::vector<double> weights;

  RuleGraph(const Symbols& label, const PathRule& rule) {
    const int64_t length = std::ssize(label);
    const bool counts = !rule.duration.empty();
    const int64_t most = counts ? std::ssize(rule.duration) : 1;
    const int32_t before = automaton.add_node(true, length == 0);
    for (int64_t k = 0; k < length * most; ++k) automaton.add_node();
    const int32_t behind = automaton.add_node(false, true);
    const auto node = [=](int64_t j, int64_t n) {
      return static_cast<int32_t>(1 + j * most + n - 1);
    };
    const auto read = [&](int32_t from, int64_t j, int64_t n, double cost) {
      automaton.add_arc(from, node(j, n), label[j], static_cast<int32_t>(j));
      weights.push_back(cost);
    };
    for (int64_t j = 0; j < length; ++j) {
      if (j < rule.first) read(before, j, 1, 0);
      for (int64_t n = 1; n <= most; ++n) {
        const double stayed = counts ? rule.duration[n - 1] : 0;
        if (!counts) read(node(j, n), j, n, rule.step[0]);
        if (counts && n < most) read(node(j, n), j, n + 1, rule.step[0]);
        for (int64_t d = 1; d < std::ssize(rule.step); ++d) {
          if (may_step(rule, label, j, d)) read(node(j, n), j + d, 1, rule.step[d] + stayed);
        }
        if (j >= length - rule.last) {
          automaton.add_arc(node(j, n), behind, kEpsilon);
          weights.push_back(stayed);
        }
      }
    }
  }
};

PathRule draw_rule(std::mt19937& random) {
  std::normal_distribution<double> normal(0, 1);
  const auto cost = [&] {
    return random() % 5 == 0 ? kInf : random() % 2 == 0 ? normal(random) : 0;
  };
  if (random() % 3 != 0) {
    return path_rule(
        std::vector{Topology::classic, Topology::margins, Topology::ctc}[random() % 3]);
  }
  PathRule rule;
  rule.skip_to_other = random() % 2 == 0;
  rule.step.resize(1 + random() % (rule.skip_to_other ? 3 : 4));
  for (double& c : rule.step) c = cost();
  rule.step[random() % rule.step.size()] = 0.5;
  rule.first = 1 + int64_t(random() % 3);
  rule.last = 1 + int64_t(random() % 3);
  if (random() % 2 == 0) {
    rule.duration.resize(1 + random() % 4);
    for (double& c : rule.duration) c = cost();
    rule.duration[random() % rule.duration.size()] = 0.25;
  }
  return rule;
}

bool is_free(const std::vector<double>& step) {
  return std::ranges::all_of(step, [](double cost) { return cost == 0; });
}

struct Drawn {
  int64_t frames, alphabet;
  std::vector<double> energies;
  Symbols label;
  PathRule rule;
  double beta;

  explicit Drawn(std::mt19937& random)
      : frames(int64_t(random() % 11)),
        alphabet(2 + int64_t(random() % 4)),
        energies(brute_force::draw_energies<double>(frames * alphabet, brute_force::Kind::normal,
                                                    random)),
        label(brute_force::draw_symbols(int64_t(random() % 7), alphabet, random)),
        rule(draw_rule(random)),
        beta(std::vector{0.3, 1.0, 5.0, kInf}[random() % 4]) {
    if (random() % 4 == 0 && !energies.empty()) energies[random() % energies.size()] = kInf;
  }
  Tensor<double> tensor(const Shape& shape) const {
    return Tensor<double>(shape, std::span<const double>(energies));
  }
};

TEST_CASE(
    "10,000 random pairs under random rules: graphs and the aligner have the same F, gradient "
    "and path") {
  std::mt19937 random(1);
  int with_path = 0, compared = 0;
  for (int n = 0; n < 10000; ++n) {
    CAPTURE(n);
    const Drawn d(random);
    Tape<double> tape;
    const Tensor<double> energies = d.tensor({d.frames, d.alphabet});
    const Var<double> e = tape.borrow(energies, true);
    const RuleGraph rule(d.label, d.rule);
    const Tensor<double> costs({std::ssize(rule.weights)}, std::span<const double>(rule.weights));
    const Graph<double> graph =
        compose(linear_graph(e), weighted(rule.automaton, tape.borrow(costs, false)));
    const Var<double> f = forward_score(graph, d.beta);
    const Symbols path =
        std::isinf(d.beta) ? outputs(graph.automaton, viterbi_path(graph)) : Symbols{};
    tape.backward(f);
    const Tensor<double> de = e.grad();

    AlignScratch scratch;
    std::vector<double> posterior(d.energies.size());
    const AlignResult by_hand = free_energy_of(d.energies.data(), d.frames, d.alphabet, d.label,
                                               d.beta, d.rule, scratch, posterior.data());
    if (by_hand.status != AlignStatus::ok) {
      REQUIRE(f.item() == kInf);
      REQUIRE(by_hand.energy == kInf);
    } else {
      ++with_path;
      REQUIRE(std::abs(f.item() - by_hand.energy) <= 1e-12 * (1 + std::abs(f.item())));
    }
    for (int64_t k = 0; k < de.size(); ++k) REQUIRE(std::abs(de[k] - posterior[k]) <= 1e-12);
    // With costs, rounding decides between equal paths, and the two ways add in different orders.
    if (std::isinf(d.beta) && d.rule.duration.empty() && is_free(d.rule.step)) {
      ++compared;
      const Alignment best = viterbi(d.energies.data(), d.frames, d.alphabet, d.label, d.rule);
      REQUIRE((f.item() == best.energy || best.status != AlignStatus::ok));
      REQUIRE(path == best.path);
    }
  }
  CHECK(compared > 1500);
  CHECK(with_path > 2500);
  CHECK(with_path < 9000);
}

TEST_CASE("and the same second derivative, along random directions") {
  std::mt19937 random(2);
  std::normal_distribution<double> normal(0, 1);
  int with_path = 0;
  for (int n = 0; n < 2000; ++n) {
    CAPTURE(n);
    const Drawn d(random);
    if (d.frames == 0) continue;
    Tensor<double> direction({d.frames, d.alphabet}, 0.0);
    for (double& x : direction.values()) x = normal(random);

    Tape<double> tape;
    const Tensor<double> energies = d.tensor({1, d.frames, d.alphabet});
    const Var<double> e = tape.borrow(energies, true);
    const Var<double> line = reshape(e, {d.frames, d.alphabet});
    const RuleGraph rule(d.label, d.rule);
    const Tensor<double> costs({std::ssize(rule.weights)}, std::span<const double>(rule.weights));
    const Graph<double> graph =
        compose(linear_graph(line), weighted(rule.automaton, tape.borrow(costs, false)));
    LabelList labels;
    labels.add(d.label);
    BatchAlignment out;
    const Var<double> along = tape.constant(direction);
    const auto product = [&](Var<double> f) {
      const Var<double> de = tape.grad(f, std::span(&e, 1), true)[0];
      const Var<double> slope = sum(mul(reshape(de, {d.frames, d.alphabet}), along));
      return tape.grad(slope, std::span(&e, 1))[0].to_tensor();
    };
    const Tensor<double> by_graph = product(forward_score(graph, d.beta));
    const Tensor<double> by_hand = product(sum(free_energy(
        e, std::vector<int64_t>{d.frames}, labels.view(), AlignOptions{d.beta, d.rule}, out)));
    with_path += out.results[0].status == AlignStatus::ok;
    for (int64_t k = 0; k < by_graph.size(); ++k) {
      REQUIRE(std::abs(by_graph[k] - by_hand[k]) <= 1e-10);
    }
  }
  CHECK(with_path > 400);
}

}  // namespace
}  // namespace talweg::ebm
