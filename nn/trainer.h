// The training loop: loss, gradients, checks, update; again.
//
//   auto context = Context<float>::for_training(tape, parameters, Rng(seed));
//   AdamW<float> optimizer(parameters);
//   train<float>(context, optimizer, {.loss = loss, .schedule = WarmupCosine{3e-3, 0, 20, 500}}, 0,
//   500);
#pragma once

#include <functional>
#include <limits>

#include "nn/context.h"
#include "nn/optim.h"

namespace talweg::nn {

/// What a step was like.
struct StepReport {
  int64_t step = 0;  ///< from 0
  double loss = 0;
  double learning_rate = 0;
  double gradient_norm = 0;  ///< before clipping
};

/// What to train, and how.
template <class T> struct Training {
  /// Builds the step's loss, one element, on context.tape(). To resume bit for bit, and to explain a
  /// failure, its data must depend on `step` only: draw them from Rng(seed).split(step).
  std::function<Var<T>(int64_t step, Context<T>& context)> loss;
  std::function<double(int64_t step)> schedule;  ///< the learning rate
  double max_gradient_norm = std::numeric_limits<double>::infinity();
  /// Called after each step, with the parameters already moved: the place for progress, checkpoints
  /// and an end to training (return false). May be left out.
  std::function<bool(const StepReport&)> on_step = nullptr;
};

/// Runs the steps first, first + 1, ..., end - 1, each in a TapeScope of its own; returns the step
/// that would come next: `end`, or less where on_step said stop.
///
/// Throws Error, naming the step, and leaves parameters, running averages and optimiser as the step
/// before left them, where the loss or a gradient (then naming the parameter) is not finite. That
/// step is run once more, watched (core/study/anomaly.h), so that the message names the op, forward
/// or backward, that made the first such value, and its line: `loss` is asked for the same step
/// twice. Allocates nothing itself after warm-up.
template <class T>
int64_t train(Context<T>& context, Optimizer<T>& optimizer, const Training<T>& training,
              int64_t first, int64_t end);

}  // namespace talweg::nn
