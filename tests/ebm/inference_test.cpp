#include "ebm/inference.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/ops/reduce.h"
#include "core/ops/shape_ops.h"
#include "ebm/energies/double_well.h"
#include "ebm/energies/gaussian_mixture.h"
#include "ebm/energies/quadratic.h"
#include "ebm/minima.h"

using namespace talweg;
using namespace talweg::ebm;

namespace {

Tensor<double> matrix(const Shape& shape, std::vector<double> values) {
  return Tensor<double>(shape, values);
}

/// Rosenbrock's valley, whose minimum 0 is at (1, 1).
Energy<double> valley() {
  return [](const auto& at) {
    const int64_t n = at.rows();
    const auto a = reshape(slice(at.y, 1, 0, 1), {n}), b = reshape(slice(at.y, 1, 1, 1), {n});
    return square(a - 1.0) + 100.0 * square(b - square(a));
  };
}

/// E(y, z) = |y - z|^2 + |z - 3|^2: lowest at y = z = 3.
Energy<double> chain() {
  return [](const auto& at) { return sum(square(at.y - at.z), -1) + sum(square(at.z - 3.0), -1); };
}

}  // namespace

TEST_CASE("descent with a fixed step contracts a quadratic by |1 - step k| each step") {
  const double k = 4;
  for (const double step : {0.05, 0.2, 0.4}) {
    const Descent<double> d = descend<double>(
        Quadratic::isotropic(k, {2}), {matrix({1, 1}, {10})}, Over::y,
        {.line_search = LineSearch::fixed, .first_step = step, .max_steps = 7, .tolerance = 0});
    CHECK(d.steps[0] == 7);
    CHECK(d.y[0] - 2 == doctest::Approx(8 * std::pow(1 - step * k, 7)).epsilon(1e-10));
  }
}

