#include "core/tape.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "core/gradcheck.h"
#include "core/ops/elementwise.h"

using namespace talweg;

namespace {

Var<double> total(Var<double> x) { return sum_to(x, {}); }

std::string message_of(auto f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a value used twice receives the sum of both gradients") {
  Tape<double> tape;
  auto a = tape.variable(Tensor<double>({}, 3.0));
  auto b = a + a;  // the learner's counter-example: a diamond whose arms are the same node
  auto c = b * b;
  tape.backward(c);
  CHECK(a.grad()[0] == 24);  // c = 4 a^2
}

TEST_CASE("a chain of a million nodes differentiates") {
  Tape<double> tape;
  auto x = tape.variable(Tensor<double>({}, 1.0));
  auto y = x;
  for (int i = 0; i < 1'000'000; ++i) y = add_scalar(y, 1e-6);
  tape.backward(y);
  CHECK(x.grad()[0] == 1);
  CHECK(y.item() == doctest::Approx(2).epsilon(1e-9));
}

TEST_CASE("a thousand scopes leave the memory of one behind") {
  Tape<float> tape;
  auto x = tape.variable(Tensor<float>({100}, 0.5f));
  const auto step = [&] {
    TapeScope<float> scope(tape);
    auto y = x;
    for (int i = 0; i < 100; ++i) y = tanh(y * x);
    tape.backward(sum_to(y, {}));
  };
  step();  // leaves a gradient on x
  step();  // adds to it: the steady state
  const auto reserved = tape.pool().reserved_bytes(), live = tape.pool().live_bytes();
  for (int i = 0; i < 1000; ++i) step();
  CHECK(tape.pool().reserved_bytes() == reserved);
  CHECK(tape.pool().live_bytes() == live);
  CHECK(tape.node_count() == 1);
}

TEST_CASE("backward gives back values at their last use and keeps those that are retained") {
  Tape<double> tape;
  auto x = tape.variable(Tensor<double>({1000}, 0.5));
  auto hidden = exp(x);
  auto kept = exp(hidden).retain();
  auto y = total(kept);
  const auto before = tape.pool().live_bytes();
  tape.backward(y);
  CHECK(kept.data()[0] == doctest::Approx(std::exp(std::exp(0.5))));
  CHECK(kept.grad()[0] == 1);
  CHECK(says(message_of([&] { hidden.data(); }), "[exp] the value of node 1 was given back"));
  CHECK(y.item() > 0);  // the value that backward started from stays
  // hidden's value went, the gradients of x and kept came.
  CHECK(tape.pool().live_bytes() <= before + 2 * 8 * 1024 + 1024);
}

TEST_CASE("a second backward over values given back says what to do") {
  Tape<double> tape;
  auto x = tape.variable(Tensor<double>({2}, 1.0));
  auto y = total(exp(exp(x)));
  tape.backward(y);
  CHECK(says(message_of([&] { tape.backward(y); }), "given back by backward()"));
}

TEST_CASE("gradients of two backward calls on one leaf add up") {
  Tape<double> tape;
  auto x = tape.variable(Tensor<double>({1}, 2.0));
  tape.backward(x * x);
  tape.backward(x * x * x);
  CHECK(x.grad()[0] == 4 + 12);
}

TEST_CASE("no gradient flows through detach, constants or a NoGrad block") {
  Tape<double> tape;
  auto x = tape.variable(Tensor<double>({1}, 2.0));
  tape.backward(x.detach() * x);
  CHECK(x.grad()[0] == 2);
  auto c = tape.constant(5.0);
  CHECK_FALSE((c * c).needs_grad());
  NoGrad<double> off(tape);
  CHECK_FALSE(exp(x).needs_grad());
}

TEST_CASE("grad returns derivatives of any order") {
  Tape<double> tape;
  auto x = tape.variable(Tensor<double>({}, 0.7));
  Var<double> y = exp(x * x);  // y'' = (2 + 4x^2) y, y''' = (12x + 8x^3) y
  const Var<double> xs[] = {x};
  const double e = y.item();
  const auto first = tape.grad(y, xs, true)[0];
  const auto second = tape.grad(first, xs, true)[0];
  const auto third = tape.grad(second, xs, false)[0];
  CHECK(first.item() == doctest::Approx(2 * 0.7 * e).epsilon(1e-13));
  CHECK(second.item() == doctest::Approx((2 + 4 * 0.49) * e).epsilon(1e-13));
  CHECK(third.item() == doctest::Approx((12 * 0.7 + 8 * 0.343) * e).epsilon(1e-13));
}

TEST_CASE(
    "grad with respect to an inner node stops there, and one that is not reached gets zeros") {
  Tape<double> tape;
  auto x = tape.variable(Tensor<double>({}, 3.0));
  auto z = tape.variable(Tensor<double>({2}, 3.0));
  auto h = x * x;
  auto y = h * h;
  const Var<double> xs[] = {h, z};
  const auto g = tape.grad(y, xs);
  CHECK(g[0].item() == 18);
  CHECK(g[1].shape() == Shape{2});
  CHECK(g[1].data()[1] == 0);
}

TEST_CASE("grad leaves nothing in the pool but its results") {
  Tape<double> tape;
  auto x = tape.variable(Tensor<double>({64}, 0.3));
  auto y = total(exp(x) * x);
  const auto before = tape.pool().live_bytes();
  {
    TapeScope<double> scope(tape);
    const Var<double> xs[] = {x};
    tape.grad(y, xs);
    tape.grad(y, xs, true);
  }
  CHECK(tape.pool().live_bytes() == before);
}

TEST_CASE("a handle whose scope has ended throws, even where its place was taken again") {
  Tape<double> tape;
  Var<double> lost;
  {
    TapeScope<double> scope(tape);
    lost = tape.constant(1.0);
  }
  CHECK(says(message_of([&] { lost.item(); }), "no longer on the tape"));
  auto other = tape.constant(2.0);
  CHECK(other.index() == lost.index());
  CHECK(says(message_of([&] { lost.item(); }), "TapeScope"));
}

TEST_CASE("mistakes are answered with what to write instead") {
  Tape<double> tape, other;
  auto x = tape.variable(Tensor<double>({3}, 1.0));
  CHECK(says(message_of([&] { tape.backward(exp(x)); }), "reduce it with sum() or mean()"));
  CHECK(
      says(message_of([&] { tape.backward(tape.constant(1.0)); }), "make a leaf with variable()"));
  CHECK(says(message_of([&] { exp(x).grad(); }), "call retain()"));
  CHECK(says(message_of([&] { tape.constant(1.0).grad(); }), "needs no gradient"));
  CHECK(says(message_of([&] { add(x, other.constant(1.0)); }), "different tapes"));
  CHECK(says(message_of([&] { exp(Var<double>()); }), "never given a value"));
  CHECK(says(message_of([&] { x.item(); }), "item() needs one element, the shape is [3]"));
}

TEST_CASE("the first value that is not finite is found by the op that made it") {
  Tape<double> tape;
  auto x = tape.variable(Tensor<double>({2}, 0.0));
  CHECK_FALSE(tape.first_non_finite());
  auto y = total(exp(log(x) * log(x)));
  CHECK(std::isinf(y.item()));
  CHECK(std::string(tape.first_non_finite().op()) == "log");
}

TEST_CASE("gradcheck accepts a right gradient and points at a wrong one") {
  const Tensor<double> x({3}, 0.4);
  CHECK(gradcheck([](auto v) { return exp(v[0]) * v[0]; }, {x}).ok);
  CHECK(gradgradcheck([](auto v) { return exp(v[0]) * v[0]; }, {x}).ok);
  const auto wrong = gradcheck([](auto v) { return v[0] * v[0].detach(); }, {x});
  CHECK_FALSE(wrong.ok);
  CHECK(says(wrong.worst, "of input 0"));
  const auto none = gradcheck([](auto v) { return v[0].detach(); }, {x});
  CHECK_FALSE(none.ok);
}
