#include "ebm/latent.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "core/gradcheck.h"
#include "core/ops/matmul.h"
#include "core/ops/reduce.h"
#include "core/ops/shape_ops.h"
#include "ebm/beta.h"
#include "ebm/energies/table.h"
#include "ebm/gibbs.h"

using namespace talweg;
using namespace talweg::ebm;

namespace {

using std::numbers::pi;

Tensor<double> matrix(const Shape& shape, std::vector<double> values) {
  return Tensor<double>(shape, values);
}

/// E(y, z) = k (z - y_1)^2 / 2 + y_2^2: quadratic in z.
Energy<double> spring(double k) {
  return [=](const auto& at) {
    const int64_t n = at.rows();
    const auto first = slice(at.y, 1, 0, 1), second = reshape(slice(at.y, 1, 1, 1), {n});
    return 0.5 * k * sum(square(at.z - first), -1) + square(second);
  };
}

/// E(y, z) = |y - (2 cos z, sin z)|^2: an ellipse with the angle latent.
Energy<double> ellipse() {
  return [](const auto& at) {
    // Nodes are constants, so the curve's points are computed beside the tape.
    Tensor<double> curve({at.rows(), 2});
    for (int64_t i = 0; i < at.rows(); ++i) {
      curve[2 * i] = 2 * std::cos(at.z.data()[i]);
      curve[2 * i + 1] = std::sin(at.z.data()[i]);
    }
    return sum(square(at.y - at.tape().constant(curve)), -1);
  };
}

const Tensor<double> kPoints = matrix({3, 2}, {0.3, -0.7, 1.2, 0.4, -0.9, 2.1});

}  // namespace

TEST_CASE("a discrete latent summed out is the free energy of its column of energies") {
  const Tensor<double> numbers = matrix({2, 3}, {3, 1, 2, 0, 5, 4});
  const Energy<double> joint = [=](const Arguments<double>& at) {
    return Table(numbers)(Arguments<double>{at.z, at.y});  // y names the row, z the column
  };
  const Tensor<double> y = matrix({2, 1}, {0, 1});
  for (const double beta : {0.5, 2.0}) {
    const Tensor<double> f = evaluate(over_latent(joint, one_of<double>(3), beta), y);
    CHECK(f[0] == doctest::Approx(gibbs(numbers.values().first(3), beta).free_energy));
    CHECK(f[1] == doctest::Approx(gibbs(numbers.values().last(3), beta).free_energy));
    Tape<double> tape;
    const Var<double> p = latent_posterior(joint, one_of<double>(3), beta, {tape.constant(y)});
    CHECK(p.data()[4] == doctest::Approx(gibbs(numbers.values().last(3), beta).probability[1]));
  }
  const Tensor<double> hard = evaluate(over_latent(joint, one_of<double>(3), kZeroTemperature), y);
  CHECK(hard[0] == 1);
  CHECK(hard[1] == 0);
}

TEST_CASE("the free energy of a quadratic latent is the closed form, by three ways") {
  const double k = 3, beta = 1.7;
  const auto nodes = interval_nodes<double>(-14, 14, 400);  // ten deviations beyond every point
  const Tensor<double> soft = evaluate(over_latent(spring(k), nodes, beta), kPoints);
  const Energy<double> hard = min_over_latent(spring(k), matrix({1, 1}, {5}));
  Tape<double> tape;
  const Var<double> y = tape.variable(kPoints);
  const Var<double> lowest = hard({y});
  const Var<double> closed = quadratic_latent_free_energy(lowest, std::log(k), 1, beta);
  for (int i = 0; i < 3; ++i) {
    const double exact = kPoints[2 * i + 1] * kPoints[2 * i + 1];  // min_z E = y_2^2
    CHECK(lowest.data()[i] == doctest::Approx(exact).epsilon(1e-12));
    CHECK(closed.data()[i] ==
          doctest::Approx(exact + std::log(beta * k / (2 * pi)) / (2 * beta)).epsilon(1e-12));
    CHECK(soft[i] == doctest::Approx(closed.data()[i]).epsilon(1e-10));
  }
  // The envelope theorem: dF/dy is dE/dy at z*, (0, 2 y_2).
  const Var<double> slope = energy_gradient(hard, {y}, y);
  for (int i = 0; i < 3; ++i) {
    CHECK(std::abs(slope.data()[2 * i]) <= 1e-7);
    CHECK(slope.data()[2 * i + 1] == doctest::Approx(2 * kPoints[2 * i + 1]));
  }
}

