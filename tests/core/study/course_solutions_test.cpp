// Solutions of the exercises of core/study/course, each with its check.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "core/ops.h"
#include "core/rng.h"
#include "core/study/course/scalar_tape.h"
#include "core/study/derivatives.h"
#include "core/study/wrong_engines/checks.h"
#include "core/study/wrong_engines/right.h"
// The cards below are collected from here on.
#include "core/op_check.h"
#include "core/op_collect.h"
//
#include "core/study/course/softsign.h"

namespace talweg::course {

// --- chapter 1: exp and division for the scalar tape ---

Scalar exp(Scalar x) {
  const double y = std::exp(x.value());
  return x.tape->push(y, {x.at, y});
}
Scalar operator/(Scalar a, Scalar b) {
  const double y = a.value() / b.value();
  return a.tape->push(y, {a.at, 1 / b.value()}, {b.at, -y / b.value()});
}
Scalar sigmoid(Scalar x) {
  const Scalar zero = x.tape->variable(0), one = x.tape->variable(1);
  return one / (one + exp(zero - x));
}

TEST_CASE("exercise 1: the sigmoid's slope is y (1 - y)") {
  const auto value = [](double at) {
    ScalarTape tape;
    return sigmoid(tape.variable(at)).value();
  };
  ScalarTape tape;
  const Scalar x = tape.variable(0.3), y = sigmoid(x);
  tape.backward(y);
  CHECK(x.gradient() == doctest::Approx(y.value() * (1 - y.value())).epsilon(1e-14));
  const double h = 1e-4;
  CHECK(std::abs(x.gradient() - (value(0.3 + h) - value(0.3 - h)) / (2 * h)) < 1e-8);
}

// --- chapter 2: columns without their means ---

Tensor<double> normals(const Shape& shape, uint64_t seed) {
  Rng rng(seed);
  Tensor<double> t(shape);
  for (double& v : t.values()) v = rng.normal();
  return t;
}

/// y = C x with C = I - (1/m) 1 1^T, which is its own transpose; so dx = C dy.
Var<double> centre(Var<double> x) { return x - mean(x, 0, true); }

TEST_CASE("exercise 2: the gradient of centring is the centred gradient") {
  const Tensor<double> x = normals({5, 3}, 1), dy = normals({5, 3}, 2);
  Tape<double> tape;
  const Var<double> expected = centre(tape.constant(dy));
  const Tensor<double> found = vjp(centre, x, dy);
  for (int64_t i = 0; i < 15; ++i) {
    CHECK(found[i] == doctest::Approx(expected.data()[i]).epsilon(1e-13));
  }
}

// --- chapter 3: the Hessian of T(x, w, g) for fixed g ---

TEST_CASE("exercise 3: only the mixed blocks of a convolution's Hessian are not zero") {
  // T is linear in x and in w, each alone, so the blocks xx and ww are zero. dT/dx is
  // backward_data(g, w), linear in w: its change along vw is backward_data(g, vw); dT/dw likewise.
  Tape<double> tape;
  const Var<double> x = tape.variable(normals({1, 5, 6, 2}, 1));
  const Var<double> w = tape.variable(normals({3, 3, 3, 2}, 2));
  const Var<double> g = tape.constant(normals({1, 3, 4, 3}, 3));
  const Var<double> vx = tape.constant(normals({1, 5, 6, 2}, 4));
  const Var<double> vw = tape.constant(normals({3, 3, 3, 2}, 5));
  const Var<double> hx = conv2d_backward_data(g, vw, 5, 6);
  const Var<double> hw = conv2d_backward_weights(vx, g, 3, 3);

  const Var<double> xs[] = {x, w}, vs[] = {vx, vw};
  const auto h = hvp<double>(sum(conv2d(x, w) * g), xs, vs);
  for (int64_t i = 0; i < hx.size(); ++i) {
    CHECK(h[0].data()[i] == doctest::Approx(hx.data()[i]).epsilon(1e-12));
  }
  for (int64_t i = 0; i < hw.size(); ++i) {
    CHECK(h[1].data()[i] == doctest::Approx(hw.data()[i]).epsilon(1e-12));
  }
}

// --- chapter 4: a Newton step by conjugate gradients ---

double dot(const Tensor<double>& a, const Tensor<double>& b) {
  double sum = 0;
  for (int64_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
void add_to(Tensor<double>& a, double c, const Tensor<double>& b) {
  for (int64_t i = 0; i < a.size(); ++i) a[i] += c * b[i];
}

/// s with H s = -g, for f convex at x, from at most `most` products. Hestenes and Stiefel 1952.
Tensor<double> newton_step(const Function1& f, const Tensor<double>& x, int most) {
  Tensor<double> s(x.shape()), r = vjp(f, x, Tensor<double>({}, 1.0));
  for (double& v : r.values()) v = -v;  // the residual of s = 0
  Tensor<double> p = r;
  double rr = dot(r, r);
  for (int k = 0; k < most && rr > 1e-24; ++k) {
    const Tensor<double> hp = hvp(f, x, p);
    const double alpha = rr / dot(p, hp);
    add_to(s, alpha, p);
    add_to(r, -alpha, hp);
    const double before = std::exchange(rr, dot(r, r));
    Tensor<double> next = r;
    add_to(next, rr / before, p);
    p = next;
  }
  return s;
}

/// H s = b by Gaussian elimination with pivoting.
Tensor<double> solve(Tensor<double> h, Tensor<double> b) {
  const int64_t n = b.size();
  for (int64_t k = 0; k < n; ++k) {
    int64_t pivot = k;
    for (int64_t i = k; i < n; ++i) {
      if (std::abs(h[i * n + k]) > std::abs(h[pivot * n + k])) pivot = i;
    }
    for (int64_t j = 0; j < n; ++j) std::swap(h[k * n + j], h[pivot * n + j]);
    std::swap(b[k], b[pivot]);
    for (int64_t i = k + 1; i < n; ++i) {
      const double c = h[i * n + k] / h[k * n + k];
      for (int64_t j = k; j < n; ++j) h[i * n + j] -= c * h[k * n + j];
      b[i] -= c * b[k];
    }
  }
  for (int64_t k = n - 1; k >= 0; --k) {
    for (int64_t j = k + 1; j < n; ++j) b[k] -= h[k * n + j] * b[j];
    b[k] /= h[k * n + k];
  }
  return b;
}

TEST_CASE("exercise 4: conjugate gradients on hvp find the Newton step") {
  Tensor<double> a = normals({20, 20}, 7), x = normals({20}, 8);
  for (double& v : a.values()) v *= 0.2;
  const Function1 f = [&](Var<double> v) {
    const Var<double> av = matmul(v.tape().constant(a), reshape(v, {20, 1}));
    return sum(exp(v)) + 0.5 * sum(square(av));
  };
  Tensor<double> g = vjp(f, x, Tensor<double>({}, 1.0));
  for (double& v : g.values()) v = -v;
  const Tensor<double> expected = solve(hessian(f, x), g), found = newton_step(f, x, 20);
  for (int64_t i = 0; i < 20; ++i) CHECK(std::abs(found[i] - expected[i]) < 1e-8);
}

// --- chapter 6: a sixth wrong engine ---

/// RightEngine, but for exp's slope where x is negative: e^0.
class SteepEngine {
 public:
  using Value = int;
  Value variable(wrong_engines::Numbers x) { return engine_.variable(std::move(x)); }
  Value add(Value a, Value b) { return engine_.add(a, b); }
  Value mul(Value a, Value b) { return engine_.mul(a, b); }
  Value exp(Value x) {
    // x + (e^x - x), the second a constant: the right value, and slope 1.
    if (engine_.value(x)[0] >= 0) return engine_.exp(x);
    const double v = engine_.value(x)[0];
    return engine_.add(x, engine_.variable({std::exp(v) - v}));
  }
  void backward(Value y) { engine_.backward(y); }
  const wrong_engines::Numbers& gradient(Value x) const { return engine_.gradient(x); }
  void overwrite(Value x, wrong_engines::Numbers by) { engine_.overwrite(x, std::move(by)); }

 private:
  wrong_engines::RightEngine engine_;
};

TEST_CASE("exercise 6: a wrong rule is found by differences, and only where it is wrong") {
  // a b = -0.28 is negative there; with a b > 0 `differences` would be blind. `two ways` has the
  // only other exp, of 0.25.
  for (const wrong_engines::Check& check : wrong_engines::checks<SteepEngine>()) {
    CAPTURE(check.name);
    CHECK(check.run().empty() == (std::string(check.name) != "differences"));
  }
}

// --- chapter 7: sqrt(a^2 + b^2) ---

/// hypotenuse(a, b) = sqrt(a^2 + b^2), broadcasting. Gradient: da = dy a / y, db = dy b / y, which is
/// 0/0 where both are 0: there the function is a cone's tip and has no derivative.
template <class T> Var<T> hypotenuse(Var<T> a, Var<T> b) {
  Var<T> y = map2("hypotenuse", a, b, {}, [](T p, T q) { return std::hypot(p, q); });
  y.wrt(a, [=](Var<T> dy) { return sum_to(mul(dy, div(a, y)), a.shape()); });
  y.wrt(b, [=](Var<T> dy) { return sum_to(mul(dy, div(b, y)), b.shape()); });
  return y;
}

TALWEG_OP_CARD(hypotenuse) {
  card.formula("y = sqrt(a^2 + b^2)").rule("da = dy a / y, db = dy b / y").shapes("a, b broadcast");
  card.source("Pythagoras");
  const auto f = [](auto x) { return hypotenuse(x[0], x[1]); };
  card.check("same", {{{3, 4}, Domain::distinct}, {3, 4}}, f);
  card.check("row", {{{3, 4}, Domain::distinct}, {4}}, f);
  card.check("one", {{{1}, Domain::positive}, {1}}, f).check("empty", {{0, 3}, {3}}, f);
  card.point("3, 4, 5", {{3}, {4}}, f, {5}, {{0.6}, {0.8}});
  card.rejects({{2, 3}, {4}}, f, "do not broadcast");
}

TEST_CASE("chapter 7 and its exercise: cards that pass all checks") {
  REQUIRE(collected_cards().size() == 2);
  for (const OpCard& card : collected_cards()) {
    CAPTURE(card.name);
    const OpReport report = check_op(card);
    for (const std::string& failure : report.failures) FAIL_CHECK(failure);
    CHECK(report.cases >= 4);
    CHECK_FALSE(card.rule_text.empty());
  }
}

}  // namespace talweg::course
