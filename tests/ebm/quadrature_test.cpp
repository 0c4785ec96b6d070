#include "ebm/quadrature.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "core/ops/reduce.h"
#include "ebm/energies/double_well.h"
#include "ebm/energies/gaussian_mixture.h"
#include "ebm/energies/linear.h"
#include "ebm/energies/quadratic.h"

using namespace talweg;
using namespace talweg::ebm;

namespace {

const double kInf = std::numeric_limits<double>::infinity();
const std::vector<Interval> kLine{{}};
const std::vector<Interval> kPlane{{}, {}};

Tensor<double> matrix(const Shape& shape, std::vector<double> values) {
  return Tensor<double>(shape, values);
}

}  // namespace

TEST_CASE("quadrature finds a Gaussian's log Z, moments and thermodynamics") {
  for (const double beta : {0.1, 1.0, 25.0}) {
    for (const double k : {0.01, 2.0, 300.0}) {
      const Quadratic bowl = Quadratic::isotropic(k, {1.5});
      const Quadrature q = integrate(bowl, beta, kLine);
      CHECK(std::abs(q.log_partition - bowl.log_partition(beta)) <= 1e-9);
      CHECK(q.error <= 1e-9);
      CHECK(q.mean()[0] == doctest::Approx(1.5).epsilon(1e-9));
      CHECK(q.covariance()[0] == doctest::Approx(1 / (beta * k)).epsilon(1e-8));
      CHECK(q.mean_energy == doctest::Approx(0.5 / beta).epsilon(1e-8));
      CHECK(q.energy_variance == doctest::Approx(0.5 / (beta * beta)).epsilon(1e-8));
      const double entropy = 0.5 * std::log(2 * std::numbers::pi * std::numbers::e / (beta * k));
      CHECK(q.entropy == doctest::Approx(entropy).epsilon(1e-8));
      CHECK(q.free_energy == doctest::Approx(q.mean_energy - q.entropy / beta));
    }
  }
}

TEST_CASE("quadrature does a plane, with a correlated Gaussian") {
  const Quadratic bowl(matrix({2}, {0.5, -1}), matrix({2, 2}, {2, 0.8, 0.8, 1}));
  const Quadrature q = integrate(bowl, 2.0, kPlane);
  CHECK(std::abs(q.log_partition - bowl.log_partition(2.0)) <= 1e-8);
  const Tensor<double> exact = bowl.covariance(2.0), found = q.covariance();
  for (int i = 0; i < 4; ++i) CHECK(found[i] == doctest::Approx(exact[i]).epsilon(1e-7));
}

TEST_CASE("quadrature does boxes, half-lines and heavy tails") {
  const Linear slope({2.0}, 0.5);
  CHECK(integrate(slope, 1.5, {{-1, 3}}).log_partition ==
        doctest::Approx(slope.log_partition(1.5, -1, 3)).epsilon(1e-10));
  // An exponential on y > -1: Z = e^{-beta (0.5 - 2)} / (2 beta); and mirrored.
  CHECK(integrate(slope, 1.5, {{-1, kInf}}).log_partition ==
        doctest::Approx(1.5 * 1.5 - std::log(3.0)).epsilon(1e-10));
  CHECK(integrate(Linear({-2.0}), 1.5, {{-kInf, 1}}).log_partition ==
        doctest::Approx(3 - std::log(3.0)).epsilon(1e-10));
  const Energy<double> cauchy = [](const auto& at) { return log(sum(square(at.y), -1) + 1.0); };
  CHECK(integrate(cauchy, 1, kLine).log_partition ==
        doctest::Approx(std::log(std::numbers::pi)).epsilon(1e-9));
}

TEST_CASE("quadrature's derivatives in beta are the moments of the energy") {
  const DoubleWell well({.barrier = 3, .distance = 1, .tilt = 0.4});
  const double beta = 1.2, h = 1e-3;
  const auto log_z = [&](double b) { return integrate(well, b, kLine).log_partition; };
  const Quadrature q = integrate(well, beta, kLine);
  const double first = (log_z(beta + h) - log_z(beta - h)) / (2 * h);
  const double second = (log_z(beta + h) - 2 * q.log_partition + log_z(beta - h)) / (h * h);
  CHECK(-first == doctest::Approx(q.mean_energy).epsilon(1e-6));
  CHECK(second == doctest::Approx(q.energy_variance).epsilon(1e-3));
}

TEST_CASE("a mixture of Gaussians is normalised: quadrature finds log Z = 0") {
  const GaussianMixture mixture({1, 2, 3}, matrix({3, 2}, {0, 0, 2, 1, -1, 2}), {0.3, 0.5, 1});
  CHECK(std::abs(integrate(mixture, 1, kPlane).log_partition) <= 1e-8);
}

