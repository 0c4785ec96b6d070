// The analytic energies: each fact they state, against quadrature, differences or enumeration.
#include <doctest/doctest.h>

#include <cmath>

#include "core/gradcheck.h"
#include "core/ops/reduce.h"
#include "ebm/energies/double_well.h"
#include "ebm/energies/gaussian_mixture.h"
#include "ebm/energies/linear.h"
#include "ebm/energies/quadratic.h"
#include "ebm/energies/table.h"
#include "ebm/matrix.h"
#include "ebm/quadrature.h"

using namespace talweg;
using namespace talweg::ebm;

namespace {

Tensor<double> matrix(const Shape& shape, std::vector<double> values) {
  return Tensor<double>(shape, values);
}

void check_derivatives(const Energy<double>& energy, const Tensor<double>& y) {
  const Function f = [&](std::span<const Var<double>> in) { return energy({in[0]}); };
  const GradcheckResult first = gradcheck(f, {y}), second = gradgradcheck(f, {y});
  CHECK_MESSAGE(first.ok, first.worst);
  CHECK_MESSAGE(second.ok, second.worst);
}

const Tensor<double> kPoints = matrix({3, 2}, {0.3, -0.7, 1.2, 0.4, -0.9, 2.1});

Quadratic tilted_bowl() {
  return Quadratic(matrix({2}, {0.5, -1}), matrix({2, 2}, {2, 0.8, 0.8, 1}));
}

GaussianMixture three_hills() {
  return GaussianMixture({1, 2, 3}, matrix({3, 2}, {0, 0, 2, 1, -1, 2}), {0.3, 0.5, 1});
}

}  // namespace

TEST_CASE("the analytic energies have the derivatives that differences give, of both orders") {
  check_derivatives(tilted_bowl(), kPoints);
  check_derivatives(DoubleWell({.barrier = 2, .distance = 1.5, .tilt = 0.3}), kPoints);
  check_derivatives(three_hills(), kPoints);
  const Energy<double> linear = Linear({2, -1}, 3);
  const Function f = [&](std::span<const Var<double>> in) { return linear({in[0]}); };
  CHECK(gradcheck(f, {kPoints}).ok);
}

TEST_CASE("the analytic energies give in float what they give in double") {
  const auto close = [](const auto& energy) {
    const Tensor<double> exact = evaluate<double>(energy, kPoints);
    Tensor<float> y({3, 2});
    std::copy(kPoints.values().begin(), kPoints.values().end(), y.data());
    const Tensor<float> rounded = evaluate<float>(energy, y);
    for (int i = 0; i < 3; ++i) CHECK(rounded[i] == doctest::Approx(exact[i]).epsilon(1e-5));
  };
  close(tilted_bowl());
  close(Linear({2, -1}, 3));
  close(DoubleWell({.barrier = 2, .distance = 1.5, .tilt = 0.3}));
  close(three_hills());
}

TEST_CASE("a quadratic energy's value is the form written out") {
  const Tensor<double> e = evaluate<double>(tilted_bowl(), matrix({1, 2}, {1.5, 1}));
  CHECK(e[0] == doctest::Approx(0.5 * (2 * 1 + 2 * 0.8 * 1 * 2 + 1 * 4)));
}

TEST_CASE("a double well's log Z is the closed form with Bessel functions") {
  const std::vector<Interval> line{{}};
  for (const double barrier : {0.1, 1.0, 4.0, 40.0}) {
    for (const double beta : {0.2, 1.0, 3.0}) {
      const DoubleWell well({.barrier = barrier, .distance = 1.7});
      CHECK(std::abs(well.log_partition(beta) - integrate(well, beta, line).log_partition) <= 1e-8);
    }
  }
  // In the plane the second coordinate is a Gaussian of its own.
  const DoubleWell well({.barrier = 2, .distance = 1, .stiffness = 3});
  CHECK(std::abs(well.log_partition(1.5, 2) - integrate(well, 1.5, {{}, {}}).log_partition) <=
        1e-7);
  // Where the Bessel functions overflow the expansion continues them.
  const auto at = [](double barrier) { return DoubleWell({.barrier = barrier}).log_partition(1); };
  CHECK(at(1199.999) - at(1200.001) ==
        doctest::Approx(0.5 * std::log(1200.001 / 1199.999)).epsilon(1e-3));
}

TEST_CASE("a double well's stationary points have no slope, and stand in order") {
  for (const double tilt : {0.0, 0.8, -1.4}) {
    const DoubleWell well({.barrier = 2, .distance = 1.5, .tilt = tilt});
    const std::vector<double> at = well.stationary_points();
    CHECK(at.size() == 3);
    CHECK(at[0] < at[1]);
    CHECK(at[1] < at[2]);
    CHECK(well.along_axis(at[1]) > std::max(well.along_axis(at[0]), well.along_axis(at[2])));
    Tape<double> tape;
    const Var<double> y = tape.variable(Tensor<double>({3, 1}, at));
    const Var<double> slope = energy_gradient<double>(well, {y}, y);
    for (int i = 0; i < 3; ++i) {
      CHECK(std::abs(slope.data()[i]) <= 1e-12);
      CHECK(evaluate<double>(well, y.to_tensor())[i] == doctest::Approx(well.along_axis(at[i])));
    }
  }
}

