// The snippets of core/study/course/*.md, as they stand there: readme.cmake compares.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <sstream>
#include <tuple>
#include <vector>

#include "core/ops.h"
#include "core/print.h"
#include "core/rng.h"
#include "core/study/course/scalar_tape.h"
#include "core/study/course/softsign.h"
#include "core/study/derivatives.h"
#include "core/study/hooks.h"
#include "core/study/wrong_engines/checks.h"
#include "core/study/wrong_engines/no_order.h"
#include "core/study/wrong_engines/right.h"

using namespace talweg;

TEST_CASE("chapter 1: a scalar tape learns exclusive or") {
  using namespace talweg::course;
  // clang-format off
ScalarTape tape;
Rng rng(3);
std::vector<Scalar> w;
for (int i = 0; i < 9; ++i) w.push_back(tape.variable(rng.normal()));
const int parameters = tape.size();
double loss_now = 0;
for (int step = 0; step < 2000; ++step) {
  Scalar loss = tape.variable(0);
  for (const auto& [p, q, target] : {std::array{0, 0, -1}, {0, 1, 1}, {1, 0, 1}, {1, 1, -1}}) {
    const Scalar a = tape.variable(p), b = tape.variable(q);
    const Scalar h1 = tanh(w[0] * a + w[1] * b + w[2]), h2 = tanh(w[3] * a + w[4] * b + w[5]);
    const Scalar error = tanh(w[6] * h1 + w[7] * h2 + w[8]) - tape.variable(target);
    loss = loss + error * error;
  }
  tape.backward(loss);
  for (const Scalar& x : w) tape.value(x) -= 0.1 * x.gradient();
  loss_now = loss.value();
  tape.rewind(parameters);
}
  // clang-format on
  CHECK(loss_now < 0.05);
}

TEST_CASE("chapter 2: broadcasting prints and sums") {
  // clang-format off
Tape<double> tape;
const Var<double> x = tape.variable(Tensor<double>({2, 3}, std::vector<double>{1, 2, 3, 4, 5, 6}));
const Var<double> b = tape.variable(Tensor<double>({3}, std::vector<double>{10, 20, 30}));
const Var<double> y = (x + b).retain();  // b is stretched over the rows, as in NumPy
tape.backward(sum(square(y)));
std::ostringstream out;
out << y << '\n' << b.grad();
  // clang-format on
  CHECK(out.str() ==
        "[[11 22 33]\n"
        " [14 25 36]]  double [2,3], node 2, add\n"
        "[ 50  94 138]  double [3]");
}

TEST_CASE("chapter 2: the dot product test") {
  // clang-format off
Tape<double> tape;
Rng rng(1);
const auto draw = [&](const Shape& shape) {
  Tensor<double> t(shape);
  for (double& v : t.values()) v = rng.normal();
  return tape.constant(t);
};
const Var<double> row = draw({3}), u = draw({4, 3});
const double one_way = sum(broadcast_to(row, {4, 3}) * u).item();  // <B row, u>
const double other_way = sum(row * sum_to(u, {3})).item();         // <row, B^T u>
  // clang-format on
  CHECK(one_way == doctest::Approx(other_way).epsilon(1e-14));
}

TEST_CASE("chapter 3: three faces of one number") {
  // clang-format off
Tape<double> tape;
Rng rng(1);
const auto draw = [&](const Shape& shape) {
  Tensor<double> t(shape);
  for (double& v : t.values()) v = rng.normal();
  return tape.variable(t);
};
const Var<double> x = draw({1, 5, 6, 2}), w = draw({3, 3, 3, 2}), g = draw({1, 3, 4, 3});
const double by_output = sum(conv2d(x, w) * g).item();
const double by_input = sum(x * conv2d_backward_data(g, w, 5, 6)).item();
const double by_weights = sum(w * conv2d_backward_weights(x, g, 3, 3)).item();
  // clang-format on
  CHECK(by_output == doctest::Approx(by_input).epsilon(1e-13));
  CHECK(by_output == doctest::Approx(by_weights).epsilon(1e-13));
  // clang-format off
const Var<double> dw = tape.grad(sum(square(conv2d(x, w))), {{w}}, true)[0];
const Var<double> again = tape.grad(sum(square(dw)), {{x}})[0];  // through backward_weights' own rule
  // clang-format on
  CHECK(again.shape() == x.shape());
}

