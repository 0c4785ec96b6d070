#include "nn/trainer.h"

#include <cmath>

#include "core/study/anomaly.h"
#include "core/study/non_finite.h"

namespace talweg::nn {
namespace {

/// Runs the step again, watched: what Anomaly says of it; empty if nothing happens this time.
template <class T>
std::string run_watched(Context<T>& context, const Training<T>& training, int64_t step, Rng rng) {
  try {
    const TapeScope<T> scope(context.tape());
    Anomaly<T> watch(context.tape());
    context.set_rng(rng);
    context.begin_step();
    const Var<T> loss = training.loss(step, context);
    watch.check();
    if (loss.needs_grad()) context.tape().backward(loss);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// The last words of a step that failed: what is wrong, and which op made it so. `rng` is what the
/// step drew from; `guess` is said where the step does not fail again.
template <class T>
[[noreturn]] void fail(Context<T>& context, const Training<T>& training, int64_t step, Rng rng,
                       const std::string& what, const std::string& guess) {
  std::string culprit = run_watched(context, training, step, rng);
  if (culprit.empty()) culprit = guess;
  context.begin_step();  // forgets what was staged
  context.set_rng(rng);
  throw Error(message("[train] step ", step, ": ", what, culprit.empty() ? "" : "; ", culprit,
                      "; nothing was changed in this step; lower the learning rate or check the ",
                      "data"));
}

/// The gradient's norm, or why there is none.
template <class T> double norm_or_failure(const Context<T>& context, std::string& failure) {
  try {
    return gradient_norm(context);
  } catch (const Error& error) {
    failure = error.what();
    return 0;
  }
}

template <class T>
StepReport train_step(Context<T>& context, Optimizer<T>& optimizer, const Training<T>& training,
                      int64_t step) {
  const Rng rng = context.rng();
  std::string failure, guess;
  {
    TapeScope<T> scope(context.tape());
    context.begin_step();
    Var<T> loss = training.loss(step, context);
    expect(loss.size() == 1, "[train] step ", step, ": the loss has shape ", loss.shape(),
           "; reduce it to one element with mean() or sum()");
    StepReport report{step, double(loss.item()), training.schedule(step), 0};
    if (std::isfinite(report.loss)) {
      context.tape().backward(loss);
      report.gradient_norm = norm_or_failure(context, failure);
    } else {
      failure = message("the loss is ", loss.item());
      const Var<T> first = first_non_finite(context.tape());
      guess = message("the first value that is not finite came from ", first.op(), " (shape ",
                      first.shape(), ")");
    }
    if (failure.empty()) {
      optimizer.step(context, report.learning_rate,
                     clip_scale(report.gradient_norm, training.max_gradient_norm));
      context.commit();
      return report;
    }
  }
  fail(context, training, step, rng, failure, guess);
}

}  // namespace

template <class T>
int64_t train(Context<T>& context, Optimizer<T>& optimizer, const Training<T>& training,
              int64_t first, int64_t end) {
  expect(training.loss && training.schedule, "[train] needs a loss and a schedule");
  expect(context.training(), "[train] needs a context made with Context::for_training");
  for (int64_t step = first; step < end; ++step) {
    const StepReport report = train_step(context, optimizer, training, step);
    if (training.on_step && !training.on_step(report)) return step + 1;
  }
  return std::max(first, end);
}

template int64_t train(Context<float>&, Optimizer<float>&, const Training<float>&, int64_t,
                       int64_t);
template int64_t train(Context<double>&, Optimizer<double>&, const Training<double>&, int64_t,
                       int64_t);

}  // namespace talweg::nn
