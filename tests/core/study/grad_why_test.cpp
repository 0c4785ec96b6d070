#include "core/study/grad_why.h"

#include <doctest/doctest.h>

#include "core/ops/conv2d_fused.h"
#include "core/ops/elementwise.h"
#include "core/ops/in_place.h"
#include "core/ops/matmul.h"
#include "core/ops/reduce.h"
#include "core/ops/select.h"
#include "core/ops/softmax.h"
#include "tests/core/study/support.h"

using namespace talweg;

namespace {

/// A tape that is watched, with one input.
struct Watched {
  explicit Watched(std::vector<double> values) : x(tape.variable(vec(std::move(values)))) {}
  GradWhy why(Var<double> y) const { return grad_why(log, y, x); }

  Tape<double> tape;
  TapeLog<double> log{tape};
  Var<double> x;
};

void expect_why(const GradWhy& w, GradBlock block, const std::string& part, int line = 0) {
  CHECK_MESSAGE(w.block == block, w.sentence);
  CHECK_MESSAGE(w.sentence.find(part) != std::string::npos, w.sentence);
  if (line && why_no_call_sites().empty()) {
    CHECK(w.line.line == line);
    CHECK(w.line.file.ends_with("grad_why_test.cpp"));
  }
}

}  // namespace

TEST_CASE("a gradient that is there is measured") {
  Watched t({3, 4});
  expect_why(t.why(sum(scale(t.x, 2.0))), GradBlock::none,
             "norm 2.82843, largest 2, not zero at 2 of 2 elements");
}

TEST_CASE("an input that is not on the way") {
  Watched t({1, 2});
  const Var<double> z = t.tape.variable(vec({3}));
  expect_why(t.why(sum(z)), GradBlock::not_reached, "nothing reads it");
  const int line = __LINE__ + 1;
  const Var<double> y = exp(t.x);
  const GradWhy w = t.why(sum(z));
  expect_why(w, GradBlock::not_reached, "it is read, first by exp");
  if (why_no_call_sites().empty())
    CHECK(w.sentence.find(message(":", line, ",")) != std::string::npos);
  expect_why(grad_why(t.log, t.x, y), GradBlock::not_reached, "compute the output from it");
}

TEST_CASE("detach, NoGrad, and which comes first") {
  Watched t({1, 2});
  const int line = __LINE__ + 1;
  const Var<double> y = exp(t.x.detach());
  expect_why(t.why(sum(y * y)), GradBlock::detached, "cuts it off", line);

  Var<double> z;
  {
    const NoGrad<double> off(t.tape);
    z = exp(scale(t.x, 2.0));
  }
  expect_why(t.why(sum(z)), GradBlock::no_grad, "scale", line + 6);
  // The way through detach is shut, that beside it is open.
  expect_why(t.why(sum(y * t.x)), GradBlock::none, "is there");
}

TEST_CASE("constants, and what was made from them") {
  Watched t({1});
  const Var<double> c = t.tape.constant(2.0), d = exp(c), y = sum(t.x * d);
  expect_why(grad_why(t.log, y, c), GradBlock::constant, "make it with variable()");
  expect_why(grad_why(t.log, y, d), GradBlock::constant, "made from constants only");
  const Var<double> e = t.x.detach();
  expect_why(grad_why(t.log, sum(e * e), e), GradBlock::detached, "cuts it off");
}

TEST_CASE("an op without a derivative") {
  Watched t({1, -2});
  const int line = __LINE__ + 1;
  const Var<double> y = sum(sign(t.x));
  expect_why(t.why(y), GradBlock::no_rule, "sign", line);
}

TEST_CASE("a dead ReLU, and one that is nearly") {
  Watched t({-1, -2, -3, 4});
  const int line = __LINE__ + 1;
  const Var<double> dead = relu(t.x - 5.0);
  expect_why(t.why(sum(dead)), GradBlock::dead_relu, "passes 0 of 4 elements", line);
  const Var<double> nearly = sum(relu(t.x));
  const GradWhy w = t.why(nearly);
  expect_why(w, GradBlock::none, "passes 1 of 4 elements", line + 2);
  CHECK(w.sentence.find("not zero at 1 of 4 elements; relu") != std::string::npos);
}

