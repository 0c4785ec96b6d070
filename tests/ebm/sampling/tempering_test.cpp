#include "ebm/sampling/tempering.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/ebm/sampling/statistics.h"

namespace talweg::ebm {
namespace {

constexpr double kBarrier = 8, kTilt = 0.4;

/// p(y_1 > 0) of the tilted well at beta, by a fine sum.
double right_weight(double beta) {
  double z = 0, right = 0;
  for (double y = -3; y < 3; y += 1e-4) {
    const double v = y * y - 1, w = std::exp(-beta * (kBarrier * v * v + kTilt * y));
    z += w;
    right += y > 0 ? w : 0;
  }
  return right / z;
}

template <class S> Tensor<double> right_of(S& sampler, int64_t draws) {
  Tensor<double> out({draws, 200});
  for (int64_t i = 0; i < draws; ++i) {
    sampler.advance(1);
    for (int64_t c = 0; c < 200; ++c) out[i * 200 + c] = sampler.points()[2 * c] > 0;
  }
  return out;
}

const Quartic kWell = quartic_of({.barrier = kBarrier, .tilt = kTilt}, 2);
const TemperingOptions kLadder{.betas = {1, 0.5, 0.25, 0.12}, .step = 0.1, .leaps = 5, .seed = 3};

TEST_CASE("tempering gives both modes of an asymmetric well their weight, where HMC stays") {
  const Tensor<double> start({200, 2}, 1.0);  // all in the right well, the shallower one
  const double expected = right_weight(1);
  CHECK(expected == doctest::Approx(0.31).epsilon(0.02));
  ParallelTempering<double> sampler(quartic_force<double>(kWell), start, kLadder);
  sampler.advance(300);
  const Tensor<double> right = right_of(sampler, 2000);
  CHECK(split_rhat(right) < 1.02);
  const MeanEstimate found = estimate_mean(right);
  CHECK(found.standard_error < 0.02);
  CHECK(std::abs(deviations(found, expected)) < 4);
  for (int64_t r = 0; r + 1 < sampler.rungs(); ++r) CHECK(sampler.swap_acceptance(r) > 0.2);

  Hmc<double> alone(quartic_force<double>(kWell), start, {.step = 0.1, .leaps = 5, .seed = 3});
  alone.advance(300);
  CHECK(estimate_mean(right_of(alone, 200)).mean > 0.9);
}

TEST_CASE("every rung of a ladder samples its own temperature") {
  ParallelTempering<double> sampler(quartic_force<double>(quartic_of_gaussian(2, 2)),
                                    normal_start<double>(2000, 2, 1, 1), kLadder);
  sampler.advance(100);
  std::vector<Tensor<double>> squares(4, Tensor<double>({200, 2000}));
  for (int64_t i = 0; i < 200; ++i) {
    sampler.advance(1);
    for (int64_t r = 0; r < 4; ++r) {
      const Tensor<double>& y = sampler.rung(r).points();
      for (int64_t c = 0; c < 2000; ++c) squares[r][i * 2000 + c] = y[2 * c] * y[2 * c];
    }
  }
  for (int64_t r = 0; r < 4; ++r) {
    CAPTURE(r);
    CHECK(std::abs(deviations(estimate_mean(squares[r]), 1 / (2 * kLadder.betas[r]))) < 4);
  }
}

TEST_CASE("a ladder needs two temperatures, the coldest first") {
  const auto make = [](std::vector<double> betas) {
    return ParallelTempering<double>(quartic_force<double>(kWell), normal_start<double>(2, 2, 1, 1),
                                     {.betas = std::move(betas)});
  };
  CHECK_THROWS_WITH_AS(make({1}), doctest::Contains("two or more"), Error);
  CHECK_THROWS_WITH_AS(make({0.5, 1}), doctest::Contains("coldest"), Error);
  CHECK_THROWS_WITH_AS(make({1, -1}), doctest::Contains("beta is -1"), Error);
}

}  // namespace
}  // namespace talweg::ebm
