// The identities that free energies obey whatever the energies are: F, the mean energy, its variance
// and the entropy of the paths, as functions of beta.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "ebm/align/curvature.h"
#include "tests/ebm/align/free_energies.h"

namespace talweg::ebm {
namespace {

using brute_force::Kind;
using Symbols = std::vector<int32_t>;
constexpr double kInf = std::numeric_limits<double>::infinity();

/// <E> and Var(E) of the paths of a pair, from the first two derivatives of F along e.
struct Moments {
  double f, mean, variance;
};
Moments moments(const std::vector<double>& e, int64_t alphabet, const Symbols& label, double beta) {
  const auto found = free_energy_of(e, alphabet, label, beta);
  std::vector<double> h(e.size());
  CurvatureScratch scratch;
  posterior_derivative(e.data(), std::ssize(e) / alphabet, alphabet, label, beta, PathRule{},
                       e.data(), h.data(), scratch);
  const double mean = std::inner_product(e.begin(), e.end(), found.posterior.begin(), 0.0);
  return {found.result.energy, mean,
          std::inner_product(e.begin(), e.end(), h.begin(), 0.0) / -beta};
}

TEST_CASE("beta F has the slope <E> and the curvature -Var(E)") {
  std::mt19937 random(1);
  const auto e = brute_force::draw_energies<double>(40 * 5, Kind::normal, random);
  const Symbols label = brute_force::draw_symbols(12, 5, random);
  for (const double beta : {0.05, 0.5, 1.0, 3.0}) {
    const double step = 1e-4 * beta;
    const Moments low = moments(e, 5, label, beta - step), at = moments(e, 5, label, beta),
                  high = moments(e, 5, label, beta + step);
    const double slope = ((beta + step) * high.f - (beta - step) * low.f) / (2 * step);
    CHECK(slope == doctest::Approx(at.mean).epsilon(1e-6));
    CHECK((high.mean - low.mean) / (2 * step) == doctest::Approx(-at.variance).epsilon(1e-6));
    CHECK(at.variance > 0);
  }
}

TEST_CASE("F is <E> - S / beta, and rises with beta as S / beta^2") {
  std::mt19937 random(2);
  constexpr int64_t kFrames = 7, kSymbols = 3;
  const auto e = brute_force::draw_energies<double>(kFrames * kSymbols, Kind::normal, random);
  const Symbols label = brute_force::draw_symbols(4, kSymbols, random);
  for (const double beta : {0.1, 1.0, 5.0}) {
    const Moments at = moments(e, kSymbols, label, beta);
    double entropy = 0;
    brute_force::each_rule_path(e, kFrames, kSymbols, label, PathRule{},
                                [&](const auto&, double energy) {
                                  const double log_p = -beta * (energy - at.f);
                                  entropy -= std::exp(log_p) * log_p;
                                });
    CHECK(at.f == doctest::Approx(at.mean - entropy / beta).epsilon(1e-12));
    const double step = 1e-4 * beta;
    const double slope =
        (moments(e, kSymbols, label, beta + step).f - moments(e, kSymbols, label, beta - step).f) /
        (2 * step);
    CHECK(slope == doctest::Approx(entropy / (beta * beta)).epsilon(1e-6));
  }
}

TEST_CASE("hot, every path counts alike: F + log(n) / beta is their mean energy") {
  std::mt19937 random(3);
  constexpr int64_t kFrames = 8, kSymbols = 3;
  const auto e = brute_force::draw_energies<double>(kFrames * kSymbols, Kind::normal, random);
  const Symbols label = brute_force::draw_symbols(5, kSymbols, random);
  double mean = 0;
  int64_t paths = 0;
  brute_force::each_rule_path(e, kFrames, kSymbols, label, PathRule{}, [&](const auto&, double c) {
    mean += c;
    ++paths;
  });
  mean /= double(paths);
  const double beta = 1e-6;
  const double f = free_energy_of(e, kSymbols, label, beta).result.energy;
  CHECK(f + std::log(double(paths)) / beta == doctest::Approx(mean).epsilon(1e-3));
}

TEST_CASE("a label of one symbol twice has L - 1 equal paths: F = F_min - log(L - 1) / beta") {
  std::mt19937 random(4);
  for (const int64_t frames : {2, 3, 17, 400}) {
    const auto e = brute_force::draw_energies<double>(frames * 3, Kind::normal, random);
    const double hard = free_energy_of(e, 3, {1, 1}, kInf).result.energy;
    for (const double beta : {0.1, 1.0, 20.0}) {
      const double expected = hard - std::log(double(frames - 1)) / beta;
      CHECK(std::abs(free_energy_of(e, 3, {1, 1}, beta).result.energy - expected) <=
            1e-13 * (std::abs(hard) + std::abs(expected)));
    }
  }
}

}  // namespace
}  // namespace talweg::ebm