TEST_CASE("fused and in-place ReLUs die as well") {
  Watched t({-1, -2, -3, -4});
  const Var<double> one = t.tape.full({1, 1, 1, 1}, 1.0);
  const Var<double> image = reshape(t.x, {1, 2, 2, 1});
  expect_why(t.why(sum(conv_bias_relu(image, one, {}))), GradBlock::dead_relu, "conv_bias_relu");
  expect_why(t.why(sum(conv_bias_relu_pool(image, one, {}))), GradBlock::dead_relu,
             "conv_bias_relu_pool");
  expect_why(t.why(sum(relu_(scale(t.x, 1.0)))), GradBlock::dead_relu, "relu_");
}

TEST_CASE("masked by a maximum, a pool, a selection") {
  Watched t({1, 2});
  const Var<double> big = t.tape.constant(vec({7, 8}));
  const int line = __LINE__ + 1;
  const Var<double> clamped = maximum(t.x, big);
  expect_why(t.why(sum(clamped)), GradBlock::masked, "takes its other operand at all 2", line);
  const Var<double> pixels = reshape(concat({big, t.x}, 0), {1, 1, 4, 1});
  expect_why(t.why(sum(max_pool2d(pixels, 1, 4, 1, 1))), GradBlock::masked, "selects");
}

TEST_CASE("exact zeros among the factors") {
  Watched t({1, 2});
  const Var<double> mask = t.tape.constant(vec({0, 0}));
  const int line = __LINE__ + 1;
  const Var<double> y = t.x * mask;
  expect_why(t.why(sum(y)), GradBlock::zero_factor, "which is 0 at 2 of 2 elements", line);
  expect_why(t.why(sum(scale(t.x, 0.0))), GradBlock::zero_factor, "multiplies it by 0");
  const Var<double> m = matmul(reshape(t.x, {1, 2}), t.tape.full({2, 3}, 0.0));
  expect_why(t.why(sum(m)), GradBlock::zero_factor, "matmul");
}

TEST_CASE("saturation") {
  Watched t({40, 50});
  const int line = __LINE__ + 1;
  const Var<double> y = sum(tanh(t.x));
  expect_why(t.why(y), GradBlock::saturated, "its input runs from 40 to 50", line);
  expect_why(t.why(sum(exp(scale(t.x, -100.0)))), GradBlock::saturated, "exp");
  Watched zero({0, 0});
  expect_why(zero.why(sum(square(zero.x))), GradBlock::saturated, "derivative 0");
}

TEST_CASE("what cancels, and what is not finite") {
  Watched t({1, 2});
  expect_why(t.why(sum(t.x - t.x)), GradBlock::cancelled, "adds up to zero");
  Watched zero({0});
  expect_why(zero.why(sum(sqrt(zero.x))), GradBlock::not_finite, "attach Anomaly");
}

TEST_CASE("the gradient of a gradient is explained too") {
  Watched t({1, 2});
  const std::array xs{t.x};
  const Var<double> g = t.tape.grad(sum(square(t.x)), xs, true)[0];
  expect_why(t.why(sum(g)), GradBlock::none, "largest 2");
  const Var<double> constant = t.tape.grad(sum(square(t.x)), xs, false)[0];
  expect_why(t.why(sum(constant)), GradBlock::not_reached, "");
  const Var<double> linear = t.tape.grad(sum(scale(t.x, 3.0)), xs, true)[0];
  CHECK(t.why(sum(linear)).block == GradBlock::not_reached);  // 3 whatever x is
}

TEST_CASE("several elements are explained as their sum; values given back are asked for too late") {
  Watched t({1, 2});
  const Var<double> y = exp(t.x);
  expect_why(t.why(y), GradBlock::none, "largest 7.38906");
  t.tape.backward(sum(square(y)));
  CHECK_THROWS_AS(t.why(y), Error);
}
