#include "ebm/sampling/partition_estimate.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "ebm/sampling/noise.h"

namespace talweg::ebm {
namespace {

using std::numbers::pi;

/// log Z of k |y|^2 / 2 in D dimensions.
double gaussian_log_z(double beta, double k, int64_t d) {
  return double(d) / 2 * std::log(2 * pi / (beta * k));
}

/// n log weights of N(0, 1 / beta k) in one dimension under q = N(0, s^2).
std::vector<double> log_weights(double precision, double s, int64_t n, uint64_t step) {
  std::vector<double> y(n);
  fill_normal(noise_of(1, Purpose::start, step), std::span<double>(y));
  for (double& v : y) {
    const double at = s * v;
    v = -precision * at * at / 2 + v * v / 2 + std::log(2 * pi * s * s) / 2;
  }
  return y;
}

TEST_CASE("importance sampling finds a Gaussian's log Z within its own standard error") {
  for (const double s : {0.8, 1.0, 2.0}) {
    CAPTURE(s);
    constexpr int64_t kMany = 100000;
    const LogPartition found = log_partition_of(log_weights(1, s, kMany, 1));
    const double exact = gaussian_log_z(1, 1, 1);
    // E w^2 / Z^2 = s^2 / sqrt(2 s^2 - 1) for a standard normal under N(0, s^2).
    const double relative_variance = s * s / std::sqrt(2 * s * s - 1) - 1;
    CHECK(std::abs(found.log_z - exact) <= 4 * found.standard_error + 1e-12);
    CHECK(found.standard_error ==
          doctest::Approx(std::sqrt(relative_variance / kMany)).epsilon(0.1));
    CHECK(found.ess == doctest::Approx(kMany / (1 + relative_variance)).epsilon(0.05));
    CHECK(found.mean_log_weight <= found.log_z + 1e-12);
  }
}

TEST_CASE("the estimate of Z is unbiased, that of log Z lies low by its variance over 2n") {
  constexpr int64_t kRuns = 20000, kSamples = 20;
  constexpr double kS = 1.5;
  double z = 0, z2 = 0, log_z = 0, log_z2 = 0;
  for (int64_t run = 0; run < kRuns; ++run) {
    const double l = log_partition_of(log_weights(1, kS, kSamples, uint64_t(run))).log_z;
    z += std::exp(l) / kRuns;
    z2 += std::exp(2 * l) / kRuns;
    log_z += l / kRuns;
    log_z2 += l * l / kRuns;
  }
  const double exact = std::sqrt(2 * pi);
  CHECK(std::abs(z - exact) < 4 * std::sqrt((z2 - z * z) / kRuns));
  const double error = std::sqrt((log_z2 - log_z * log_z) / kRuns);
  const double bias = -(kS * kS / std::sqrt(2 * kS * kS - 1) - 1) / (2 * kSamples);
  CHECK(log_z < std::log(exact) - 4 * error);
  CHECK(log_z == doctest::Approx(std::log(exact) + bias).epsilon(0.002));
}

TEST_CASE("energies and log q make the same weights, at any beta") {
  const std::vector<double> energies{1, 2, 0.5}, log_q{-1, -2, -0.7};
  const LogPartition found = importance_log_partition(energies, log_q, 2);
  double mean = 0;
  for (size_t i = 0; i < 3; ++i) mean += std::exp(-2 * energies[i] - log_q[i]) / 3;
  CHECK(found.log_z == doctest::Approx(std::log(mean)).epsilon(1e-12));
}

TEST_CASE("annealing between Gaussians finds log Z from both ends, a sandwich around the truth") {
  constexpr double kBeta = 1.3;
  constexpr int64_t kD = 3, kChains = 2000;
  const auto from = quartic_force<double>(quartic_of_gaussian(1, kD));
  Quartic narrow = quartic_of_gaussian(20, kD);
  narrow.b.assign(kD, 8.0);  // (k/2) |y - m|^2 - k |m|^2 / 2 with m = -b / k
  const auto to = quartic_force<double>(narrow);
  const double shift = -8.0 / 20;
  const double log_z_0 = gaussian_log_z(kBeta, 1, kD);
  const double exact = gaussian_log_z(kBeta, 20, kD) + kBeta * kD * 20 * shift * shift / 2;
  const auto start = normal_start<double>(kChains, kD, 1 / std::sqrt(kBeta), 5);
  Tensor<double> end = normal_start<double>(kChains, kD, 1 / std::sqrt(kBeta * 20), 6);
  for (double& v : end.values()) v += shift;

  double gap_before = 1e9;
  for (const int64_t temperatures : {10, 100}) {
    CAPTURE(temperatures);
    const AisOptions options{
        .beta = kBeta, .temperatures = temperatures, .step = 0.15, .leaps = 4, .seed = 7};
    const LogPartition low = ais_log_partition<double>(from, log_z_0, to, start, options);
    const LogPartition high = reverse_ais_log_partition<double>(from, log_z_0, to, end, options);
    CHECK(low.mean_log_weight < exact);
    CHECK(high.mean_log_weight > exact);
    CHECK(std::abs(low.log_z - exact) < 4 * low.standard_error);
    CHECK(std::abs(high.log_z - exact) < 4 * high.standard_error);
    const double gap = high.mean_log_weight - low.mean_log_weight;
    CHECK(gap < gap_before / 3);  // more temperatures, a thinner sandwich
    gap_before = gap;
  }
  CHECK(gap_before < 1);
}

TEST_CASE("weights that say nothing are refused") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK_THROWS_WITH_AS(log_partition_of({}), doctest::Contains("no weights"), Error);
  CHECK_THROWS_WITH_AS(log_partition_of(std::vector<double>{0, NAN}),
                       doctest::Contains("log weight 1 is nan"), Error);
  CHECK_THROWS_WITH_AS(log_partition_of(std::vector<double>{-inf, -inf}),
                       doctest::Contains("all weights are 0"), Error);
  CHECK(log_partition_of(std::vector<double>{-inf, 0}).log_z == doctest::Approx(std::log(0.5)));
  const std::vector<double> one{1};
  CHECK_THROWS_WITH_AS(importance_log_partition(one, one, -1), doctest::Contains("beta"), Error);
  CHECK_THROWS_WITH_AS(importance_log_partition(one, {}, 1), doctest::Contains("0 log q"), Error);
}

}  // namespace
}  // namespace talweg::ebm
