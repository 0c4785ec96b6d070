// The snippets of core/README.md and README.md, as they stand there: readme.cmake compares.
#include <doctest/doctest.h>

#include <cmath>

#include "core/gradcheck.h"
#include "core/ops.h"

using namespace talweg;

TEST_CASE("the engine's README: one trace") {
  // clang-format off
Tape<double> tape;
Var<double> a = tape.variable(Tensor<double>({}, 3.0));  // node 0
Var<double> b = a + a;                                    // node 1
Var<double> c = b * b;                                    // node 2
tape.backward(c);
double slope = a.grad()[0];  // 24, for c = 4 a^2
  // clang-format on
  CHECK(slope == 24);
}

TEST_CASE("the engine's README: derivatives of derivatives") {
  // clang-format off
Tape<double> tape;
Var<double> x = tape.variable(Tensor<double>({}, 0.5));
Var<double> y = exp(x * x);
Var<double> dy = tape.grad(y, {{x}}, true)[0];   // recorded: 2 x y
Var<double> ddy = tape.grad(dy, {{x}})[0];       // (2 + 4 x^2) y
  // clang-format on
  CHECK(dy.item() == doctest::Approx(y.item()));
  CHECK(ddy.item() == doctest::Approx(3 * y.item()));
}

TEST_CASE("the engine's README: checking a function of your own") {
  // clang-format off
Function f = [](auto x) { return log(exp(x[0]) + exp(x[1])); };
GradcheckResult first = gradcheck(f, {Tensor<double>({3}, 0.2), Tensor<double>({3}, -0.4)});
GradcheckResult second = gradgradcheck(f, {Tensor<double>({3}, 0.2), Tensor<double>({3}, -0.4)});
if (!first.ok) throw Error(first.worst);
  // clang-format on
  CHECK(first.ok);
  CHECK(second.ok);
}