TEST_CASE("three dimensions: a Gaussian that is no product, and a double well that is one") {
  const Quadratic bowl(matrix({3}, {0.5, -1, 0}),
                       matrix({3, 3}, {2, 0.5, -0.3, 0.5, 1.5, 0.4, -0.3, 0.4, 1}));
  const double beta = 1.3;
  const Quadrature q = integrate(bowl, beta, {{}, {}, {}});
  CHECK(std::abs(q.log_partition - bowl.log_partition(beta)) <= q.error + 1e-12);
  CHECK(q.error < 1e-7);
  CHECK(q.mean()[1] == doctest::Approx(-1).epsilon(1e-7));
  const Tensor<double> exact = bowl.covariance(beta), found = q.covariance();
  for (int i = 0; i < 9; ++i) CHECK(found[i] == doctest::Approx(exact[i]).epsilon(1e-6));
  const DoubleWell::Form form{.barrier = 1, .tilt = 0.2, .stiffness = 2};
  const Quadrature well = integrate(DoubleWell(form), 2, {{-kInf, kInf}, {-3, 3}, {-3, kInf}});
  // One coordinate's Z, times that of a normal of variance 1/4 on (-3, 3) and on (-3, oo).
  const double along = integrate(DoubleWell(form), 2, kLine).log_partition;
  const double across = std::log(std::numbers::pi / 2) + std::log1p(-std::erfc(6 / std::sqrt(2.0)));
  CHECK(std::abs(well.log_partition - along - across) <= well.error + 1e-8);
}

TEST_CASE("four dimensions are within reach, five are refused") {
  const Quadratic bowl = Quadratic::isotropic(1.5, {0.3, -0.2, 0, 0.1});
  const Quadrature q = integrate(bowl, 1, std::vector<Interval>(4));
  CHECK(std::abs(q.log_partition - bowl.log_partition(1)) <= q.error + 1e-12);
  CHECK(q.error < 1e-3);
  const Energy<double> flat = [](const auto& at) { return 0.0 * sum(at.y, -1); };
  CHECK_THROWS_WITH_AS(integrate(flat, 1, std::vector<Interval>(3)),
                       doctest::Contains("not normalisable"), Error);
  CHECK_THROWS_WITH_AS(integrate(flat, 1, std::vector<Interval>(5, {0, 1})),
                       doctest::Contains("5 dimensions take"), Error);
  CHECK_THROWS_WITH_AS(integrate(flat, 1, {{0, 1}}, {.max_level = 3}),
                       doctest::Contains("max_level is 3"), Error);
}

TEST_CASE("an energy that has no distribution is refused with the reason") {
  const Energy<double> flat = [](const auto& at) { return 0.0 * sum(at.y, -1); };
  const Energy<double> slow = [](const auto& at) {
    return 0.5 * log(sum(square(at.y), -1) + 1.0);  // density 1/|y|
  };
  const Energy<double> broken = [](const auto& at) { return log(sum(at.y, -1)); };
  const Energy<double> nowhere = [](const auto& at) {
    return kInf * (sum(square(at.y), -1) + 1.0);
  };
  CHECK_THROWS_WITH_AS(integrate(flat, 1, kLine), doctest::Contains("not normalisable"), Error);
  CHECK_THROWS_WITH_AS(integrate(slow, 1, kLine), doctest::Contains("not normalisable"), Error);
  CHECK_NOTHROW(integrate(slow, 3, kLine));  // density 1/|y|^3
  CHECK_THROWS_WITH_AS(integrate(Linear({1.0}), 1, kLine), doctest::Contains("not normalisable"),
                       Error);
  CHECK_NOTHROW(integrate(flat, 1, {{0, 1}}));
  CHECK_THROWS_WITH_AS(integrate(broken, 1, {{-1, 1}}), doctest::Contains("the energy is NaN"),
                       Error);
  CHECK_THROWS_WITH_AS(integrate(nowhere, 1, {{-1, 1}}), doctest::Contains("0 at every node"),
                       Error);
  CHECK_THROWS_WITH_AS(integrate(flat, 0, {{0, 1}}), doctest::Contains("beta is 0"), Error);
  CHECK_THROWS_WITH_AS(integrate(flat, std::nan(""), {{0, 1}}), doctest::Contains("beta is nan"),
                       Error);
  CHECK_THROWS_WITH_AS(integrate(flat, 1, {{1, 1}}), doctest::Contains("is empty"), Error);
  CHECK_THROWS_WITH_AS(integrate(flat, 1, {}), doctest::Contains("has 0 dimensions"), Error);
}