TEST_CASE("the free energy over nodes has the derivatives that differences give, of both orders") {
  const auto nodes = interval_nodes<double>(-3, 3, 9);
  const Energy<double> soft = over_latent(spring(1.5), nodes, 0.8);
  const Function f = [&](auto x) { return soft({x[0]}); };
  const GradcheckResult first = gradcheck(f, {kPoints}), second = gradgradcheck(f, {kPoints});
  CHECK_MESSAGE(first.ok, first.worst);
  CHECK_MESSAGE(second.ok, second.worst);
}

TEST_CASE("F_beta falls below the minimum by log N / beta at most and tends to it") {
  const auto nodes = periodic_nodes<double>(0, 2 * pi, 200);
  LatentNodes<double> even = nodes;
  std::fill(even.weight.begin(), even.weight.end(), 1.0);
  const Tensor<double> hard = evaluate(over_latent(ellipse(), even, kZeroTemperature), kPoints);
  Tensor<double> before({3}, -1e300);
  for (const double beta : {0.1, 1.0, 10.0, 1000.0}) {
    const Tensor<double> soft = evaluate(over_latent(ellipse(), even, beta), kPoints);
    for (int i = 0; i < 3; ++i) {
      CHECK(soft[i] <= hard[i]);
      CHECK(soft[i] >= hard[i] - std::log(200.0) / beta);
      CHECK(soft[i] >= before[i]);
    }
    before = soft;
  }
  // Twice the nodes change nothing: the integral is there.
  const Tensor<double> coarse = evaluate(over_latent(ellipse(), nodes, 2), kPoints);
  const Tensor<double> fine =
      evaluate(over_latent(ellipse(), periodic_nodes<double>(0, 2 * pi, 400), 2), kPoints);
  for (int i = 0; i < 3; ++i) CHECK(coarse[i] == doctest::Approx(fine[i]).epsilon(1e-12));
}

TEST_CASE("Gauss-Legendre nodes integrate polynomials exactly") {
  const auto nodes = interval_nodes<double>(-1, 3, 5);
  for (int power = 0; power <= 9; ++power) {
    double sum = 0;
    for (int i = 0; i < 5; ++i) sum += nodes.weight[std::size_t(i)] * std::pow(nodes.z[i], power);
    const double exact = (std::pow(3, power + 1) - std::pow(-1, power + 1)) / (power + 1);
    CHECK(sum == doctest::Approx(exact).epsilon(1e-12));
  }
}

TEST_CASE("a minimum over a latent takes the lowest of several basins, and no second derivative") {
  // E(y, z) = (z^2 - 1)^2 + z y: for y > 0 the lower well is the left one.
  const Energy<double> wells = [](const auto& at) {
    return sum(square(square(at.z) - 1.0), -1) + sum(at.z * at.y, -1);
  };
  const Energy<double> hard = min_over_latent(wells, matrix({2, 1}, {-1, 1}));
  const Tensor<double> y = matrix({2, 1}, {0.4, -0.4});
  const Tensor<double> f = evaluate(hard, y);
  CHECK(f[0] == doctest::Approx(f[1]));
  CHECK(f[0] < -0.4);
  CHECK(evaluate(min_over_latent(wells, matrix({1, 1}, {1})), y)[0] > 0);  // the wrong basin
  Tape<double> tape;
  const Var<double> leaf = tape.variable(y);
  CHECK(energy_gradient(hard, {leaf}, leaf).data()[0] < 0);  // z* is left of 0
  CHECK_THROWS_WITH_AS(energy_gradient(hard, {leaf}, leaf, true),
                       doctest::Contains("first derivatives only"), Error);
}

