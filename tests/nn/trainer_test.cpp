#include "nn/trainer.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <cmath>
#include <limits>

#include "tests/nn/toy.h"

namespace talweg::nn {
namespace {

/// Everything a run of the toy problem leaves behind.
template <class T> struct Run {
  std::vector<T> parameters;
  std::vector<StepReport> reports;
};

template <class T> Run<T> run_bars(uint64_t seed, int64_t steps) {
  BarNet<T> bars(seed);
  Tape<T> tape;
  auto context = Context<T>::for_training(tape, bars.parameters, Rng(seed));
  AdamW<T> optimizer(bars.parameters);
  Training<T> training = bars.training(seed, steps);
  Run<T> run;
  training.on_step = [&](const StepReport& report) {
    run.reports.push_back(report);
    return true;
  };
  train(context, optimizer, training, 0, steps);
  run.parameters = flat(bars.parameters);
  return run;
}

/// The message of the Error that training stops with; empty if it does not.
template <class T>
std::string training_error(Context<T>& context, Optimizer<T>& optimizer,
                           const Training<T>& training, int64_t steps) {
  try {
    train(context, optimizer, training, 0, steps);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a small CNN learns to tell lying bars from standing ones") {
  BarNet<float> bars(1);
  Tape<float> tape;
  auto context = Context<float>::for_training(tape, bars.parameters, Rng(1));
  AdamW<float> optimizer(bars.parameters);
  train(context, optimizer, bars.training(1, 150), 0, 150);

  auto inference = Context<float>::for_inference(tape, bars.parameters);
  int64_t right = 0;
  for (int64_t fresh = 0; fresh < 10; ++fresh) {
    TapeScope<float> scope(tape);
    inference.begin_step();
    const auto x = bars.batch.draw(tape, 999, fresh);
    const auto logits = bars.net.forward(inference, x).values();
    for (std::size_t n = 0; n < bars.batch.labels().size(); ++n) {
      right += (logits[2 * n + 1] > logits[2 * n]) == (bars.batch.labels()[n] == 1);
    }
  }
  CHECK(right >= 158);  // of 160
}

TEST_CASE("the same seed gives the same bits with one, two and three threads") {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const Run<float> one = run_bars<float>(7, 12);
  for (int n : {2, 3}) {
    omp_set_num_threads(n);
    CHECK(run_bars<float>(7, 12).parameters == one.parameters);
  }
  omp_set_num_threads(threads);
  CHECK(run_bars<float>(8, 12).parameters != one.parameters);
}

TEST_CASE("on_step hears of every step, with the schedule's rate, and can stop the run") {
  BarNet<double> bars(1);
  Tape<double> tape;
  auto context = Context<double>::for_training(tape, bars.parameters, Rng(1));
  Sgd<double> optimizer(bars.parameters);
  Training<double> training = bars.training(1, 10);
  std::vector<int64_t> steps;
  training.on_step = [&](const StepReport& report) {
    steps.push_back(report.step);
    CHECK(report.learning_rate == training.schedule(report.step));
    CHECK(report.loss > 0);
    CHECK(report.gradient_norm > 0);
    return report.step < 5;
  };
  CHECK(train(context, optimizer, training, 3, 10) == 6);
  CHECK(steps == std::vector<int64_t>{3, 4, 5});
  CHECK(optimizer.state().steps == 3);
  CHECK(train(context, optimizer, training, 10, 10) == 10);
  CHECK(tape.node_count() == 0);
}

TEST_CASE("a clipped step is as long as the limit times the learning rate") {
  Parameters<double> p;
  p.add("w", vec({0, 0}), ParameterKind::weight);
  Tape<double> tape;
  auto context = Context<double>::for_training(tape, p, Rng(1));
  Sgd<double> sgd(p);
  Training<double> training;
  training.loss = [](int64_t, Context<double>& c) {
    return sum(c.leaf(0) * c.tape().constant(vec({30, 40})));
  };
  training.schedule = [](int64_t) { return 0.1; };
  training.max_gradient_norm = 5;
  training.on_step = [](const StepReport& report) {
    CHECK(report.gradient_norm == doctest::Approx(50));
    return true;
  };
  train(context, sgd, training, 0, 1);
  CHECK(p[0].value[0] == doctest::Approx(-0.3));
  CHECK(p[0].value[1] == doctest::Approx(-0.4));
}

// --- what stops training ---

/// One weight at 1 that a loss of the test's choosing trains from step 2 on.
struct OneWeight {
  static Parameters<double> one_weight() {
    Parameters<double> p;
    p.add("conv1.weight", vec({1}), ParameterKind::weight);
    return p;
  }

  template <class Loss> std::string train_from_step_2(Loss loss) {
    Training<double> training;
    training.schedule = [](int64_t) { return 0.1; };
    training.loss = [&](int64_t step, Context<double>& c) {
      return step < 2 ? sum(scale(c.leaf(0), 0.0)) : loss(c.leaf(0));
    };
    return training_error(context, sgd, training, 5);
  }

  Parameters<double> p = one_weight();
  Tape<double> tape;
  Context<double> context = Context<double>::for_training(tape, p, Rng(1));
  Sgd<double> sgd{p};
};

TEST_CASE("a loss that is not finite names the step and the op, and changes nothing") {
  OneWeight w;
  const std::string error = w.train_from_step_2([](Var<double> x) {
    return sum(exp(log(x - 2.0) * x));  // log of -1: NaN, which mul, exp and sum hand on
  });
  CHECK(contains(error, "step 2: the loss is"));
  CHECK(contains(error, "[anomaly] log"));
  CHECK(contains(error, "made nan at element 0 of [1]; computed from"));
  CHECK(w.p[0].value[0] == 1.0);
  CHECK(w.sgd.state().steps == 2);
}

TEST_CASE("a loss that is not finite leaves the running averages as they were") {
  Parameters<double> p;
  const BatchNorm<double> norm(p, "norm", 1);
  Tape<double> tape;
  auto context = Context<double>::for_training(tape, p, Rng(1));
  Sgd<double> sgd(p);
  Training<double> training;
  training.schedule = [](int64_t) { return 0.1; };
  training.loss = [&](int64_t, Context<double>& c) {
    const double inf = std::numeric_limits<double>::infinity();
    return sum(norm.forward(c, c.tape().constant(Tensor<double>({4, 1}, inf))));
  };
  CHECK(contains(training_error(context, sgd, training, 1), "[anomaly] constant"));
  CHECK(p[norm.running_mean()].value[0] == 0.0);
  CHECK(p[norm.running_var()].value[0] == 1.0);
}

TEST_CASE("a step that fails behind a BatchNorm leaves averages and random numbers as they were") {
  Parameters<double> p;
  const BatchNorm<double> norm(p, "norm", 1);
  Tape<double> tape;
  auto context = Context<double>::for_training(tape, p, Rng(1));
  const uint64_t before = context.rng().counter();
  Sgd<double> sgd(p);
  Training<double> training;
  training.schedule = [](int64_t) { return 0.1; };
  training.loss = [&](int64_t, Context<double>& c) {
    const Var<double> y = norm.forward(c, c.tape().constant(Tensor<double>({4, 1}, 5.0)));
    return sum(y) + log(c.tape().constant(-1.0));
  };
  CHECK(contains(training_error(context, sgd, training, 1), "[anomaly] log"));
  CHECK(p[norm.running_mean()].value[0] == 0.0);
  CHECK(p[norm.running_var()].value[0] == 1.0);
  CHECK(context.rng().counter() == before);
}

TEST_CASE("a gradient that is not finite names the step and the parameter, and changes nothing") {
  OneWeight w;
  const std::string error = w.train_from_step_2([](Var<double> x) {
    return sum(sqrt(x - 1.0));  // 0, with a vertical tangent
  });
  CHECK(contains(error, "step 2: "));
  CHECK(contains(error, "the gradient of conv1.weight [1] is not finite"));
  CHECK(contains(error, "the rule of sqrt"));
  CHECK(contains(error, "there the input is 0"));
  CHECK(w.p[0].value[0] == 1.0);
  CHECK(w.sgd.state().steps == 2);
}

TEST_CASE("a loss that fails once only is still explained by its values") {
  OneWeight w;
  int calls = 0;
  const std::string error =
      w.train_from_step_2([&](Var<double> x) { return calls++ == 0 ? sum(log(x - 2.0)) : sum(x); });
  CHECK(contains(error, "came from log (shape [1])"));
}

TEST_CASE("a loss of several elements, or none at all, is refused") {
  OneWeight w;
  CHECK(contains(w.train_from_step_2([](Var<double> x) { return broadcast_to(x, {3}); }),
                 "step 2: the loss has shape [3]; reduce it"));
  CHECK(contains(training_error(w.context, w.sgd, Training<double>{}, 1),
                 "needs a loss and a schedule"));
}

}  // namespace
}  // namespace talweg::nn