TEST_CASE("both line searches find the minimum of a badly scaled bowl and of a bent valley") {
  const Quadratic bowl(matrix({2}, {1, -2}), matrix({2, 2}, {1000, 3, 3, 0.5}));
  for (const LineSearch search : {LineSearch::armijo, LineSearch::wolfe}) {
    const Descent<double> d = descend<double>(bowl, {matrix({3, 2}, {0, 0, 5, 5, -9, 1})}, Over::y,
                                              {.line_search = search, .max_steps = 50000});
    CHECK(d.all_converged());
    for (int r = 0; r < 3; ++r) {
      CHECK(d.y[2 * r] == doctest::Approx(1).epsilon(1e-7));
      CHECK(d.y[2 * r + 1] == doctest::Approx(-2).epsilon(1e-7));
      CHECK(d.energy[std::size_t(r)] <= 1e-14);
    }
    const Descent<double> bent = descend(valley(), {matrix({1, 2}, {-1.2, 1})}, Over::y,
                                         {.line_search = search, .max_steps = 20000});
    CHECK(bent.all_converged());
    CHECK(bent.y[0] == doctest::Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("under a line search the energy never rises, however large the first step") {
  for (const LineSearch search : {LineSearch::armijo, LineSearch::wolfe}) {
    double before = evaluate(valley(), matrix({1, 2}, {-1.2, 1}))[0];
    for (int steps = 1; steps < 40; ++steps) {
      const Descent<double> d =
          descend(valley(), {matrix({1, 2}, {-1.2, 1})}, Over::y,
                  {.line_search = search, .first_step = 100, .max_steps = steps});
      CHECK(d.energy[0] <= before);
      before = d.energy[0];
    }
  }
}

TEST_CASE("each row has a step of its own: a batch ends where its rows would alone") {
  const Tensor<double> starts = matrix({3, 2}, {-1.2, 1, 0.5, 2, 3, 3});
  const Descent<double> all = descend(valley(), {starts}, Over::y, {.max_steps = 37});
  for (int r = 0; r < 3; ++r) {
    const Descent<double> alone = descend(
        valley(), {matrix({1, 2}, {starts[2 * r], starts[2 * r + 1]})}, Over::y, {.max_steps = 37});
    CHECK(alone.y[0] == all.y[2 * r]);
    CHECK(alone.energy[0] == all.energy[std::size_t(r)]);
  }
}

TEST_CASE("descent moves y, z or both") {
  const Start<double> start{.y = matrix({1, 1}, {0}), .z = matrix({1, 1}, {1})};
  const Descent<double> y = descend(chain(), start, Over::y);
  CHECK(y.y[0] == doctest::Approx(1));
  CHECK(y.z[0] == 1);
  const Descent<double> z = descend(chain(), start, Over::z);
  CHECK(z.y[0] == 0);
  CHECK(z.z[0] == doctest::Approx(1.5));
  const Descent<double> both = descend(chain(), start, Over::both);
  CHECK(both.y[0] == doctest::Approx(3));
  CHECK(both.z[0] == doctest::Approx(3));
  CHECK(both.all_converged());
}

TEST_CASE("descent in float reaches a minimum to float's precision") {
  const Start<float> start{Tensor<float>({2, 2}, 4.0f)};
  const Descent<float> d =
      descend<float>(Quadratic::isotropic(3, {1, -1}), start, Over::y, {.tolerance = 1e-4});
  CHECK(d.all_converged());
  CHECK(d.y[3] == doctest::Approx(-1).epsilon(1e-4));
}

TEST_CASE("a descent that runs out of steps, or down for ever, says so") {
  const Descent<double> short_one =
      descend(valley(), {matrix({1, 2}, {-1.2, 1})}, Over::y, {.max_steps = 3});
  CHECK(!short_one.all_converged());
  CHECK(short_one.steps[0] == 3);
  const Energy<double> slope = [](const auto& at) { return sum(at.y, -1); };
  CHECK(!descend(slope, {matrix({1, 1}, {0})}, Over::y, {.max_steps = 100}).all_converged());
}

TEST_CASE("enumeration picks the lowest label, the first among equals") {
  Tape<double> tape;
  const Var<double> f = tape.constant(matrix({2, 3}, {2, 1, 1, -5, 0, 3}));
  CHECK(lowest_labels(f) == std::vector<int32_t>{1, 0});
}

TEST_CASE("all minima of a tilted double well are found, in order, and the saddle is not one") {
  const DoubleWell well({.barrier = 2, .distance = 1.5, .tilt = 0.4, .stiffness = 3});
  Rng rng(1);
  const Minima found = all_minima(well, uniform_starts(-3, 3, 40, 2, rng));
  const std::vector<double> exact = well.stationary_points();
  REQUIRE(found.minima.size() == 2);
  CHECK(found.unfinished == 0);
  CHECK(found.minima[0].starts + found.minima[1].starts + found.not_minima == 40);
  CHECK(found.minima[0].y[0] == doctest::Approx(exact[0]).epsilon(1e-9));  // tilted to the left
  CHECK(found.minima[1].y[0] == doctest::Approx(exact[2]).epsilon(1e-9));
  CHECK(found.minima[0].energy == doctest::Approx(well.along_axis(exact[0])));
  // Curvatures: k = 3 across, and E'' = (4h/s^2)(3 u^2 - 1) along.
  const double u = exact[0] / 1.5, along = 4 * 2 / (1.5 * 1.5) * (3 * u * u - 1);
  CHECK(found.minima[0].curvature[0] == doctest::Approx(std::min(3.0, along)));
  CHECK(found.minima[0].curvature[1] == doctest::Approx(std::max(3.0, along)));
  // Started on the saddle exactly, descent stays there, and its curvature gives it away.
  const Minima saddle = all_minima(well, matrix({1, 2}, {exact[1], 0}));
  CHECK(saddle.minima.empty());
  CHECK(saddle.not_minima == 1);
}

TEST_CASE("every hill of a mixture is a minimum of its energy") {
  const GaussianMixture hills({1, 1, 1, 1}, matrix({4, 2}, {3, 3, -3, 3, 3, -3, -3, -3}),
                              {0.3, 0.4, 0.5, 0.6});
  Rng rng(2);
  const Minima found = all_minima(hills, uniform_starts(-4, 4, 60, 2, rng));
  REQUIRE(found.minima.size() == 4);
  CHECK(found.minima[0].y[0] == doctest::Approx(3).epsilon(1e-6));  // the sharpest is the lowest
  CHECK(found.minima[3].y[0] == doctest::Approx(-3).epsilon(1e-6));
}

TEST_CASE("a ring of minima is no minimum: it is flat along the ring") {
  const Energy<double> ring = [](const auto& at) { return square(sum(square(at.y), -1) - 4.0); };
  const Minima found = all_minima(ring, matrix({2, 2}, {3, 0.5, 0.2, 1}));
  CHECK(found.minima.empty());
  CHECK(found.not_minima == 2);
}

TEST_CASE("inference refuses bad input with the reason") {
  const Energy<double> bowl = Quadratic::isotropic(1, {0});
  const Tensor<double> y = matrix({1, 1}, {1});
  CHECK_THROWS_WITH_AS(descend(bowl, {y}, Over::z), doctest::Contains("z is to move"), Error);
  CHECK_THROWS_WITH_AS(descend(bowl, {matrix({1, 1}, {INFINITY})}, Over::y),
                       doctest::Contains("at the start of row 0"), Error);
  CHECK_THROWS_WITH_AS(descend(bowl, {y}, Over::y, {.first_step = 0}),
                       doctest::Contains("first step is 0"), Error);
  CHECK_THROWS_WITH_AS(descend(bowl, {y}, Over::y, {.sufficient = 0.95}),
                       doctest::Contains("sufficient < curvature"), Error);
  CHECK_THROWS_WITH_AS(all_minima(bowl, Tensor<double>({0, 1})), doctest::Contains("needs starts"),
                       Error);
}
