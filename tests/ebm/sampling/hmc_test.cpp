#include "ebm/sampling/hmc.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/ebm/sampling/statistics.h"

namespace talweg::ebm {
namespace {

const Quartic kWell = quartic_of({.barrier = 1, .tilt = 0.2}, 2);

struct State {
  std::vector<double> y, p, energy, slope;
};

/// 500 chains after time 1 in steps of h.
State after_unit_time(State state, double beta, double h) {
  const auto force = quartic_force<double>(kWell);
  force->evaluate(state.y, state.energy, state.slope);
  leapfrog<double>(*force, beta, h, std::lround(1 / h), state.y, state.p, state.energy,
                   state.slope);
  return state;
}

State random_state() {
  State state{std::vector<double>(1000), std::vector<double>(1000), std::vector<double>(500),
              std::vector<double>(1000)};
  fill_normal(noise_of(1, Purpose::start, 0), std::span<double>(state.y));
  fill_normal(noise_of(2, Purpose::start, 0), std::span<double>(state.p));
  return state;
}

double hamiltonian(const State& s, double beta, size_t i) {
  return beta * s.energy[i] + (s.p[2 * i] * s.p[2 * i] + s.p[2 * i + 1] * s.p[2 * i + 1]) / 2;
}

TEST_CASE("the leapfrog's error of the Hamiltonian falls like the step's square") {
  State start = random_state();
  quartic_force<double>(kWell)->evaluate(start.y, start.energy, {});
  std::vector<double> error;
  for (const double h : {0.05, 0.025, 0.0125}) {
    const State end = after_unit_time(start, 1.5, h);
    double total = 0;
    for (size_t i = 0; i < 500; ++i) {
      total += std::abs(hamiltonian(end, 1.5, i) - hamiltonian(start, 1.5, i)) / 500;
    }
    error.push_back(total);
  }
  // Slopes in log-log, which near 2 as h falls: the next term is of order h^4.
  CHECK(std::log2(error[0] / error[1]) == doctest::Approx(2).epsilon(0.05));
  CHECK(std::log2(error[1] / error[2]) == doctest::Approx(2).epsilon(0.02));
}

TEST_CASE("the leapfrog runs back to where it came from when the momentum is turned") {
  const State start = random_state();
  State end = after_unit_time(start, 1.5, 0.05);
  for (double& p : end.p) p = -p;
  const State back = after_unit_time(end, 1.5, 0.05);
  for (size_t j = 0; j < start.y.size(); ++j) {
    REQUIRE(std::abs(back.y[j] - start.y[j]) < 1e-10 * (1 + std::abs(start.y[j])));
    REQUIRE(std::abs(back.p[j] + start.p[j]) < 1e-10 * (1 + std::abs(start.p[j])));
  }
}

TEST_CASE("the leapfrog preserves volume: its Jacobian's determinant is 1") {
  const auto force = quartic_force<double>(quartic_of({.barrier = 1, .tilt = 0.2}, 1));
  const auto map = [&](double y, double p) {
    std::vector<double> at{y}, momentum{p}, energy(1), slope(1);
    force->evaluate(at, energy, slope);
    leapfrog<double>(*force, 1, 0.2, 5, at, momentum, energy, slope);
    return std::pair(at[0], momentum[0]);
  };
  constexpr double kH = 1e-5;
  for (const auto& [y, p] : {std::pair(0.3, -0.7), std::pair(-1.4, 0.2), std::pair(0.0, 1.5)}) {
    const auto [y1, p1] = map(y + kH, p);
    const auto [y0, p0] = map(y - kH, p);
    const auto [y3, p3] = map(y, p + kH);
    const auto [y2, p2] = map(y, p - kH);
    const double determinant = ((y1 - y0) * (p3 - p2) - (p1 - p0) * (y3 - y2)) / (4 * kH * kH);
    CHECK(determinant == doctest::Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("HMC's variance is 1/(beta k) for any step and number of leaps, in float and double") {
  const auto check = []<class T>(T, double step, int64_t leaps) {
    CAPTURE(step);
    CAPTURE(leaps);
    Hmc<T> sampler(quartic_force<T>(quartic_of_gaussian(3, 2)), normal_start<T>(2048, 2, 1, 1),
                   {.beta = 2, .step = step, .leaps = leaps, .seed = 4});
    sampler.advance(100);
    const MeanEstimate found = mean_of(record(sampler, 200), [](const T* y) {
      return double(y[0]) * double(y[0]) + double(y[1]) * double(y[1]);
    });
    CHECK(std::abs(deviations(found, 2.0 / 6)) < 4);
  };
  for (const auto& [step, leaps] : {std::pair(0.1, 7), std::pair(0.4, 4), std::pair(0.7, 2)}) {
    check(0.0f, step, leaps);
    check(0.0, step, leaps);
  }
}

TEST_CASE("HMC's step adapts to the acceptance asked for") {
  Hmc<double> sampler(quartic_force<double>(kWell), normal_start<double>(1000, 2, 1, 1),
                      {.step = StepSize::adapted(0.01, 0.8, 200), .leaps = 4, .seed = 4});
  sampler.advance(400);
  CHECK(sampler.acceptance() == doctest::Approx(0.8).epsilon(0.05));
  const double settled = sampler.step_size();
  sampler.advance(10);
  CHECK(sampler.step_size() == settled);
}

TEST_CASE("a step at which every trajectory runs away throws; single ones are just refused") {
  Hmc<double> wild(quartic_force<double>(kWell), normal_start<double>(50, 2, 1, 1),
                   {.step = 50, .leaps = 20, .seed = 4});
  CHECK_THROWS_WITH_AS(wild.advance(1), doctest::Contains("[hmc] diverged at step 0"), Error);
  Tensor<double> start({2, 2}, 0.1);
  start[0] = 40;  // where the quartic's slope overshoots
  Hmc<double> mixed(quartic_force<double>(kWell), start, {.step = 0.2, .leaps = 30, .seed = 4});
  mixed.advance(3);
  CHECK(mixed.points()[0] == 40);
  CHECK(mixed.points()[2] != 0.1);
}

TEST_CASE("HMC gives the same bits for any number of threads, and other bits for another seed") {
  const auto run = [](uint64_t seed) {
    Hmc<float> sampler(quartic_force<float>(kWell), normal_start<float>(10000, 2, 1, 1),
                       {.step = 0.1, .leaps = 3, .seed = seed});
    sampler.advance(3);
    return sampler.points();
  };
  const auto results = on_threads([&] { return run(1); });
  CHECK(same_bits(results[0], results[1]));
  CHECK(same_bits(results[0], results[2]));
  CHECK_FALSE(same_bits(results[0], run(2)));
}

TEST_CASE("HMC refuses a step without leaps") {
  CHECK_THROWS_WITH_AS(
      Hmc<double>(quartic_force<double>(kWell), normal_start<double>(2, 2, 1, 1), {.leaps = 0}),
      doctest::Contains("at least one"), Error);
}

}  // namespace
}  // namespace talweg::ebm
