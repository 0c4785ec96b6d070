// One pass of training: loss, gradients, and the checks that say what is wrong with them. Inside of
// nn/trainer.h and nn/shared_step.h.
#pragma once

#include <cmath>
#include <string>

#include "core/study/anomaly.h"
#include "core/study/non_finite.h"
#include "nn/trainer.h"

namespace talweg::nn {

/// Which pass, so that it can be repeated.
struct PassAt {
  int64_t step = 0;
  int part = 0, parts = 1;  ///< which of its micro-batches
  Rng rng;                  ///< of the context, before begin_step()

  /// What Training::loss is asked for.
  int64_t batch() const { return step * parts + part; }
  /// For messages.
  std::string where() const {
    return message("step ", step,
                   parts == 1 ? "" : message(", micro-batch ", part + 1, " of ", parts));
  }
};

/// Runs the pass again, watched: what Anomaly says of it; empty if nothing happens this time.
template <class T>
std::string run_watched(Context<T>& context, const Training<T>& training, const PassAt& at) {
  try {
    const TapeScope<T> scope(context.tape());
    Anomaly<T> watch(context.tape());
    context.set_rng(at.rng);
    context.begin_step();
    const Var<T> loss = training.loss(at.batch(), context);
    watch.check();
    if (loss.needs_grad()) context.tape().backward(loss);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// The last words of a pass that failed: what is wrong, and which op made it so. `guess` is said where
/// it does not fail again.
template <class T>
[[noreturn]] void fail(Context<T>& context, const Training<T>& training, const PassAt& at,
                       const std::string& what, const std::string& guess) {
  std::string culprit = run_watched(context, training, at);
  if (culprit.empty()) culprit = guess;
  context.begin_step();  // forgets what was staged
  context.set_rng(at.rng);
  throw Error(message("[train] ", at.where(), ": ", what, culprit.empty() ? "" : "; ", culprit,
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

/// Runs the pass and lends what it left in the context, while its tape stands, to use(loss, norm of the
/// gradient). Throws Error, without a trace of the pass, where one of them is not finite.
template <class T, class Use>
void run_pass(Context<T>& context, const Training<T>& training, const PassAt& at, const Use& use) {
  std::string failure, guess;
  {
    const TapeScope<T> scope(context.tape());
    context.set_rng(at.rng);
    context.begin_step();
    Var<T> loss = training.loss(at.batch(), context);
    if (loss.size() != 1) {
      throw Error(message("[train] ", at.where(), ": the loss has shape ", loss.shape(),
                          "; reduce it to one element with mean() or sum()"));
    }
    const double value = double(loss.item());
    if (std::isfinite(value)) {
      context.tape().backward(loss);
      const double norm = norm_or_failure(context, failure);
      if (failure.empty()) return use(value, norm);
    } else {
      failure = message("the loss is ", loss.item());
      const Var<T> first = first_non_finite(context.tape());
      guess = message("the first value that is not finite came from ", first.op(), " (shape ",
                      first.shape(), ")");
    }
  }
  fail(context, training, at, failure, guess);
}

}  // namespace talweg::nn
