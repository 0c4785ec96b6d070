#include "ebm/sampling/gibbs_sampler.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/rng.h"
#include "ebm/energies/table.h"
#include "tests/ebm/sampling/statistics.h"

namespace talweg::ebm {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr int64_t kChains = 20000;

Tensor<double> random_table(const Shape& shape) {
  Tensor<double> table(shape);
  Rng rng(5);
  for (double& e : table.values()) e = rng.normal();
  return table;
}

/// Pearson's chi^2 of the chains' states against e^{-beta E} / Z by enumeration.
double chi_square(const Tensor<double>& table, double beta, std::span<const int32_t> points) {
  const int64_t sites = table.shape().rank(), chains = std::ssize(points) / sites;
  std::vector<double> count(size_t(table.size()));
  for (int64_t c = 0; c < chains; ++c) {
    int64_t at = 0;
    for (int64_t s = 0; s < sites; ++s) at = at * table.shape()[int(s)] + points[c * sites + s];
    count[at] += 1;
  }
  double z = 0, chi = 0;
  for (const double e : table.values()) z += std::exp(-beta * e);
  for (int64_t i = 0; i < table.size(); ++i) {
    const double expected = double(chains) * std::exp(-beta * table[i]) / z;
    chi += (count[i] - expected) * (count[i] - expected) / expected;
  }
  return chi;
}

TEST_CASE("Gibbs visits every state as often as enumeration says") {
  const Tensor<double> table = random_table({2, 3, 4});
  for (const double beta : {0.5, 2.0}) {
    GibbsSampler sampler(table_conditionals(table), std::vector<int32_t>(kChains * 3, 0),
                         {.beta = beta, .seed = 2});
    sampler.advance(60);
    const double chi = chi_square(table, beta, sampler.points());
    CHECK(chi < 49.7);  // 23 degrees of freedom: exceeded with probability 0.001
    CHECK(chi_square(table, beta * 1.2, sampler.points()) > 49.7);
  }
}

TEST_CASE("one sweep of Gibbs follows the product of its conditionals, site by site") {
  // From (0, 0): y_1 from row y_2 = 0, then y_2 given it. Exact probabilities, by enumeration.
  const Tensor<double> table = random_table({2, 2});
  GibbsSampler sampler(table_conditionals(table), std::vector<int32_t>(kChains * 2, 0),
                       {.seed = 3});
  sampler.advance(1);
  Tensor<double> one_sweep({2, 2});
  for (int64_t a = 0; a < 2; ++a) {
    const double first = std::exp(-table[a * 2]) / (std::exp(-table[0]) + std::exp(-table[2]));
    for (int64_t b = 0; b < 2; ++b) {
      const double row = std::exp(-table[a * 2]) + std::exp(-table[a * 2 + 1]);
      one_sweep[a * 2 + b] = -std::log(first * std::exp(-table[a * 2 + b]) / row);
    }
  }
  CHECK(chi_square(one_sweep, 1, sampler.points()) < 16.3);  // 3 degrees, probability 0.001
}

TEST_CASE("any energy of whole numbers can be sampled, with the steps of its table") {
  const Tensor<double> table = random_table({3, 2, 2});
  const std::vector<int32_t> start(300, 1);
  GibbsSampler by_table(table_conditionals(table), start, {.beta = 1.5, .seed = 4});
  GibbsSampler by_energy(energy_conditionals(Table(table), {3, 2, 2}), start,
                         {.beta = 1.5, .seed = 4});
  by_table.advance(10);
  by_energy.advance(10);
  CHECK(std::equal(by_table.points().begin(), by_table.points().end(), by_energy.points().begin()));
}

TEST_CASE("Gibbs never enters a forbidden state, and says where no state is left") {
  Tensor<double> table({2, 2});
  table[3] = kInf;
  GibbsSampler sampler(table_conditionals(table), std::vector<int32_t>(2000, 0), {.seed = 1});
  for (int i = 0; i < 20; ++i) {
    sampler.advance(1);
    for (int64_t c = 0; c < sampler.chains(); ++c) {
      REQUIRE_FALSE((sampler.points()[2 * c] == 1 && sampler.points()[2 * c + 1] == 1));
    }
  }
  GibbsSampler stuck(table_conditionals(Tensor<double>({2, 2}, kInf)), {0, 0}, {});
  CHECK_THROWS_WITH_AS(stuck.advance(1), doctest::Contains("diverged at step 0 in chain 0"), Error);
  GibbsSampler broken(table_conditionals(Tensor<double>({2, 2}, NAN)), {0, 0}, {});
  CHECK_THROWS_WITH_AS(broken.advance(1), doctest::Contains("NaN"), Error);
}

TEST_CASE("Gibbs refuses chains that are none") {
  const auto energy = table_conditionals(random_table({2, 2}));
  CHECK_THROWS_WITH_AS(GibbsSampler(energy, {}, {}), doctest::Contains("at least one chain"),
                       Error);
  CHECK_THROWS_WITH_AS(GibbsSampler(energy, {0, 2}, {}), doctest::Contains("value 2 at site 1"),
                       Error);
  CHECK_THROWS_WITH_AS(GibbsSampler(energy, {0, 0}, {.beta = 0}), doctest::Contains("beta is 0"),
                       Error);
}

}  // namespace
}  // namespace talweg::ebm