TEST_CASE("chapter 4: derivatives of any order") {
  // clang-format off
Tape<double> tape;
const Var<double> x = tape.variable(Tensor<double>({}, 2.0));
const Var<double> y = x * x * x;
const Var<double> first = tape.grad(y, {{x}}, true)[0];       // 3 x^2, recorded
const Var<double> second = tape.grad(first, {{x}}, true)[0];  // 6 x
const Var<double> third = tape.grad(second, {{x}})[0];        // 6
  // clang-format on
  CHECK(first.item() == 12);
  CHECK(second.item() == 12);
  CHECK(third.item() == 6);
}

TEST_CASE("chapter 4: Newton in Rosenbrock's valley, and a Hessian's column") {
  // clang-format off
const Function1 rosenbrock = [](Var<double> x) {
  const Var<double> a = slice(x, 0, 0, 1), b = slice(x, 0, 1, 1);
  return sum(100.0 * square(b - square(a)) + square(a - 1.0));
};
Tensor<double> at({2}, std::vector<double>{-1.2, 1});
for (int step = 0; step < 6; ++step) {
  const Tensor<double> g = vjp(rosenbrock, at, Tensor<double>({}, 1.0));
  const Tensor<double> h = hessian(rosenbrock, at);
  const double determinant = h[0] * h[3] - h[1] * h[2];
  at[0] -= (h[3] * g[0] - h[1] * g[1]) / determinant;  // at -= H^-1 g, by Cramer's rule
  at[1] -= (h[0] * g[1] - h[2] * g[0]) / determinant;
}
  // clang-format on
  CHECK(at[0] == doctest::Approx(1).epsilon(1e-8));
  CHECK(at[1] == doctest::Approx(1).epsilon(1e-8));
  // clang-format off
const Tensor<double> v({2}, std::vector<double>{1, 0});
const Tensor<double> hv = hvp(rosenbrock, at, v);  // the first column of the Hessian
  // clang-format on
  CHECK(hv[0] == doctest::Approx(802));
  CHECK(hv[1] == doctest::Approx(-400));
}

TEST_CASE("chapter 4: forwards, by going backwards twice") {
  // clang-format off
Tape<double> tape;
const Var<double> x = tape.variable(Tensor<double>({3}, std::vector<double>{0.1, 0.2, 0.3}));
const Var<double> v = tape.constant(Tensor<double>({3}, std::vector<double>{1, 0, -1}));
const Var<double> y = softmax(x);
const Var<double> u = tape.variable(Tensor<double>({3}));      // its value does not matter
const Var<double> g = tape.grad(y, {{x}}, true, u)[0];         // J^T u, as a function of u
const Var<double> jv = tape.grad(sum(g * v), {{u}})[0];        // J v
  // clang-format on
  const double mean = y.data()[0] - y.data()[2];
  for (int i = 0; i < 3; ++i) {
    CHECK(jv.data()[i] == doctest::Approx(y.data()[i] * (v.data()[i] - mean)));
  }
}

TEST_CASE("chapter 6: the checks find the wrong engine") {
  using namespace talweg::wrong_engines;
  // clang-format off
std::string found = check_two_ways<UnorderedEngine>();  // "found (1), expected (2.28403)"
std::string fine = check_two_ways<RightEngine>();       // ""
  // clang-format on
  CHECK(found == "found (1), expected (2.28403)");
  CHECK(fine.empty());
}

TEST_CASE("the study README: a hook") {
  Tape<double> tape;
  const Var<double> x = tape.variable(Tensor<double>({}, 3.0));
  // clang-format off
const GradientHook<double> halve = [](Var<double> dy) { return scale(dy, 0.5); };
const Var<double> h = on_gradient(x * x, halve);  // from here back, h's gradient is what halve returns
tape.backward(h);
  // clang-format on
  CHECK(x.grad()[0] == 3);
}
