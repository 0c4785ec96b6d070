#include "core/study/derivatives.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "core/ops.h"
#include "core/rng.h"
#include "tests/core/study/support.h"

using namespace talweg;

namespace {

Tensor<double> normals(const Shape& shape, uint64_t seed) {
  Rng rng(seed);
  Tensor<double> t(shape);
  for (double& v : t.values()) v = rng.normal();
  return t;
}

Tensor<double> value_of(const Function1& f, const Tensor<double>& x) {
  Tape<double> tape;
  return f(tape.constant(x)).to_tensor();
}

/// The fourth-order central difference of f along v.
Tensor<double> difference_along(const std::function<Tensor<double>(const Tensor<double>&)>& f,
                                const Tensor<double>& x, const Tensor<double>& v) {
  const double h = 1e-3;
  const auto at = [&](double t) {
    Tensor<double> moved = x;
    for (int64_t i = 0; i < x.size(); ++i) moved[i] += t * v[i];
    return f(moved);
  };
  const auto a = at(h), b = at(-h), c = at(2 * h), d = at(-2 * h);
  Tensor<double> slope(a.shape());
  for (int64_t i = 0; i < a.size(); ++i) {
    slope[i] = (8 * (a[i] - b[i]) - (c[i] - d[i])) / (12 * h);
  }
  return slope;
}

void check_same(const Tensor<double>& found, const Tensor<double>& expected, double tolerance) {
  REQUIRE(found.shape() == expected.shape());
  for (int64_t i = 0; i < found.size(); ++i) {
    CHECK(std::abs(found[i] - expected[i]) <= tolerance * std::max(1.0, std::abs(expected[i])));
  }
}

/// sum over i of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2
const Function1 rosenbrock = [](Var<double> x) {
  const int64_t n = x.size();
  const auto head = slice(x, 0, 0, n - 1), tail = slice(x, 0, 1, n - 1);
  return sum(scale(square(tail - square(head)), 100.0) + square(head - 1.0));
};

}  // namespace

TEST_CASE("Rosenbrock's Hessian is the one of the textbooks") {
  const Tensor<double> x = vec({-1.2, 1, 0.3});
  Tensor<double> expected({3, 3});
  for (int64_t i = 0; i < 2; ++i) {  // each term has x[i] and x[i+1]
    expected[i * 3 + i] += 1200 * x[i] * x[i] - 400 * x[i + 1] + 2;
    expected[i * 3 + i + 1] += -400 * x[i];
    expected[(i + 1) * 3 + i] += -400 * x[i];
    expected[(i + 1) * 3 + i + 1] += 200;
  }
  check_same(hessian(rosenbrock, x), expected, 1e-12);
}

TEST_CASE("softmax's Jacobian is diag(p) - p p^T") {
  const Function1 f = [](Var<double> x) { return softmax(x); };
  const Tensor<double> x = vec({0.3, -1, 2, 0});
  const Tensor<double> p = value_of(f, x), j = jacobian(f, x);
  Tensor<double> expected({4, 4});
  for (int64_t i = 0; i < 4; ++i) {
    for (int64_t k = 0; k < 4; ++k) expected[i * 4 + k] = (i == k ? p[i] : 0) - p[i] * p[k];
  }
  check_same(j, expected, 1e-14);
}

TEST_CASE("jvp, vjp and jacobian agree with each other and with differences") {
  // Not square, so that rows and columns can't be taken for each other.
  const Tensor<double> w = normals({3, 5}, 1), x = normals({4, 3}, 2);
  const Function1 f = [&](Var<double> v) {
    return sum(tanh(matmul(v, v.tape().constant(w))) * exp(sum(v, -1, true)), 0);
  };
  const Tensor<double> j = jacobian(f, x);
  REQUIRE(j.shape() == Shape{5, 12});
  const Tensor<double> v = normals(x.shape(), 3), u = normals({5}, 4);
  Tensor<double> jv({5}), uj(x.shape());
  for (int64_t i = 0; i < 5; ++i) {
    for (int64_t k = 0; k < 12; ++k) {
      jv[i] += j[i * 12 + k] * v[k];
      uj[k] += u[i] * j[i * 12 + k];
    }
  }
  check_same(jvp(f, x, v), jv, 1e-13);
  check_same(vjp(f, x, u), uj, 1e-13);
  check_same(jvp(f, x, v), difference_along([&](auto& t) { return value_of(f, t); }, x, v), 1e-8);
}

