// A training step on several micro-batches, in one process or shared among many. Inside of nn/trainer.h.
#pragma once

#include <span>
#include <vector>

#include "nn/trainer.h"
#include "nn/tree_sum.h"

namespace talweg::nn {

/// The mean of loss, gradients and next running averages over a step's micro-batches, each a pass of its
/// own from the same parameters, is what the step is taken with. It is a TreeSum: the bits are those of
/// one process, whoever runs which pass, and every process takes the same step.
template <class T> class SharedStep {
 public:
  /// All must outlive it. Throws Error where there are more processes than micro-batches.
  SharedStep(Context<T>& context, Optimizer<T>& optimizer, const Training<T>& training,
             Communicator& ranks);

  /// Throws as train() does, and leaves everything as the step before left it, where a pass of this
  /// process fails, or a sum is not finite; or, PeerError, where another process failed. Allocates
  /// nothing after the first time.
  StepReport run(int64_t step);

 private:
  void one(int64_t step, const Rng& rng, int part, std::span<T> to);
  void lend_mean();
  /// Where the numbers of parameter `id` are among a part's.
  std::size_t begin_of(int id) const { return begins_[std::size_t(id)]; }

  Context<T>& context_;
  Optimizer<T>& optimizer_;
  const Training<T>& training_;
  TreeSum<T> sum_;
  // A part: of each parameter the gradient, or the next running average, aligned as in a tensor of its
  // own; of each, 1 where the pass used it; the loss; what was counted.
  std::vector<std::size_t> begins_;
  Tensor<T> total_;
  std::vector<std::span<const T>> gradients_;
};

extern template class SharedStep<float>;
extern template class SharedStep<double>;

}  // namespace talweg::nn
