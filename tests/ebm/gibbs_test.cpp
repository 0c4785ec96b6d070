#include "ebm/gibbs.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/gradcheck.h"
#include "core/ops/reduce.h"
#include "core/rng.h"
#include "ebm/beta.h"
#include "ebm/energies/table.h"

using namespace talweg;
using namespace talweg::ebm;

namespace {

std::vector<double> random_energies(int count, uint64_t seed, double spread = 1) {
  Rng rng(seed);
  std::vector<double> e;
  for (int i = 0; i < count; ++i) e.push_back(spread * rng.normal());
  return e;
}

}  // namespace

TEST_CASE("a Gibbs distribution is normalised, and F = <E> - S / beta") {
  for (const double beta : {0.01, 1.0, 50.0}) {
    const std::vector<double> e = random_energies(9, 1);
    const GibbsDistribution g = gibbs(e, beta);
    double total = 0, entropy = 0, mean = 0;
    for (std::size_t k = 0; k < e.size(); ++k) {
      total += g.probability[k];
      mean += g.probability[k] * e[k];
      if (g.probability[k] > 0) entropy -= g.probability[k] * std::log(g.probability[k]);
    }
    CHECK(total == doctest::Approx(1));
    CHECK(g.mean_energy == doctest::Approx(mean));
    CHECK(g.entropy == doctest::Approx(entropy));
    CHECK(g.free_energy == doctest::Approx(g.mean_energy - g.entropy / beta));
    CHECK(g.free_energy == doctest::Approx(-g.log_partition / beta));
  }
}

TEST_CASE("the free energy lies within log N / beta of the minimum and grows with beta") {
  const std::vector<double> e = random_energies(20, 2);
  const double least = *std::min_element(e.begin(), e.end());
  double before = -INFINITY;
  for (double beta = 1e-3; beta < 1e5; beta *= 1.7) {
    const double f = gibbs(e, beta).free_energy;
    CHECK(f <= least + 1e-12);
    CHECK(f >= least - std::log(20.0) / beta - 1e-9);
    CHECK(f >= before - 1e-12);
    before = f;
  }
  // beta -> 0: F + log N / beta tends to the mean over all states.
  double mean = 0;
  for (double v : e) mean += v / 20;
  CHECK(gibbs(e, 1e-6).free_energy + std::log(20.0) / 1e-6 == doctest::Approx(mean).epsilon(1e-5));
}

TEST_CASE("derivatives in beta: dF/dbeta = S/beta^2, d(beta F)/dbeta = <E>, the second = -Var E") {
  const std::vector<double> e = random_energies(7, 3);
  const double beta = 1.3, h = 1e-4;
  const GibbsDistribution g = gibbs(e, beta), up = gibbs(e, beta + h), down = gibbs(e, beta - h);
  CHECK((up.free_energy - down.free_energy) / (2 * h) ==
        doctest::Approx(g.entropy / (beta * beta)).epsilon(1e-7));
  const auto beta_f = [](const GibbsDistribution& x) { return x.beta * x.free_energy; };
  CHECK((beta_f(up) - beta_f(down)) / (2 * h) == doctest::Approx(g.mean_energy).epsilon(1e-7));
  CHECK((beta_f(up) - 2 * beta_f(g) + beta_f(down)) / (h * h) ==
        doctest::Approx(-g.energy_variance).epsilon(1e-5));
}

TEST_CASE("large energies keep their digits, and forbidden states have no mass") {
  const double inf = INFINITY;
  const std::vector<double> e{1e15, 1e15 + 1, inf};
  const GibbsDistribution g = gibbs(e, 1);
  CHECK(g.probability[0] == doctest::Approx(1 / (1 + std::exp(-1.0))));
  CHECK(g.probability[2] == 0);
  CHECK(g.energy_variance == doctest::Approx(g.probability[0] * g.probability[1]));
}

