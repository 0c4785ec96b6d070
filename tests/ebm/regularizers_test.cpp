#include "ebm/regularizers.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/gradcheck.h"
#include "core/ops/matmul.h"
#include "core/ops/reduce.h"
#include "ebm/energies/learned.h"
#include "ebm/energies/linear.h"
#include "ebm/energies/quadratic.h"
#include "ebm/matrix.h"
#include "nn/activations.h"
#include "tests/ebm/random_tensor.h"

using namespace talweg;
using namespace talweg::ebm;

namespace {

/// The largest singular value of w[m,n], from the eigenvalues of w'w.
double largest_singular_value(const Tensor<double>& w) {
  const int64_t m = w.shape()[0], n = w.size() / m;
  Tensor<double> gram({n, n});
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t k = 0; k < m; ++k) gram[i * n + j] += w[k * n + i] * w[k * n + j];
    }
  }
  return std::sqrt(eigenvalues(gram).back());
}

}  // namespace

TEST_CASE("the L2 of energies and its gradient 2 E / N") {
  Tape<double> tape;
  const Var<double> e = tape.variable(Tensor<double>({2}, std::vector<double>{3, -1}));
  const Var<double> l2 = energy_l2(e);
  CHECK(l2.item() == 5);
  tape.backward(l2);
  CHECK(e.grad()[0] == 3);
  CHECK(e.grad()[1] == -1);
}

TEST_CASE("the gradient penalty of linear and quadratic energies is the closed form") {
  const Tensor<double> points = random_tensor({5, 2}, 1);
  Tape<double> tape;
  const Var<double> y = tape.variable(points);
  CHECK(gradient_penalty<double>(Linear({3, -4}), {y}).item() == doctest::Approx(25));
  CHECK(unit_gradient_penalty<double>(Linear({3, -4}), {y}).item() == doctest::Approx(16));
  double expected = 0, unit = 0;
  for (int i = 0; i < 5; ++i) {
    const double square = points[2 * i] * points[2 * i] + points[2 * i + 1] * points[2 * i + 1];
    expected += 4 * square / 5;  // |k y|^2 with k = 2
    unit += std::pow(2 * std::sqrt(square) - 1, 2) / 5;
  }
  const Energy<double> bowl = Quadratic::isotropic(2, {0, 0});
  CHECK(gradient_penalty(bowl, {y}).item() == doctest::Approx(expected));
  CHECK(unit_gradient_penalty(bowl, {y}).item() == doctest::Approx(unit));
  const Function f = [&](auto x) { return gradient_penalty(bowl, {x[0]}); };
  CHECK(gradcheck(f, {points}).ok);
}

TEST_CASE("the penalties' gradients in the parameters are what differences give") {
  nn::Parameters<double> parameters;
  Rng rng(1);
  const NetworkEnergy<double> energy(
      nn::mlp(parameters, "e", {{3, 6, 5, 1}}, nn::Activation::swish, rng));
  const Tensor<double> y = random_tensor({4, 2}, 2), x = random_tensor({4, 1}, 3);
  for (const auto penalty : {gradient_penalty<double>, unit_gradient_penalty<double>}) {
    Tape<double> tape;
    auto context = nn::Context<double>::for_training(tape, parameters, Rng(1));
    tape.backward(penalty(energy.in(context), {tape.variable(y), tape.borrow(x, false)}));
    const auto value = [&] {
      Tape<double> other;
      return penalty(energy.frozen(parameters), {other.variable(y), other.borrow(x, false)}).item();
    };
    for (const char* name : {"e.0.weight", "e.1.bias", "e.2.weight"}) {
      const int id = parameters.find(name);
      const std::span<const double> g = context.gradient(id);
      REQUIRE(!g.empty());
      for (std::size_t i = 0; i < g.size(); ++i) {
        const double h = 1e-4, middle = parameters[id].value[int64_t(i)];
        const auto at = [&](double offset) {
          parameters[id].value[int64_t(i)] = middle + offset;
          return value();
        };
        const double slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
        parameters[id].value[int64_t(i)] = middle;
        CHECK(g[i] == doctest::Approx(slope).epsilon(1e-6));
      }
    }
  }
}

TEST_CASE("the penalties differentiate again, to any order") {
  const Energy<double> cubic = [](const auto& at) { return sum(at.y * square(at.y), -1); };
  const Function f = [&](auto x) { return gradient_penalty(cubic, {x[0]}); };
  const Tensor<double> y = random_tensor({3, 2}, 4);
  CHECK(gradcheck(f, {y}).ok);
  CHECK(gradgradcheck(f, {y}).ok);
}

