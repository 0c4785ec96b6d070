#include "nn/optim.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/nn/toy.h"

using namespace talweg;
using namespace talweg::nn;
using doctest::Approx;

namespace {

/// One decayed weight and one bias, with a context to train them in.
struct Pair {
  explicit Pair(const std::vector<double>& weight = {1}, const std::vector<double>& bias = {1}) {
    parameters.add("weight", vec(weight), ParameterKind::weight);
    parameters.add("bias", vec(bias), ParameterKind::bias);
  }
  double weight(int64_t i = 0) const { return parameters[0].value[i]; }
  double bias(int64_t i = 0) const { return parameters[1].value[i]; }

  Parameters<double> parameters;
  Tape<double> tape;
  Context<double> context = Context<double>::for_training(tape, parameters, Rng(1));
};

/// The message of the Error that `f` throws; empty if it throws none.
template <class F> std::string error_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

// --- SGD ---

TEST_CASE("plain gradient descent on a parabola shrinks the weight geometrically") {
  // f(w) = a w^2 / 2 has gradient a w, so w_t = (1 - lr a)^t w_0.
  Pair p({2.0});
  Sgd<double> sgd(p.parameters);
  const double a = 3, lr = 0.1;
  for (int t = 0; t < 20; ++t) step_along(p.context, sgd, {{a * p.weight()}}, lr);
  CHECK(p.weight() == Approx(2.0 * std::pow(1 - lr * a, 20)).epsilon(1e-12));
}

TEST_CASE("momentum adds up a constant gradient with the learning rate outside") {
  // u = 0.5, 0.95, 1.355; w = 1 - 0.1 (0.5 + 0.95 + 1.355).
  Pair p;
  Sgd<double> sgd(p.parameters, {.momentum = 0.9});
  for (int t = 0; t < 3; ++t) step_along(p.context, sgd, {{0.5}}, 0.1);
  CHECK(p.weight() == Approx(0.7195).epsilon(1e-14));
}

TEST_CASE("Nesterov's step looks one momentum ahead") {
  // u = 0.5, 0.95; steps g + 0.9 u = 0.95, 1.355; w = 1 - 0.1 (0.95 + 1.355).
  Pair p;
  Sgd<double> sgd(p.parameters, {.momentum = 0.9, .nesterov = true});
  for (int t = 0; t < 2; ++t) step_along(p.context, sgd, {{0.5}}, 0.1);
  CHECK(p.weight() == Approx(0.7695).epsilon(1e-14));
}

TEST_CASE("SGD's weight decay pulls weights and leaves biases alone") {
  Pair p({2}, {2});
  Sgd<double> sgd(p.parameters, {.weight_decay = 0.25});
  step_along(p.context, sgd, {{0}, {0}}, 0.1);
  CHECK(p.weight() == Approx(2 - 0.1 * 0.25 * 2).epsilon(1e-15));
  CHECK(p.bias() == 2.0);
}

// --- AdamW ---

TEST_CASE(
    "AdamW's first step is the learning rate against the sign, whatever the gradient's size") {
  Pair p({1, 1, 1});
  AdamW<double> adamw(p.parameters, {.weight_decay = 0});
  step_along(p.context, adamw, {{1e-3, -5.0, 2e4}}, 0.01);
  CHECK(p.weight(0) == Approx(0.99).epsilon(1e-6));
  CHECK(p.weight(1) == Approx(1.01).epsilon(1e-6));
  CHECK(p.weight(2) == Approx(0.99).epsilon(1e-6));
}

TEST_CASE("AdamW follows its formula, written out for scalars, over fifty steps") {
  const AdamWOptions o{.beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-6, .weight_decay = 0.1};
  Pair p({0.7, -1.2}, {0.3});
  AdamW<double> adamw(p.parameters, o);

  double w[] = {0.7, -1.2, 0.3}, m[3] = {}, v[3] = {};
  Rng rng(5);
  for (int t = 1; t <= 50; ++t) {
    const double lr = 0.05 / t;
    const double g[] = {rng.normal(), rng.normal(), rng.normal()};
    step_along(p.context, adamw, {{4 * g[0], 4 * g[1]}, {4 * g[2]}}, lr, 0.25);  // scaled back
    for (int i = 0; i < 3; ++i) {
      if (i < 2) w[i] -= lr * o.weight_decay * w[i];
      m[i] = o.beta1 * m[i] + (1 - o.beta1) * g[i];
      v[i] = o.beta2 * v[i] + (1 - o.beta2) * g[i] * g[i];
      const double m_hat = m[i] / (1 - std::pow(o.beta1, t));
      const double v_hat = v[i] / (1 - std::pow(o.beta2, t));
      w[i] -= lr * m_hat / (std::sqrt(v_hat) + o.epsilon);
    }
  }
  CHECK(p.weight(0) == Approx(w[0]).epsilon(1e-12));
  CHECK(p.weight(1) == Approx(w[1]).epsilon(1e-12));
  CHECK(p.bias() == Approx(w[2]).epsilon(1e-12));
}

TEST_CASE("AdamW's decay is decoupled: a zero gradient still shrinks a weight by lr times decay") {
  Pair p({2}, {2});
  AdamW<double> adamw(p.parameters, {.weight_decay = 0.5});
  step_along(p.context, adamw, {{0}, {0}}, 0.1);
  CHECK(p.weight() == Approx(2 * (1 - 0.1 * 0.5)).epsilon(1e-15));
  CHECK(p.bias() == 2.0);
}

// --- what all optimisers share ---

TEST_CASE("a parameter that no gradient reached stays as it is") {
  Pair p({2}, {3});
  AdamW<double> adamw(p.parameters);
  step_along(p.context, adamw, {{}, {1}}, 0.1);
  CHECK(p.weight() == 2.0);
  CHECK(p.bias() < 3.0);
}

TEST_CASE("a running average gets no gradient even where the loss uses it") {
  Pair p;
  const int running = p.parameters.add("mean", vec({4}), ParameterKind::running);
  Sgd<double> sgd(p.parameters);
  step_along(p.context, sgd, {{1}, {1}, {1}}, 0.1);
  CHECK(p.parameters[running].value[0] == 4.0);
  CHECK(sgd.state().slots[0].by_id[std::size_t(running)].size() == 0);
}

TEST_CASE("an optimiser made before the last layer is refused") {
  Pair p;
  Sgd<double> sgd(p.parameters);
  p.parameters.add("late", vec({0}), ParameterKind::weight);
  const std::string error = error_of([&] { step_along(p.context, sgd, {{1}}, 0.1); });
  CHECK(contains(error, "[sgd] was made for 2 parameters, the context has 3"));
}

TEST_CASE("an optimiser refuses a context made for inference") {
  Pair p;
  Sgd<double> sgd(p.parameters);
  auto inference = Context<double>::for_inference(p.tape, p.parameters);
  CHECK(contains(error_of([&] { sgd.step(inference, 0.1); }), "constant in inference"));
}

TEST_CASE("impossible options are refused by name and value") {
  Pair p;
  const auto sgd = [&](SgdOptions o) { return error_of([&] { Sgd<double>(p.parameters, o); }); };
  const auto adamw = [&](AdamWOptions o) {
    return error_of([&] { AdamW<double>(p.parameters, o); });
  };
  CHECK(contains(sgd({.momentum = 1}), "momentum must be in [0, 1), found 1"));
  CHECK(contains(sgd({.weight_decay = -1}), "must not be negative, found -1"));
  CHECK(contains(sgd({.nesterov = true}), "needs a momentum"));
  CHECK(contains(adamw({.beta2 = 1}), "betas must be in [0, 1), found 1"));
  CHECK(contains(adamw({.epsilon = 0}), "epsilon must be positive"));
  CHECK(contains(adamw({.weight_decay = -0.5}), "found -0.5"));
}

// --- clipping ---

TEST_CASE("the gradient norm is taken over all parameters together") {
  Pair p({0, 0}, {0});
  TapeScope<double> scope(p.tape);
  leave_gradients(p.context, {{2, 3}, {6}});
  CHECK(gradient_norm(p.context) == Approx(7.0).epsilon(1e-15));
}

TEST_CASE("clipping scales a long gradient to the limit and leaves a short one alone") {
  CHECK(clip_scale(10, 4) == 0.4);
  CHECK(clip_scale(4, 4) == 1.0);
  CHECK(clip_scale(0, 4) == 1.0);
  CHECK(clip_scale(7, std::numeric_limits<double>::infinity()) == 1.0);

  Pair p({0, 0});
  Sgd<double> sgd(p.parameters);
  step_along(p.context, sgd, {{6, 8}}, 1.0, clip_scale(10, 5));
  CHECK(p.weight(0) == Approx(-3));
  CHECK(p.weight(1) == Approx(-4));
}

TEST_CASE("a gradient that is not finite is reported with its parameter's name") {
  for (double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    Pair p;
    TapeScope<double> scope(p.tape);
    leave_gradients(p.context, {{1}, {bad}});
    const std::string error = error_of([&] { gradient_norm(p.context); });
    CHECK(contains(error, "the gradient of bias [1] is not finite"));
  }
}