TEST_CASE("a mixture's score is minus its energy's gradient, and its samples have its moments") {
  const GaussianMixture hills = three_hills();
  Tape<double> tape;
  const Var<double> y = tape.variable(kPoints);
  const Var<double> slope = energy_gradient<double>(hills, {y}, y);
  for (int i = 0; i < 3; ++i) {
    const std::vector<double> score = hills.score(kPoints.values().subspan(std::size_t(2 * i), 2));
    CHECK(score[0] == doctest::Approx(-slope.data()[2 * i]));
    CHECK(score[1] == doctest::Approx(-slope.data()[2 * i + 1]));
  }
  const int64_t n = 40000;
  Rng rng(3);
  const Tensor<double> samples = hills.sample(n, rng);
  const std::vector<double> mean = hills.mean();
  const Tensor<double> covariance = hills.covariance();
  for (int d = 0; d < 2; ++d) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += samples[2 * i + d];
    const double deviation = std::sqrt(covariance[3 * d] / double(n));
    CHECK(std::abs(sum / double(n) - mean[d]) <= 4 * deviation);
  }
  const Quadrature exact = integrate(hills, 1, {{}, {}});
  for (int i = 0; i < 4; ++i) {
    CHECK(exact.covariance()[i] == doctest::Approx(covariance[i]).epsilon(1e-6));
  }
}

TEST_CASE("smoothing a mixture convolves its density with the noise") {
  const GaussianMixture sharp({1, 1}, matrix({2, 1}, {-1, 1}), {0.1, 0.2});
  const GaussianMixture soft = sharp.smoothed(0.5);
  // p_soft(0.3) = E over sharp's samples of N(0.3 - y; 0, 0.25), by quadrature.
  const Quadrature q = integrate(sharp, 1, {{}});
  std::vector<double> kernel;
  for (const double y : q.points.values()) {
    kernel.push_back(std::exp(-std::pow(0.3 - y, 2) / 0.5) / std::sqrt(0.5 * 3.14159265358979));
  }
  const double density = std::exp(-evaluate<double>(soft, matrix({1, 1}, {0.3}))[0]);
  CHECK(density == doctest::Approx(q.expectation(kernel)).epsilon(1e-7));
}

TEST_CASE("a table is read by whole numbers, x's columns first") {
  const Energy<double> table = Table(matrix({2, 3}, {0, 1, 2, 10, 11, 12}));
  CHECK(evaluate(table, matrix({2, 2}, {1, 2, 0, 1}))[0] == 12);
  CHECK(evaluate(table, matrix({1, 1}, {2}), matrix({1, 1}, {1}))[0] == 12);
  CHECK_THROWS_WITH_AS(evaluate(table, matrix({1, 2}, {0, 3})),
                       doctest::Contains("variable 1 of row 0 is 3"), Error);
  CHECK_THROWS_WITH_AS(evaluate(table, matrix({1, 2}, {0.5, 0})), doctest::Contains("is 0.5"),
                       Error);
  CHECK_THROWS_WITH_AS(evaluate(table, matrix({1, 1}, {0})), doctest::Contains("0 and 1 columns"),
                       Error);
}

TEST_CASE("an energy that cannot be says why") {
  CHECK_THROWS_WITH_AS(Quadratic::isotropic(0, {0}), doctest::Contains("positive definite"), Error);
  CHECK_THROWS_WITH_AS(Quadratic(matrix({2}, {0, 0}), matrix({2, 2}, {1, 0, 1, 1})),
                       doctest::Contains("not symmetric"), Error);
  CHECK_THROWS_WITH_AS(Linear({1}).log_partition(1, 0, INFINITY), doctest::Contains("no finite Z"),
                       Error);
  CHECK_THROWS_WITH_AS(DoubleWell({.barrier = -1}), doctest::Contains("above 0"), Error);
  CHECK_THROWS_WITH_AS(DoubleWell({.tilt = 1.6}), doctest::Contains("leaves one well"), Error);
  CHECK_THROWS_WITH_AS(DoubleWell({.tilt = 1}).log_partition(1), doctest::Contains("quadrature"),
                       Error);
  CHECK_THROWS_WITH_AS(GaussianMixture({1, -1}, Tensor<double>({2, 1}), {1, 1}),
                       doctest::Contains("component 1"), Error);
  CHECK_THROWS_WITH_AS(three_hills().smoothed(-1), doctest::Contains("sigma -1"), Error);
  CHECK_THROWS_WITH_AS(evaluate<double>(three_hills(), Tensor<double>({2, 3})),
                       doctest::Contains("has 2 dimensions but y has shape [2,3]"), Error);
  for (const double beta : {0.0, -1.0, std::nan("")}) {
    CHECK_THROWS_WITH_AS(tilted_bowl().log_partition(beta), doctest::Contains("beta is"), Error);
    CHECK_THROWS_WITH_AS(DoubleWell({}).log_partition(beta), doctest::Contains("beta is"), Error);
  }
}

TEST_CASE("eigenvalues and inverse of a symmetric matrix") {
  const Tensor<double> a = matrix({3, 3}, {4, 1, -2, 1, 3, 0.5, -2, 0.5, 5});
  const std::vector<double> values = eigenvalues(a);
  CHECK(values[0] + values[1] + values[2] == doctest::Approx(12));  // the trace
  const Tensor<double> l = cholesky(a);
  CHECK(std::log(values[0] * values[1] * values[2]) == doctest::Approx(log_det_from_cholesky(l)));
  const Tensor<double> inverse = inverse_from_cholesky(l);
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      double sum = 0;
      for (int k = 0; k < 3; ++k) sum += a[3 * i + k] * inverse[3 * k + j];
      CHECK(sum == doctest::Approx(i == j ? 1 : 0));
    }
  }
  CHECK(cholesky(matrix({2, 2}, {1, 2, 2, 1})).size() == 0);
}