TEST_CASE("power iteration finds the largest singular value, and its gradient is u v'") {
  for (const Shape& shape : {Shape{3, 4}, Shape{5, 2}, Shape{4, 2, 2, 3}, Shape{1, 6}}) {
    const Tensor<double> w = random_tensor(shape, 5);
    Rng rng(1);
    SpectralNorm<double> norm(shape, rng);
    Tape<double> tape;
    const Var<double> leaf = tape.variable(w);
    const Var<double> sigma = norm.of(leaf, 2000);
    CHECK(sigma.item() == doctest::Approx(largest_singular_value(w)).epsilon(1e-10));
    CHECK(norm.residual() <= 1e-8);
    tape.backward(sigma);
    const Tensor<double> g = leaf.grad();
    Tensor<double> moved = w;
    for (int64_t i = 0; i < w.size(); ++i) {
      const double h = 1e-5;
      moved[i] = w[i] + h;
      const double up = largest_singular_value(moved);
      moved[i] = w[i] - h;
      const double down = largest_singular_value(moved);
      moved[i] = w[i];
      CHECK(std::abs(g[i] - (up - down) / (2 * h)) <= 1e-6);
    }
  }
}

TEST_CASE("one iteration a step keeps up with a weight that moves, and tells its residual") {
  Tensor<double> w = random_tensor({6, 6}, 6);
  const Tensor<double> drift = random_tensor({6, 6}, 7);
  Rng rng(1);
  SpectralNorm<double> norm(w.shape(), rng);
  Tape<double> tape;
  norm.of(tape.constant(w), 1);
  const double fresh = norm.residual();
  for (int step = 0; step < 300; ++step) {
    for (int64_t i = 0; i < w.size(); ++i) w[i] += 1e-4 * drift[i];
    norm.of(tape.constant(w), 1);
  }
  CHECK(norm.of(tape.constant(w), 1).item() ==
        doctest::Approx(largest_singular_value(w)).epsilon(1e-3));
  CHECK(norm.residual() < 0.1 * fresh);
}

TEST_CASE("a normalised weight has norm 1, and a network of such weights slope 1 at most") {
  Rng rng(1);
  const Tensor<double> w1 = random_tensor({16, 2}, 8), w2 = random_tensor({1, 16}, 9);
  SpectralNorm<double> n1(w1.shape(), rng), n2(w2.shape(), rng);
  const Energy<double> energy = [&](const Arguments<double>& at) {
    Tape<double>& tape = at.tape();
    const Var<double> hidden =
        tanh(matmul(at.y, n1.normalize(tape.constant(w1), 500), false, true));
    return reshape(matmul(hidden, n2.normalize(tape.constant(w2), 500), false, true), {at.rows()});
  };
  Tape<double> tape;
  const Var<double> y = tape.variable(random_tensor({200, 2}, 10));
  const Var<double> g = energy_gradient(energy, {y}, y);
  for (int i = 0; i < 200; ++i) {
    CHECK(std::hypot(g.data()[2 * i], g.data()[2 * i + 1]) <= 1 + 1e-9);
  }
  const Function f = [&](std::span<const Var<double>> x) { return n1.normalize(x[0], 2000); };
  CHECK(gradcheck(f, {w1}).ok);
}

TEST_CASE("a spectral norm is differentiated once in its weight, also beneath a gradient penalty") {
  Rng rng(3);
  const Tensor<double> w = random_tensor({4, 2}, 11), points = random_tensor({5, 2}, 12);
  SpectralNorm<double> norm(w.shape(), rng);
  const Function penalty = [&](std::span<const Var<double>> x) {
    const Energy<double> energy = [&](const Arguments<double>& at) {
      return sum(tanh(matmul(at.y, norm.normalize(x[0], 2000), false, true)), -1);
    };
    return gradient_penalty(energy, {x[0].tape().variable(points)});
  };
  const auto checked = gradcheck(penalty, {w});
  CHECK_MESSAGE(checked.ok, checked.worst);
  Tape<double> tape;
  const Var<double> leaf = tape.variable(w);
  CHECK_THROWS_WITH_AS(tape.grad(norm.of(leaf), {{leaf}}, true),
                       doctest::Contains("[spectral norm] has first derivatives only"), Error);
}

TEST_CASE("regularisers refuse bad input with the reason") {
  Tape<double> tape;
  const Var<double> held = tape.constant(Tensor<double>({2, 2}));
  CHECK_THROWS_WITH_AS(gradient_penalty<double>(Linear({1, 1}), {held}),
                       doctest::Contains("y needs no gradient"), Error);
  Rng rng(1);
  CHECK_THROWS_WITH_AS(SpectralNorm<double>({3}, rng), doctest::Contains("two axes"), Error);
  SpectralNorm<double> norm({2, 2}, rng);
  CHECK_THROWS_WITH_AS(norm.of(tape.constant(Tensor<double>({3, 2}))),
                       doctest::Contains("was made for weights [2,2]"), Error);
  CHECK_THROWS_WITH_AS(norm.of(held, 0), doctest::Contains("at least one iteration"), Error);
  CHECK_THROWS_WITH_AS(norm.normalize(held), doctest::Contains("the weight is zero"), Error);
}
