#include "core/study/contributions.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/ops/elementwise.h"
#include "core/ops/matmul.h"
#include "core/ops/reduce.h"
#include "tests/core/study/support.h"

using namespace talweg;

TEST_CASE("the gradient at x, edge by edge") {
  Tape<double> tape;
  const Var<double> x = tape.variable(vec({1, 2}));
  const Var<double> y = sum(square(x)) + sum(scale(x, 3.0)) - sum(x * x);  // 2x + 3 - 2x
  const auto c = contributions(y, x);
  CHECK(c.adjoint.values()[0] == 3);
  CHECK(c.norm == doctest::Approx(std::sqrt(18.0)));
  REQUIRE(c.edges.size() == 4);  // square, scale, and mul twice
  double share = 0, first = 0;
  for (const auto& e : c.edges) {
    share += e.share;
    first += e.gradient[0];
    if (std::string(e.consumer.op()) == "square") {
      CHECK(e.gradient[1] == 4);
      CHECK(e.norm == doctest::Approx(std::sqrt(20.0)));
      CHECK(e.dot == doctest::Approx(2 * 3 + 4 * 3));
      CHECK(e.share == doctest::Approx(1.0));
    }
  }
  CHECK(share == doctest::Approx(1.0));
  CHECK(first == doctest::Approx(3.0));
  CHECK(c.to_string().find("from 4 edges") != std::string::npos);
}

TEST_CASE("in the middle of a graph, in single precision, with a cancelled rest") {
  Tape<float> tape;
  Tensor<float> values({4, 4}, 0.25f);
  const Var<float> x = tape.variable(values), h = tanh(x);
  const Var<float> y = sum(matmul(h, h, false, true)) - sum(h);
  const auto c = contributions(y, h);
  CHECK(c.edges.size() == 3);
  CHECK(c.norm > 0);
}

TEST_CASE("the paths of w in (relu(w x + b) - 1)^2 + w") {
  Tape<double> tape;
  const Var<double> w = tape.variable(Tensor<double>(Shape{}, 2.0));
  const Var<double> x = tape.constant(3.0), b = tape.constant(-1.0);
  const Var<double> y = square(relu(w * x + b) - 1.0) + w;
  const auto p = top_paths(y, w);
  CHECK(p.gradient == 2 * (5 - 1) * 3 + 1);
  CHECK(p.count == 2);
  REQUIRE(p.paths.size() == 2);
  CHECK(p.paths[0].product == 24);
  CHECK(p.paths[1].product == 1);
  CHECK(p.paths[0].nodes.size() == 7);
  CHECK(p.paths[1].nodes == std::vector<int32_t>{w.index(), y.index()});
  CHECK(p.to_string(tape).find("variable[0] -> mul") != std::string::npos);
}

TEST_CASE("2^60 paths are counted, and the best of them are exact") {
  Tape<double> tape;
  const Var<double> x = tape.variable(Tensor<double>(Shape{}, 0.5));
  Var<double> y = x;
  for (int i = 0; i < 60; ++i) y = scale(y, 0.75) + scale(y, 0.25);
  const auto p = top_paths(y, x, 4);
  CHECK(p.count == std::ldexp(1.0, 60));
  CHECK(p.gradient == 1);
  CHECK(p.paths[0].product == doctest::Approx(std::pow(0.75, 60)).epsilon(1e-14));
  CHECK(p.paths[1].product == doctest::Approx(std::pow(0.75, 59) * 0.25).epsilon(1e-14));
}

TEST_CASE("paths that cancel are told apart where the adjoint between them is zero") {
  Tape<double> tape;
  const Var<double> x = tape.variable(Tensor<double>(Shape{}, 0.5));
  const Var<double> h = exp(x);
  const auto p = top_paths(h - h, x);
  CHECK(p.gradient == 0);
  REQUIRE(p.paths.size() == 2);
  CHECK(std::abs(p.paths[0].product) == doctest::Approx(std::exp(0.5)));
  CHECK(p.paths[0].product == -p.paths[1].product);
}

TEST_CASE("paths through tensors are refused") {
  Tape<double> tape;
  const Var<double> x = tape.variable(vec({1, 2}));
  CHECK(error_of([&] { top_paths(sum(exp(x)), x); }).find("more than one element") !=
        std::string::npos);
  const Var<double> s = tape.variable(Tensor<double>(Shape{}, 1.0));
  CHECK(error_of([&] { top_paths(s * s, s, 0); }).find("1 or more") != std::string::npos);
}
