#include "ebm/align/curvature.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/ebm/align/rule_paths.h"

namespace talweg::ebm {
namespace {

using brute_force::Kind;
using Symbols = std::vector<int32_t>;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// -beta Cov(n, S) for S = <n, v>, n the indicators of cells on a path, by enumeration.
std::vector<double> covariance(const std::vector<double>& e, int64_t frames, int64_t alphabet,
                               const Symbols& label, const PathRule& rule, double beta,
                               const std::vector<double>& v) {
  const auto sum = brute_force::sum_over_paths(e, frames, alphabet, label, rule, beta);
  std::vector<double> with(e.size(), 0.0);
  double mean = 0;
  brute_force::each_rule_path(e, frames, alphabet, label, rule, [&](const auto& z, double energy) {
    const double p = std::exp(-beta * (energy - sum.free_energy));
    const double s = brute_force::path_energy(v, alphabet, label, z);
    mean += p * s;
    for (int64_t i = 0; i < frames; ++i) with[i * alphabet + label[z[i]]] += p * s;
  });
  for (size_t k = 0; k < e.size(); ++k) with[k] = -beta * (with[k] - mean * sum.posterior[k]);
  return with;
}

TEST_CASE("the Hessian of the free energy is -beta times the covariance of the path's cells") {
  std::mt19937 random(1);
  CurvatureScratch scratch;
  for (const PathRule& rule : brute_force::some_rules()) {
    for (int repeat = 0; repeat < 40; ++repeat) {
      const int64_t frames = 2 + random() % 5, alphabet = 3;
      const auto e = brute_force::draw_energies<double>(frames * alphabet, Kind::normal, random);
      const auto v = brute_force::draw_energies<double>(frames * alphabet, Kind::normal, random);
      const Symbols label = brute_force::draw_symbols(1 + random() % 5, alphabet, random);
      const double beta = 0.2 + 0.5 * double(random() % 4);
      std::vector<double> h(e.size(), kNan);
      posterior_derivative(e.data(), frames, alphabet, label, beta, rule, v.data(), h.data(),
                           scratch);
      const auto sum = brute_force::sum_over_paths(e, frames, alphabet, label, rule, beta);
      if (sum.least == kInf) {
        CHECK(h == std::vector<double>(e.size(), 0.0));
        continue;
      }
      const auto expected = covariance(e, frames, alphabet, label, rule, beta, v);
      for (size_t k = 0; k < e.size(); ++k) REQUIRE(std::abs(h[k] - expected[k]) < 1e-9);
    }
  }
}

TEST_CASE("a path without alternatives has no curvature, at any scale") {
  for (const double scale : {1.0, 1e30}) {
    std::vector<double> e{1, 2, 4, 8, 16, 32};
    for (double& x : e) x *= scale;
    std::vector<double> h(6, kNan);
    const std::vector<double> v{1, 2, 3, 4, 5, 6};
    CurvatureScratch scratch;
    posterior_derivative(e.data(), 3, 2, Symbols{1, 0, 1}, 1.0, PathRule{}, v.data(), h.data(),
                         scratch);
    CHECK(h == std::vector<double>(6, 0.0));
  }
}

TEST_CASE("tied paths have the same curvature at any scale and length") {
  std::mt19937 random(3);
  for (const int64_t frames : {6, 40, 1500}) {
    const Symbols label = brute_force::draw_symbols(frames / 3, 3, random);
    const auto v = brute_force::draw_energies<double>(frames * 3, Kind::normal, random);
    CurvatureScratch scratch;
    std::vector<double> at_zero(v.size()), h(v.size());
    posterior_derivative(std::vector<double>(v.size(), 0.0).data(), frames, 3, label, 1.0,
                         PathRule{}, v.data(), at_zero.data(), scratch);
    CHECK(*std::ranges::max_element(at_zero) > 0.1);
    for (const double scale : {1e-300, 1.0, 1e30, -1e300}) {
      const std::vector<double> e(v.size(), scale);
      posterior_derivative(e.data(), frames, 3, label, 1.0, PathRule{}, v.data(), h.data(),
                           scratch);
      for (size_t k = 0; k < h.size(); ++k) REQUIRE(std::abs(h[k] - at_zero[k]) < 1e-9);
    }
  }
}

}  // namespace
}  // namespace talweg::ebm
