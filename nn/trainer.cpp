#include "nn/trainer.h"

#include <cmath>

#include "core/study/non_finite.h"

namespace talweg::nn {
namespace {

template <class T> void check_loss(Var<T> loss, int64_t step) {
  expect(loss.size() == 1, "[train] step ", step, ": the loss has shape ", loss.shape(),
         "; reduce it to one element with mean() or sum()");
  if (std::isfinite(loss.item())) return;
  const Var<T> culprit = first_non_finite(loss.tape());
  throw Error(
      message("[train] step ", step, ": the loss is ", loss.item(), "; the first value that is ",
              "not finite came from ", culprit.op(), " (shape ", culprit.shape(),
              "); nothing was changed in this step; lower the learning rate or check the data"));
}

/// gradient_norm, whose complaint gets the step.
template <class T> double check_gradients(const Context<T>& context, int64_t step) {
  try {
    return gradient_norm(context);
  } catch (const Error& error) {
    throw Error(
        message("[train] step ", step, ": ", error.what(), "; nothing was changed in this step"));
  }
}

template <class T>
StepReport train_step(Context<T>& context, Optimizer<T>& optimizer, const Training<T>& training,
                      int64_t step) {
  TapeScope<T> scope(context.tape());
  context.begin_step();
  Var<T> loss = training.loss(step, context);
  check_loss(loss, step);
  StepReport report{step, double(loss.item()), training.schedule(step), 0};
  context.tape().backward(loss);
  report.gradient_norm = check_gradients(context, step);
  optimizer.step(context, report.learning_rate,
                 clip_scale(report.gradient_norm, training.max_gradient_norm));
  context.commit();
  return report;
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