TEST_CASE("hvp agrees with hessian, with differences of the gradient, and is symmetric") {
  const Tensor<double> w = normals({2, 2, 2, 2}, 5), x = normals({1, 4, 5, 2}, 6);
  const Function1 f = [&](Var<double> v) {  // a convolution and the aligner's log-sum-exp
    return sum(logsumexp(square(conv2d(v, v.tape().constant(w)))));
  };
  const auto gradient = [&](const Tensor<double>& t) { return vjp(f, t, Tensor<double>({}, 1.0)); };
  const Tensor<double> v = normals(x.shape(), 7), hv = hvp(f, x, v), h = hessian(f, x);
  const int64_t n = x.size();
  Tensor<double> product(x.shape());
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t k = 0; k < n; ++k) {
      product[i] += h[i * n + k] * v[k];
      CHECK(h[i * n + k] == doctest::Approx(h[k * n + i]).epsilon(1e-10));
    }
  }
  check_same(hv, product, 1e-11);
  check_same(hv, difference_along(gradient, x, v), 1e-7);
}

TEST_CASE("on a tape, over several inputs, and differentiated again") {
  Tape<double> tape;
  const Var<double> a = tape.variable(Tensor<double>({}, 0.7)), b = tape.variable(vec({2, -1}));
  const Var<double> y = a * a * a * b;  // dy = 3 a^2 b da + a^3 db
  const Var<double> xs[] = {a, b};
  const Var<double> vs[] = {tape.constant(2.0), tape.constant(vec({1, 10}))};
  const Var<double> along = jvp<double>(y, xs, vs, true);
  CHECK(along.data()[0] == doctest::Approx(3 * 0.49 * 2 * 2 + 0.343 * 1));
  CHECK(along.data()[1] == doctest::Approx(3 * 0.49 * -1 * 2 + 0.343 * 10));
  // d sum(dy)/da = 6 a sum(b) da + 3 a^2 sum(db)
  CHECK(tape.grad(sum(along), {{a}})[0].item() == doctest::Approx(6 * 0.7 * 1 * 2 + 3 * 0.49 * 11));
  const auto h = hvp<double>(sum(y), xs, vs);
  CHECK(h[0].item() == doctest::Approx(6 * 0.7 * 1 * 2 + 3 * 0.49 * 11));
  CHECK(h[1].data()[0] == doctest::Approx(3 * 0.49 * 2));
  CHECK(h[1].data()[1] == doctest::Approx(3 * 0.49 * 2));
}

TEST_CASE("what is constant or linear has derivatives of zero") {
  const Function1 constant = [](Var<double> x) { return x.tape().constant(vec({1, 2})); };
  const Function1 linear = [](Var<double> x) { return sum(x); };
  const Tensor<double> x = vec({1, 2, 3});
  check_same(jacobian(constant, x), Tensor<double>({2, 3}), 0);
  check_same(jvp(constant, x, x), Tensor<double>({2}), 0);
  check_same(hessian(linear, x), Tensor<double>({3, 3}), 0);
  check_same(hvp(linear, x, x), Tensor<double>({3}), 0);
}

TEST_CASE("mistakes with derivatives are answered with what to write instead") {
  const Tensor<double> x = vec({1, 2, 3});
  const auto says = [](auto f, const char* part) {
    return error_of(f).find(part) != std::string::npos;
  };
  CHECK(says([&] { jvp(rosenbrock, x, vec({1})); },
             "[jvp] direction 0 has shape [1], but its x has [3]"));
  CHECK(says([&] { hvp([](auto v) { return v * v; }, x, x); }, "reduce it with sum() or mean()"));
  CHECK(says([&] { hessian([](auto v) { return v * v; }, x); }, "reduce it with sum() or mean()"));
  CHECK(says([&] { jacobian([](auto v) { return v; }, Tensor<double>({5000})); },
             "multiply by it with jvp() or vjp()"));
}
