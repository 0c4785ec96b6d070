#include "nn/trainer.h"

#include <algorithm>

#include "nn/pass.h"
#include "nn/shared_step.h"

namespace talweg::nn {
namespace {

template <class T> void check(const Context<T>& context, const Training<T>& training) {
  expect(training.loss && training.schedule, "[train] needs a loss and a schedule");
  expect(context.training(), "[train] needs a context made with Context::for_training");
}

/// A step of one process on one batch: the gradients stay where they are.
template <class T>
StepReport train_step(Context<T>& context, Optimizer<T>& optimizer, const Training<T>& training,
                      int64_t step) {
  StepReport report{step, 0, training.schedule(step), 0, {}};
  const PassAt at{.step = step, .rng = context.rng()};
  run_pass(context, training, at, [&](double loss, double norm) {
    report.loss = loss;
    report.gradient_norm = norm;
    if (training.count) report.counts = training.count();
    optimizer.step(context, report.learning_rate, clip_scale(norm, training.max_gradient_norm));
    context.commit();
  });
  return report;
}

/// Process 0 decides, once it is done with what it does between steps.
template <class T>
bool goes_on(Communicator& ranks, const Training<T>& training, const StepReport& report) {
  return ranks.broadcast(!training.on_step || training.on_step(report));
}

}  // namespace

template <class T>
int64_t train(Context<T>& context, Optimizer<T>& optimizer, const Training<T>& training,
              int64_t first, int64_t end) {
  check(context, training);
  if (training.micro_batches == 1) {
    for (int64_t step = first; step < end; ++step) {
      const StepReport report = train_step(context, optimizer, training, step);
      if (training.on_step && !training.on_step(report)) return step + 1;
    }
    return std::max(first, end);
  }
  Alone alone;
  return train_shared(context, optimizer, training, alone, first, end);
}

template <class T>
int64_t train_shared(Context<T>& context, Optimizer<T>& optimizer, const Training<T>& training,
                     Communicator& ranks, int64_t first, int64_t end) {
  check(context, training);
  SharedStep<T> shared(context, optimizer, training, ranks);
  for (int64_t step = first; step < end; ++step) {
    if (!goes_on(ranks, training, shared.run(step))) return step + 1;
  }
  return std::max(first, end);
}

template int64_t train(Context<float>&, Optimizer<float>&, const Training<float>&, int64_t,
                       int64_t);
template int64_t train(Context<double>&, Optimizer<double>&, const Training<double>&, int64_t,
                       int64_t);
template int64_t train_shared(Context<float>&, Optimizer<float>&, const Training<float>&,
                              Communicator&, int64_t, int64_t);
template int64_t train_shared(Context<double>&, Optimizer<double>&, const Training<double>&,
                              Communicator&, int64_t, int64_t);

}  // namespace talweg::nn
