#include "ebm/sampling/diagnostics.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/error.h"
#include "ebm/sampling/noise.h"

namespace talweg::ebm {
namespace {

/// y_t = phi y_{t-1} + sqrt(1 - phi^2) xi, stationary: [draws, chains], rho_t = phi^t.
Tensor<double> autoregressive(double phi, int64_t draws, int64_t chains, uint64_t seed = 1) {
  Tensor<double> y({draws, chains});
  for (int64_t i = 0; i < draws; ++i) {
    const std::span<double> row(y.data() + i * chains, size_t(chains));
    fill_normal(noise_of(seed, Purpose::move, uint64_t(i)), row);
    if (i == 0) continue;
    for (int64_t c = 0; c < chains; ++c) {
      row[c] = phi * y[(i - 1) * chains + c] + std::sqrt(1 - phi * phi) * row[c];
    }
  }
  return y;
}

constexpr int64_t kDraws = 2000, kChains = 100;

TEST_CASE("an autoregression's autocorrelation is phi^t") {
  const auto rho = autocorrelation(autoregressive(0.6, kDraws, kChains), 6);
  for (size_t t = 0; t < rho.size(); ++t) {
    // Bartlett: the variance of an estimated rho is at most (1 + 2 sum rho^2) / n.
    const double error = std::sqrt((1 + 2 * 0.36 / 0.64) / double(kDraws * kChains));
    CHECK(std::abs(rho[t] - std::pow(0.6, double(t))) < 4 * error + 2.0 / kDraws);
  }
}

TEST_CASE("the effective sample size of an autoregression is n (1 - phi) / (1 + phi)") {
  for (const double phi : {-0.4, 0.0, 0.6, 0.9}) {
    CAPTURE(phi);
    const double n = double(kDraws * kChains), expected = n * (1 - phi) / (1 + phi);
    // Sokal: a time tau summed over M lags has the relative variance 2 (2 M + 1) / n. Pairs are
    // summed until they drown in the noise: |phi|^M = 1 / sqrt(n).
    const double window = phi == 0 ? 2 : std::log(std::sqrt(n)) / -std::log(std::abs(phi));
    const double error = std::sqrt(2 * (2 * window + 1) / n);
    const double found = effective_sample_size(autoregressive(phi, kDraws, kChains));
    CHECK(std::abs(found / expected - 1) < 4 * error + 0.02);
  }
}

TEST_CASE("the standard error of a mean covers the truth as often as it should") {
  int covered = 0;
  constexpr int kRuns = 400;
  for (int run = 0; run < kRuns; ++run) {
    const MeanEstimate e = estimate_mean(autoregressive(0.7, 200, 4, 100 + uint64_t(run)));
    covered += std::abs(e.mean) < 1.96 * e.standard_error;
  }
  // 95 % nominal; the estimate of tau from 800 draws costs it a little.
  CHECK(covered > 0.90 * kRuns);
  CHECK(covered < 0.99 * kRuns);
}

TEST_CASE("split R-hat is near 1 for chains that mix, and tells those that do not") {
  CHECK(split_rhat(autoregressive(0.5, kDraws, 8)) < 1.005);
  // Half of the chains around +1, half around -1: R^2 = 1 + variance of means / within.
  Tensor<double> apart = autoregressive(0.0, kDraws, 8);
  for (int64_t i = 0; i < apart.size(); ++i) apart[i] += i % 2 == 0 ? 1 : -1;
  CHECK(split_rhat(apart) == doctest::Approx(std::sqrt(1 + 16.0 / 15)).epsilon(0.02));
  CHECK(effective_sample_size(apart) < 40);
  // A drift, which whole chains would not show.
  Tensor<double> drift = autoregressive(0.0, kDraws, 8);
  for (int64_t i = 0; i < drift.size(); ++i) drift[i] += double(i / 8) / kDraws;
  CHECK(split_rhat(drift) > 1.02);
}

TEST_CASE("constant draws are worth as many as they are, and too few are refused") {
  CHECK(effective_sample_size(Tensor<double>({10, 2}, 3.0)) == 20);
  CHECK_THROWS_WITH_AS(split_rhat(Tensor<double>({3, 2})), doctest::Contains("at least 4"), Error);
  CHECK_THROWS_WITH_AS(effective_sample_size(Tensor<double>({9})),
                       doctest::Contains("[draws, chains]"), Error);
}

}  // namespace
}  // namespace talweg::ebm
