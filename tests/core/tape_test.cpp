#include "core/tape.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "core/gradcheck.h"
#include "core/ops/elementwise.h"
#include "core/ops/in_place.h"
#include "core/ops/shape_ops.h"
#include "core/study/non_finite.h"
#include "core/tape_observer.h"

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

TEST_CASE("a view of a value that was given back, or of a changed tensor, can't be read either") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>({2}, 3.0));
  const auto hidden = exp(x);
  const auto seen = reshape(hidden.detach(), {2, 1});
  const auto kept = hidden.detach().to_tensor();
  tape.backward(total(hidden * hidden));
  CHECK(kept[0] == doctest::Approx(std::exp(3.0)));
  CHECK_FALSE(seen.readable());
  CHECK(says(message_of([&] { seen.data(); }), "[reshape] the value of node"));
  CHECK(says(message_of([&] { seen.data(); }), "was given back"));

  Tensor<double> lent({2}, 1.0);
  const auto view = reshape(tape.borrow(lent, false), {2, 1});
  CHECK(view.readable());
  lent.fill(2.0);
  CHECK(says(message_of([&] { view.data(); }), "[reshape] node"));
  CHECK(says(message_of([&] { view.data(); }), "opened for writing"));
}

TEST_CASE("a retained value keeps its gradient where its rule hands the same one on") {
  Tape<double> tape;
  auto x = tape.variable(Tensor<double>({3}, 0.5));
  auto kept = add_scalar(x, 1.0).retain();  // the rule gives dy itself
  tape.backward(total(square(kept)));
  CHECK(kept.grad()[2] == 3);
  CHECK(x.grad()[2] == 3);
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
  CHECK_FALSE(first_non_finite(tape));
  auto y = total(exp(log(x) * log(x)));
  CHECK(std::isinf(y.item()));
  CHECK(std::string(first_non_finite(tape).op()) == "log");
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

TEST_CASE("a value overwritten in place is missed by name, op and line of the writer") {
  Tape<double> tape;
  auto x = tape.variable(Tensor<double>({2}, 3.0));
  auto h = scale(x, 2.0);
  auto shown = tape.view("shown", h, {2, 1});
  auto y = mul(h, h);
  const int line = __LINE__ + 1;
  auto z = add_(h, tape.constant(1.0));
  CHECK(z.data()[0] == 7);
  const std::string lost = message_of([&] { tape.backward(total(y)); });
  CHECK(says(lost, "[scale] the value of node 1 was overwritten in place by add_ at "));
  CHECK(says(lost, message("tape_test.cpp:", line)));
  CHECK(says(message_of([&] { shown.data(); }), "overwritten in place by add_"));
}

TEST_CASE("in place is as good as anew where no rule needs the old value") {
  Tape<double> tape;
  auto x = tape.variable(Tensor<double>({3}, 0.3));
  auto y = exp_(add_(scale_(scale(x, 3.0), 0.5), x));
  tape.backward(total(y));
  CHECK(x.grad()[1] == doctest::Approx(2.5 * std::exp(2.5 * 0.3)).epsilon(1e-14));
}

TEST_CASE("a lent tensor is not overwritten, and its change by the owner is noticed and located") {
  Tape<double> tape;
  Tensor<double> w({2}, 3.0);
  auto lent = tape.borrow(w, true);
  CHECK(says(message_of([&] { relu_(tape.view("shown", lent, {2, 1})); }), "lent with borrow()"));
  auto y = total(mul(lent, lent));
  const int line = __LINE__ + 1;
  w.fill(5);
  const std::string changed = message_of([&] { tape.backward(y); });
  CHECK(says(changed,
             "[borrow] node 0 shows a tensor that was opened for writing after it was lent"));
  CHECK(says(changed, message("tape_test.cpp:", line)));
}

TEST_CASE("a rule may begin a pass of its own") {
  // y = (x^2)^2 with the gradient of the outer square found by a pass inside its rule.
  Tape<double> tape;
  auto x = tape.variable(Tensor<double>({}, 1.5));
  auto h = x * x;
  auto y = tape.make("square_again", {});
  y.data()[0] = h.item() * h.item();
  y.wrt(h, [h, &tape](Var<double> dy) {
    Recording<double> on(tape, true);
    const Var<double> inside = tape.variable(h.to_tensor());
    return tape.grad(inside * inside, {{inside}}, false, dy)[0];
  });
  tape.backward(y + x);
  CHECK(x.grad()[0] == doctest::Approx(4 * 1.5 * 1.5 * 1.5 + 1));
}

TEST_CASE("an observer hears of every event in order") {
  struct Log : TapeObserver<double> {
    std::string text;
    void made(Var<double> y) override { text += message("made ", y.op(), ' '); }
    void reads(Var<double> y, Var<double> x, bool recorded) override {
      text += message(y.index(), recorded ? "<-" : "<.", x.index(), ' ');
    }
    void began(Var<double> root) override { text += message("| from ", root.index(), ' '); }
    void passing(Var<double> y, Var<double> dy) override {
      text += message("at ", y.index(), ':', dy.item(), ' ');
    }
    void ran(Var<double> y, Var<double> x, Var<double> dx) override {
      text += message(y.index(), "->", x.index(), ':', dx.item(), ' ');
    }
    void passed(Var<double> y) override { text += message("past ", y.index(), ' '); }
    void ended() override { text += "end"; }
  } log;
  Tape<double> tape;
  auto x = tape.variable(Tensor<double>({}, 3.0));
  auto c = tape.constant(2.0);
  CHECK(tape.observe(&log) == nullptr);
  auto y = mul(x, c);
  CHECK(log.text == "made mul 2<-0 2<.1 ");
  log.text.clear();
  const Var<double> xs[] = {x};
  const Var<double> seed = tape.constant(1.0);
  log.text.clear();
  tape.grad(y, xs, false, seed);
  CHECK(says(log.text, "| from 2 made adjoint at 2:1 made mul "));
  CHECK(says(log.text, "2->0:2 past 2 made adjoint at 0:2 past 0 end"));
  CHECK(tape.observe(nullptr) == &log);
}
