// The training loop: loss, gradients, checks, update; again.
//
//   auto context = Context<float>::for_training(tape, parameters, Rng(seed));
//   AdamW<float> optimizer(parameters);
//   train<float>(context, optimizer, {.loss = loss, .schedule = WarmupCosine{3e-3, 0, 20, 500}}, 0,
//   500);
#pragma once

#include <array>
#include <functional>
#include <limits>

#include "nn/communicator.h"
#include "nn/context.h"
#include "nn/optim.h"

namespace talweg::nn {

/// What a step was like.
struct StepReport {
  int64_t step = 0;  ///< from 0
  double loss = 0;
  double learning_rate = 0;
  double gradient_norm = 0;         ///< before clipping
  std::array<int64_t, 2> counts{};  ///< what Training::count said of all its batches together
};

/// What to train, and how.
template <class T> struct Training {
  /// Builds the loss of a batch, one element, on context.tape(). The batch's number is the step, or,
  /// with micro-batches, step * micro_batches + 0, 1, ... To resume bit for bit, and to explain a
  /// failure, its data must depend on the number only: draw them from Rng(seed).split(batch).
  std::function<Var<T>(int64_t batch, Context<T>& context)> loss;
  std::function<double(int64_t step)> schedule;  ///< the learning rate
  double max_gradient_norm = std::numeric_limits<double>::infinity();
  /// Called after each step, with the parameters already moved: the place for progress, checkpoints
  /// and an end to training (return false). May be left out.
  std::function<bool(const StepReport&)> on_step = nullptr;
  /// A step's loss is the mean over so many batches, each a pass of its own from the same parameters,
  /// with a normalisation's statistics of its own: as much to learn from as one large batch, in the
  /// memory of a small one.
  int micro_batches = 1;
  /// What to count of the batch whose loss was built last. May be left out. (A few thousand: it is added
  /// up in T.)
  std::function<std::array<int64_t, 2>()> count = nullptr;
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

/// The same by several processes, which begin with the same context, optimiser and training, and end with
/// the same, bit for bit that of one. They share the micro-batches of every step; on_step is called in
/// each, and process 0's answer holds. Throws Error where they are more than the micro-batches; where
/// one throws, it is for the caller to tell the others, in whom PeerError is thrown then.
template <class T>
int64_t train_shared(Context<T>& context, Optimizer<T>& optimizer, const Training<T>& training,
                     Communicator& ranks, int64_t first, int64_t end);

}  // namespace talweg::nn