TEST_CASE("enumeration of an Ising chain gives the transfer matrix's log Z") {
  // E(s) = -J sum s_i s_{i+1}, s = 2y - 1, open chain: Z = 2 (2 cosh(beta J))^{n-1}.
  const double j = 0.7, beta = 1.1;
  const int n = 6;
  const Energy<double> ising = [=](const auto& at) {
    const auto s = 2.0 * at.y - 1.0;
    return -j * sum(slice(s, 1, 0, n - 1) * slice(s, 1, 1, n - 1), -1);
  };
  const GibbsDistribution g = enumerate(ising, std::vector<int64_t>(n, 2), beta);
  CHECK(g.probability.size() == 64);
  CHECK(g.log_partition ==
        doctest::Approx(std::log(2.0) + (n - 1) * std::log(2 * std::cosh(beta * j))));
  CHECK(g.mean_energy == doctest::Approx(-(n - 1) * j * std::tanh(beta * j)));
  const Tensor<double> states = all_states<double>(std::vector<int64_t>{2, 3});
  CHECK(states.shape() == Shape{6, 2});
  CHECK(states[2 * 4] == 1);  // the last variable runs fastest: (1, 1)
  CHECK(states[2 * 4 + 1] == 1);
}

TEST_CASE(
    "on the tape: log Z, probabilities and free energy have the derivatives of the formulas") {
  const Tensor<double> f({2, 4}, random_energies(8, 4));
  for (const double beta : {0.6, 3.0}) {
    for (const Function& g :
         std::vector<Function>{[=](auto x) { return log_partition(x[0], beta); },
                               [=](auto x) { return gibbs_probabilities(x[0], beta); },
                               [=](auto x) { return free_energy(x[0], beta); }}) {
      CHECK(gradcheck(g, {f}).ok);
      CHECK(gradgradcheck(g, {f}).ok);
    }
    Tape<double> tape;
    const Var<double> leaf = tape.variable(f);
    const GibbsDistribution exact = gibbs(f.values().subspan(4), beta);
    CHECK(log_partition(leaf, beta).data()[1] == doctest::Approx(exact.log_partition));
    CHECK(free_energy(leaf, beta).data()[1] == doctest::Approx(exact.free_energy));
    CHECK(gibbs_probabilities(leaf, beta).data()[6] == doctest::Approx(exact.probability[2]));
    const Var<double> g = tape.grad(sum(free_energy(leaf, beta)), {{leaf}})[0];
    CHECK(g.data()[6] == doctest::Approx(exact.probability[2]));  // dF/dE_k = p_k
  }
  CHECK(gradcheck([](auto x) { return free_energy(x[0], kZeroTemperature); }, {f}).ok);
  Tape<double> tape;
  const Var<double> hard = free_energy(tape.constant(f), kZeroTemperature);
  CHECK(hard.data()[0] == *std::min_element(f.data(), f.data() + 4));
}

TEST_CASE("what has no Gibbs distribution is refused with the reason") {
  const std::vector<double> e{1, 2};
  Tape<double> tape;
  const Var<double> f = tape.constant(Tensor<double>({1, 2}));
  for (const double beta : {0.0, -1.0, std::nan("")}) {
    CHECK_THROWS_WITH_AS(gibbs(e, beta), doctest::Contains("beta is"), Error);
    CHECK_THROWS_WITH_AS(free_energy(f, beta), doctest::Contains("beta is"), Error);
    CHECK_THROWS_WITH_AS(log_partition(f, beta), doctest::Contains("beta is"), Error);
    CHECK_THROWS_WITH_AS(gibbs_probabilities(f, beta), doctest::Contains("beta is"), Error);
  }
  CHECK_THROWS_WITH_AS(gibbs(e, INFINITY), doctest::Contains("finite"), Error);
  CHECK_THROWS_WITH_AS(gibbs(std::vector<double>{1, std::nan("")}, 1),
                       doctest::Contains("state 1 is NaN"), Error);
  CHECK_THROWS_WITH_AS(gibbs(std::vector<double>{-INFINITY}, 1), doctest::Contains("-infinity"),
                       Error);
  CHECK_THROWS_WITH_AS(gibbs(std::vector<double>{INFINITY}, 1), doctest::Contains("none of 1"),
                       Error);
  CHECK_THROWS_WITH_AS(gibbs({}, 1), doctest::Contains("none of 0"), Error);
  CHECK_THROWS_WITH_AS(all_states<double>(std::vector<int64_t>(30, 2)),
                       doctest::Contains("more than 2^24"), Error);
}