TEST_CASE("asked for, a minimum over a latent has second derivatives, in y and in parameters") {
  // E = |z - W y|^2 + |z|^4 / 4 with two numbers of z: nothing about it is separable.
  const auto bent = [](const auto& w_of) -> Energy<double> {
    return [w_of](const auto& at) {
      const Var<double> far = at.z - matmul(at.y, w_of(at.tape()));
      return sum(square(far), -1) + 0.25 * square(sum(square(at.z), -1));
    };
  };
  const Tensor<double> starts = matrix({1, 2}, {0.1, 0.1});
  const DescentOptions exact{.line_search = LineSearch::wolfe, .tolerance = 1e-11};
  const auto lowest = [&](Var<double> w, Order order) {
    const Tensor<double> values = w.to_tensor();
    return min_over_latent(bent([w](auto&) { return w; }),
                           bent([values](auto& tape) { return tape.constant(values); }), starts,
                           exact, order);
  };
  const Function f = [&](std::span<const Var<double>> x) {
    return lowest(x[1], Order::second)({x[0]});
  };
  const Tensor<double> y = matrix({2, 2}, {0.7, -0.4, 1.1, 0.3});
  const Tensor<double> w = matrix({2, 2}, {1, 0.5, -0.2, 0.8});
  const auto first = gradcheck(f, {y, w}), second = gradgradcheck(f, {y, w});
  CHECK_MESSAGE(first.ok, first.worst);
  CHECK_MESSAGE(second.ok, second.worst);
  // The value is that of the first order.
  Tape<double> tape;
  const Var<double> leaf = tape.variable(y), held = tape.constant(w);
  const Var<double> on = lowest(held, Order::second)({leaf}),
                    off = lowest(held, Order::first)({leaf});
  for (int i = 0; i < 2; ++i) CHECK(on.data()[i] == doctest::Approx(off.data()[i]).epsilon(1e-14));
  // A flat direction of z has no second derivative.
  const Energy<double> flat = [](const auto& at) { return square(sum(at.z, -1) - 1.0); };
  CHECK_THROWS_WITH_AS(min_over_latent(flat, starts, exact, Order::second)({tape.variable(y)}),
                       doctest::Contains("not above 0 in all directions"), Error);
}

TEST_CASE("a latent's capacity: within a radius, and the nats it says") {
  const Tensor<double> z = matrix({2, 2}, {0.3, 0.4, 6, 8});
  Tape<double> tape;
  const Var<double> kept = within_radius(tape.constant(z), 2);
  CHECK(kept.data()[0] == 0.3);
  CHECK(kept.data()[2] == doctest::Approx(1.2));
  CHECK(kept.data()[3] == doctest::Approx(1.6));
  const Function radius = [](auto x) { return within_radius(x[0], 2); };
  CHECK(gradcheck(radius, {z}).ok);
  CHECK(gradgradcheck(radius, {z}).ok);
  const Tensor<double> p = matrix({3, 4}, {0.25, 0.25, 0.25, 0.25, 0, 1, 0, 0, 0.5, 0.5, 0, 0});
  const Var<double> nats = latent_information(tape.constant(p));
  CHECK(std::abs(nats.data()[0]) <= 1e-15);
  CHECK(nats.data()[1] == doctest::Approx(std::log(4.0)));
  CHECK(nats.data()[2] == doctest::Approx(std::log(2.0)));
  const Function information = [](auto x) { return latent_information(x[0]); };
  CHECK(gradcheck(information, {matrix({1, 3}, {0.2, 0.3, 0.5})}).ok);
}

TEST_CASE("latents refuse bad input with the reason") {
  const auto nodes = one_of<double>(2);
  for (const double beta : {0.0, -1.0, std::nan("")}) {
    CHECK_THROWS_WITH_AS(over_latent(spring(1), nodes, beta), doctest::Contains("beta is"), Error);
  }
  CHECK_THROWS_WITH_AS(one_of<double>(0), doctest::Contains("has none"), Error);
  CHECK_THROWS_WITH_AS(interval_nodes<double>(0, INFINITY, 3), doctest::Contains("bounded"), Error);
  CHECK_THROWS_WITH_AS(periodic_nodes<double>(1, 1, 3), doctest::Contains("bounded"), Error);
  LatentNodes<double> weightless = nodes;
  weightless.weight[1] = 0;
  CHECK_THROWS_WITH_AS(over_latent(spring(1), weightless, 1), doctest::Contains("weight is 0"),
                       Error);
  Tape<double> tape;
  const Var<double> y = tape.constant(Tensor<double>({1, 2}));
  CHECK_THROWS_WITH_AS(over_latent(spring(1), nodes, 1)({y, {}, y}),
                       doctest::Contains("summed out already"), Error);
  CHECK_THROWS_WITH_AS(within_radius(y, 0), doctest::Contains("radius is 0"), Error);
  CHECK_THROWS_WITH_AS(min_over_latent(spring(1), Tensor<double>({0, 1})),
                       doctest::Contains("a place for z to begin"), Error);
}
