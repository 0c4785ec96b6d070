// The graph way against the hand-written aligner, and against a plain dynamic programme.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "core/gradcheck.h"
#include "ebm/align/alignment.h"
#include "ebm/graph/graph.h"
#include "tests/ebm/align/brute_force.h"
#include "tests/ebm/graph/plain.h"

namespace talweg::ebm {
namespace {

using Symbols = std::vector<int32_t>;
constexpr double kInf = std::numeric_limits<double>::infinity();

struct Pair {
  int64_t frames, alphabet;
  std::vector<double> energies;
  Symbols label;

  Tensor<double> tensor() const {
    return Tensor<double>({frames, alphabet}, std::span<const double>(energies));
  }
};

/// A random word of up to three letters, expanded, and energies that may be too few for it.
Pair draw_pair(std::mt19937& random, Topology topology, brute_force::Kind kind) {
  const auto below = [&](int n) { return static_cast<int64_t>(random() % n); };
  Pair p;
  p.frames = below(13);
  p.alphabet = 2 + below(5);
  p.energies = brute_force::draw_energies<double>(p.frames * p.alphabet, kind, random);
  const auto between = static_cast<int32_t>(p.alphabet) - 1;
  p.label = expand(brute_force::draw_symbols(below(4), between, random), between, topology);
  return p;
}

LabelRule label_rule(Topology topology) {
  if (topology == Topology::classic) return LabelRule::classic();
  return topology == Topology::margins ? LabelRule::margins() : LabelRule::ctc();
}

struct Scored {
  double energy;
  Tensor<double> gradient;
};

Scored score(const Pair& p, double beta, LabelRule rule) {
  Tape<double> tape;
  const Tensor<double> energies = p.tensor();
  const Var<double> e = tape.borrow(energies, true);
  const Var<double> f = graph_free_energy<double>(e, p.label, beta, rule);
  tape.backward(f);
  return {f.item(), e.grad()};
}

TEST_CASE(
    "10,000 random pairs: same F, path and gradient as the hand-written aligner, to the bit") {
  std::mt19937 random(1);
  int feasible = 0;
  for (int n = 0; n < 10000; ++n) {
    const auto kind = n % 2 == 0 ? brute_force::Kind::normal : brute_force::Kind::tied;
    Pair p = draw_pair(random, Topology::classic, kind);
    if (n % 4 == 3) {  // labels of any symbols, not only expanded words
      const int64_t length = static_cast<int64_t>(random() % 8);
      p.label = brute_force::draw_symbols(length, p.alphabet, random);
    }
    if (n % 5 == 4 && !p.energies.empty()) p.energies[random() % p.energies.size()] = kInf;
    CAPTURE(n);
    const Alignment by_hand = viterbi(p.energies.data(), p.frames, p.alphabet, p.label);
    const Scored by_graph = score(p, kInf, LabelRule::classic());
    REQUIRE(by_graph.energy == by_hand.energy);

    Tape<double> tape;
    const Tensor<double> energies = p.tensor();
    const auto graph = alignment_graph<double>(tape.borrow(energies, false), p.label);
    const Symbols path = outputs(graph.automaton, viterbi_path(graph));
    REQUIRE(path == by_hand.path);

    Tensor<double> expected({p.frames, p.alphabet}, 0.0);
    for (size_t i = 0; i < path.size(); ++i) expected[i * p.alphabet + p.label[path[i]]] = 1;
    for (int64_t k = 0; k < expected.size(); ++k) REQUIRE(by_graph.gradient[k] == expected[k]);
    feasible += by_hand.status == AlignStatus::ok;
  }
  CHECK(feasible > 5000);
  CHECK(feasible < 10000);
}

TEST_CASE("10,000 random pairs: same F and gradient as a plain dynamic programme, hard and soft") {
  std::mt19937 random(2);
  for (int n = 0; n < 10000; ++n) {
    const Topology topology =
        std::vector{Topology::classic, Topology::margins, Topology::ctc}[n % 3];
    const double beta = std::vector{0.2, 1.0, 4.0, kInf}[n / 3 % 4];
    Pair p = draw_pair(random, topology, brute_force::Kind::normal);
    if (n % 5 == 4 && !p.energies.empty()) p.energies[random() % p.energies.size()] = kInf;
    CAPTURE(n);
    const plain::Sum expected =
        plain::sum_over_paths(p.energies, p.frames, p.alphabet, p.label, path_rule(topology), beta);
    const Scored found = score(p, beta, label_rule(topology));
    if (expected.energy == plain::kInf) {
      REQUIRE(found.energy == kInf);
      for (const double g : found.gradient.values()) REQUIRE(g == 0);
      continue;
    }
    REQUIRE(std::abs(found.energy - double(expected.energy)) <=
            1e-13 * (1 + std::abs(found.energy)));
    double total = 0;
    for (int64_t k = 0; k < found.gradient.size(); ++k) {
      total += found.gradient[k];
      if (beta < kInf) {
        REQUIRE(std::abs(found.gradient[k] - double(expected.posterior[k])) <= 1e-12);
      }
    }
    REQUIRE(total == doctest::Approx(double(p.frames)).epsilon(1e-13));
  }
}

TEST_CASE("the first and the second derivative agree with differences, under each rule") {
  std::mt19937 random(3);
  for (const Topology topology : {Topology::classic, Topology::margins, Topology::ctc}) {
    const Symbols label = expand(Symbols{0, 1, 1}, 2, topology);
    const Tensor<double> e({8, 3}, std::span<const double>(brute_force::draw_energies<double>(
                                       24, brute_force::Kind::normal, random)));
    for (const double beta : {0.5, 2.0}) {
      const Function f = [&](std::span<const Var<double>> x) {
        return graph_free_energy<double>(x[0], label, beta, label_rule(topology));
      };
      const GradcheckResult first = gradcheck(f, {e});
      CHECK_MESSAGE(first.ok, first.worst);
      const GradcheckResult second = gradgradcheck(f, {e});
      CHECK_MESSAGE(second.ok, second.worst);
    }
  }
}

TEST_CASE("the Hessian is -beta times the covariance of the cells on a path; Viterbi's is zero") {
  std::mt19937 random(4);
  const int64_t frames = 5, alphabet = 3, cells = frames * alphabet;
  const auto energies =
      brute_force::draw_energies<double>(cells, brute_force::Kind::normal, random);
  const Symbols label = expand(Symbols{0, 1}, 2);
  for (const double beta : {0.7, kInf}) {
    Tape<double> tape;
    const Var<double> e =
        tape.variable(Tensor<double>({frames, alphabet}, std::span<const double>(energies)));
    const Var<double> f = graph_free_energy<double>(e, label, beta);
    const Var<double> de = tape.grad(f, std::span(&e, 1), true)[0];

    std::vector<double> mean(cells), second(cells * cells);
    brute_force::each_path(frames, std::ssize(label), [&](const Symbols& z) {
      const double excess = brute_force::path_energy(energies, alphabet, label, z) - f.item();
      const double p = std::isinf(beta) ? 0 : std::exp(-beta * excess);
      for (int64_t i = 0; i < frames; ++i) {
        mean[i * alphabet + label[z[i]]] += p;
        for (int64_t k = 0; k < frames; ++k) {
          second[(i * alphabet + label[z[i]]) * cells + k * alphabet + label[z[k]]] += p;
        }
      }
    });
    for (int64_t c = 0; c < cells; ++c) {
      Tensor<double> unit({frames, alphabet}, 0.0);
      unit[c] = 1;
      const auto row = tape.grad(de, std::span(&e, 1), false, tape.constant(unit))[0].to_tensor();
      for (int64_t d = 0; d < cells; ++d) {
        const double covariance = second[c * cells + d] - mean[c] * mean[d];
        const double expected = std::isinf(beta) ? 0 : -beta * covariance;
        if (std::isinf(beta)) CHECK(row[d] == 0);
        CHECK(std::abs(row[d] - expected) <= 1e-12);
      }
    }
  }
}

TEST_CASE("F lies between F_min - log(paths)/beta and F_min, and rises with beta to it") {
  std::mt19937 random(5);
  const Pair p = [&] {
    Pair pair{9, 3, brute_force::draw_energies<double>(27, brute_force::Kind::normal, random), {}};
    pair.label = expand(Symbols{0, 1}, 2);
    return pair;
  }();
  const double least = score(p, kInf, {}).energy;
  const double paths = 56;  // C(8, 3)
  double before = -kInf;
  for (const double beta : {1e-6, 0.01, 0.1, 1.0, 10.0, 1e3, 1e6}) {
    const double f = score(p, beta, {}).energy;
    const double rounding = 1e-12 * (1 + std::log(paths) / beta);
    CHECK(f <= least + rounding);
    CHECK(f >= least - std::log(paths) / beta - rounding);
    CHECK(f >= before - rounding);
    before = f;
  }
  CHECK(before == doctest::Approx(least).epsilon(1e-12));
}

TEST_CASE("large energies neither overflow nor lose probability") {
  for (const double size : {1e4, 1e30, 1e300}) {
    std::mt19937 random(6);
    Pair p{50, 4, brute_force::draw_energies<double>(200, brute_force::Kind::normal, random), {}};
    for (double& e : p.energies) e *= size / 100;
    p.label = expand(Symbols{0, 1, 2, 0}, 3);
    for (const double beta : {1.0, kInf}) {
      const Scored found = score(p, beta, {});
      CHECK(std::isfinite(found.energy));
      for (int64_t i = 0; i < p.frames; ++i) {
        double row = 0;
        for (int64_t a = 0; a < p.alphabet; ++a) row += found.gradient[i * p.alphabet + a];
        CHECK(row == doctest::Approx(1.0).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("in float, scores are as good as float allows") {
  std::mt19937 random(7);
  const auto energies =
      brute_force::draw_energies<float>(64 * 27, brute_force::Kind::normal, random);
  const std::vector<double> exact(energies.begin(), energies.end());
  const Symbols label = expand(brute_force::draw_symbols(12, 26, random), 26);
  const auto expected = plain::sum_over_paths(exact, 64, 27, label, PathRule{}, 1.0);
  Tape<float> tape;
  const Var<float> e = tape.variable(Tensor<float>({64, 27}, std::span<const float>(energies)));
  const Var<float> f = graph_free_energy<float>(e, label, 1.0);
  tape.backward(f);
  CHECK(f.item() == doctest::Approx(double(expected.energy)).epsilon(1e-6));
  const Tensor<float> de = e.grad();
  for (int64_t k = 0; k < de.size(); ++k) {
    CHECK(std::abs(de[k] - double(expected.posterior[k])) <= 1e-3);
  }
}

}  // namespace
}  // namespace talweg::ebm
