#include "ebm/sampling/langevin.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "core/ops/reduce.h"
#include "ebm/energies/double_well.h"
#include "tests/ebm/sampling/statistics.h"

namespace talweg::ebm {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double square_of_first(const auto* y) { return double(y[0]) * double(y[0]); }

template <class T> void check_langevin_variance(double beta, double k, double step) {
  CAPTURE(beta);
  CAPTURE(step * k);
  const double expected = 1 / (beta * k * (1 - step * k / 2));
  Langevin<T> sampler(quartic_force<T>(quartic_of_gaussian(k, 3)),
                      normal_start<T>(4096, 3, std::sqrt(expected), 1),
                      {.beta = beta, .step = step, .seed = 2});
  sampler.advance(20);
  const MeanEstimate found =
      mean_of(record(sampler, 50, 10), [](const T* y) { return square_of_first(y); });
  CHECK(std::abs(deviations(found, expected)) < 4);
  // The test has teeth: it tells the biased variance from the target's.
  CHECK(std::abs(deviations(found, 1 / (beta * k))) > 8);
}

TEST_CASE("Langevin's stationary variance is 1/(beta k (1 - step k/2)), not 1/(beta k)") {
  for (const double beta : {0.5, 4.0}) {
    for (const double step_k : {0.1, 0.5, 1.5}) {
      check_langevin_variance<double>(beta, 2.0, step_k / 2.0);
      check_langevin_variance<float>(beta, 2.0, step_k / 2.0);
    }
  }
}

TEST_CASE("Langevin forgets its start geometrically, by 1 - step k a step") {
  constexpr double kStep = 0.1, kStiffness = 2;
  Tensor<double> start({20000, 1}, 5.0);
  Langevin<double> sampler(quartic_force<double>(quartic_of_gaussian(kStiffness, 1)), start,
                           {.step = kStep, .seed = 3});
  sampler.advance(7);
  const double mean =
      std::reduce(sampler.points().values().begin(), sampler.points().values().end()) / 20000;
  // Each chain's deviation is below the stationary one, sqrt(1 / (k (1 - step k / 2))) < 0.75.
  CHECK(std::abs(mean - 5 * std::pow(1 - kStep * kStiffness, 7)) < 4 * 0.75 / std::sqrt(20000.0));
}

TEST_CASE("a decaying step takes Langevin's bias away") {
  Langevin<double> sampler(quartic_force<double>(quartic_of_gaussian(1, 1)),
                           normal_start<double>(4096, 1, 1, 1),
                           {.step = StepSize::decaying(1.0, 0.6, 5), .seed = 5});
  sampler.advance(4000);
  CHECK(sampler.step_size() == doctest::Approx(std::pow(1 + 4000 / 5.0, -0.6)));
  double square = 0;
  for (const double y : sampler.points().values()) square += y * y / 4096;
  const double bias = sampler.step_size() / 2;  // of the variance, relative
  CHECK(bias < 0.01);
  CHECK(std::abs(square - (1 + bias)) < 4 * std::sqrt(2.0 / 4096));
}

TEST_CASE(
    "a noise that does not belong to the step samples at the temperature noise^2 / (2 step)") {
  CHECK(effective_temperature(0.01, 1) == doctest::Approx(5e-5));
  auto sampler = Langevin<double>::with_noise(quartic_force<double>(quartic_of_gaussian(1, 1)),
                                              normal_start<double>(4096, 1, 1, 1), 0.02, 0.4, 7);
  CHECK(1 / sampler.beta() == doctest::Approx(4));
  sampler.advance(400);
  const MeanEstimate found = mean_of(record(sampler, 40, 40), square_of_first<double>);
  CHECK(std::abs(deviations(found, 4 / (1 - 0.02 / 2))) < 4);
}

TEST_CASE("MALA's variance is 1/(beta k) whatever the step") {
  for (const double step : {0.2, 1.0, 2.2}) {  // the last one diverges without the correction
    CAPTURE(step);
    Mala<double> sampler(quartic_force<double>(quartic_of_gaussian(1, 2)),
                         normal_start<double>(2048, 2, 1, 1), {.beta = 2, .step = step, .seed = 9});
    sampler.advance(300);
    const MeanEstimate found = mean_of(record(sampler, 200, 3), square_of_first<double>);
    CHECK(std::abs(deviations(found, 0.5)) < 4);
    CHECK(sampler.acceptance() > 0.1);
    CHECK(sampler.acceptance() < 1);
  }
}

/// The mean of y_1^2 over a double well, by a fine sum.
double well_square(double barrier, double tilt, double beta) {
  double z = 0, square = 0;
  for (double y = -4; y < 4; y += 1e-3) {
    const double v = y * y - 1, w = std::exp(-beta * (barrier * v * v + tilt * y));
    z += w;
    square += w * y * y;
  }
  return square / z;
}

TEST_CASE("MALA samples a tilted double well exactly, through the tape as by hand") {
  const DoubleWell::Form form{.barrier = 1, .tilt = 0.3};
  const double expected = well_square(1, 0.3, 1.5);
  const LangevinOptions options{
      .beta = 1.5, .step = StepSize::adapted(0.01, 0.574, 300), .seed = 11};
  const auto start = normal_start<double>(1024, 2, 1, 1);
  Mala<double> by_hand(quartic_force<double>(quartic_of(form, 2)), start, options);
  by_hand.advance(500);
  CHECK(by_hand.step_size() > 0.05);
  const MeanEstimate found = mean_of(record(by_hand, 300, 2), square_of_first<double>);
  CHECK(std::abs(deviations(found, expected)) < 4);
  CHECK(by_hand.acceptance() == doctest::Approx(0.574).epsilon(0.05));

  Mala<double> taped(energy_force<double>(DoubleWell(form), 2), start, options);
  taped.advance(40);
  Mala<double> again(quartic_force<double>(quartic_of(form, 2)), start, options);
  again.advance(40);
  for (int64_t i = 0; i < taped.points().size(); ++i) {
    REQUIRE(taped.points()[i] == doctest::Approx(again.points()[i]).epsilon(1e-6));
  }
}

TEST_CASE("an energy of x and y moves each chain by its own row of x") {
  const Tensor<double> x({3, 1}, std::vector<double>{-5, 0, 7});
  const Energy<double> pull = [](const auto& at) { return sum(square(at.y - at.x), -1); };
  auto force = energy_force<double>(pull, Shape{1}, x);
  std::vector<double> energy(3), slope(3);
  force->evaluate(std::vector<double>{1, 1, 1}, energy, slope);
  CHECK(energy == std::vector<double>{36, 1, 36});
  CHECK(slope == std::vector<double>{12, 2, -12});
}

TEST_CASE("Langevin and MALA give the same bits for any number of threads") {
  const auto run_with = [](auto make) {
    const auto results = on_threads([&] {
      auto sampler = make();
      sampler.advance(5);
      return sampler.points();
    });
    CHECK(same_bits(results[0], results[1]));
    CHECK(same_bits(results[0], results[2]));
  };
  const auto force = quartic_force<float>(quartic_of({.barrier = 2}, 2));
  const auto start = normal_start<float>(20000, 2, 1, 1);
  run_with([&] { return Langevin<float>(force, start, {.step = 0.01, .seed = 3}); });
  run_with([&] { return Mala<float>(force, start, {.step = 0.05, .seed = 3}); });
}

TEST_CASE("a Langevin chain that runs away throws with its step and chain") {
  Tensor<float> start({3, 2}, 0.0f);
  start[3] = 1;
  // step k = 2.5: y grows by 1.5 a step, past 1e12 after 68.
  Quartic slow = quartic_of_gaussian(2.5, 2);
  Langevin<float> sampler(quartic_force<float>(slow), start, {.beta = 1e20, .step = 1, .seed = 1});
  CHECK_THROWS_WITH_AS(sampler.advance(1000), doctest::Contains("diverged at step 68 in chain 1"),
                       Error);
  // A quartic overflows in a few steps.
  Langevin<double> fast(quartic_force<double>(quartic_of({.barrier = 1}, 1)),
                        Tensor<double>({2, 1}, 9.0), {.step = 0.1, .seed = 1});
  CHECK_THROWS_WITH_AS(fast.advance(1000), doctest::Contains("in chain 0"), Error);
}

TEST_CASE("samplers refuse what can't be sampled, in one sentence") {
  const auto force = quartic_force<double>(quartic_of_gaussian(1, 2));
  const auto start = normal_start<double>(4, 2, 1, 1);
  const auto refuses = [&](const LangevinOptions& options, const char* what) {
    CHECK_THROWS_WITH_AS(Langevin<double>(force, start, options), doctest::Contains(what), Error);
    CHECK_THROWS_WITH_AS(Mala<double>(force, start, options), doctest::Contains(what), Error);
  };
  for (const double beta : {0.0, -1.0, kNan, double(INFINITY)}) refuses({.beta = beta}, "beta is");
  for (const double step : {0.0, -0.1, kNan}) refuses({.step = step}, "step size is");
  CHECK_THROWS_WITH_AS(Langevin<double>(force, Tensor<double>({0, 2}), {}),
                       doctest::Contains("at least one chain"), Error);
  CHECK_THROWS_WITH_AS(Langevin<double>(force, Tensor<double>({4, 3}), {}),
                       doctest::Contains("2 dimensions"), Error);
  CHECK_THROWS_WITH_AS(Langevin<double>(force, Tensor<double>({4, 2}, kNan), {}),
                       doctest::Contains("chain 0 begins at nan"), Error);
  CHECK_THROWS_WITH_AS(Langevin<double>(force, start, {.step = StepSize::adapted(0.1, 0.5, 10)}),
                       doctest::Contains("rejects nothing"), Error);
  CHECK_THROWS_WITH_AS(StepSize::adapted(0.1, 1.5, 10), doctest::Contains("in (0, 1)"), Error);
  CHECK_THROWS_WITH_AS(normal_start<double>(0, 2, 1, 1), doctest::Contains("0 chains"), Error);
  const Energy<double> broken = [](const auto& at) { return log(sum(at.y, -1)); };
  CHECK_THROWS_WITH_AS(Mala<double>(energy_force<double>(broken, 2), start, {}),
                       doctest::Contains("its energy is not finite"), Error);
}

}  // namespace
}  // namespace talweg::ebm
