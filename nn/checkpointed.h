// A part of a network that keeps no values between its input and its output: they are computed again
// in the backward pass. Loss and gradients are those of the plain part, bit for bit.
//
//   Sequential<float> block;
//   block.add(Conv2d<float>(parameters, "conv3", ...)).add(BatchNorm<float>(...)).add(ReLU<float>());
//   net.add(Checkpointed<float>(parameters, std::move(block)));
#pragma once

#include "nn/layers.h"

namespace talweg::nn {

/// The layers of `segment` as one op, checkpoint() of core/study/checkpoint.h, whose inputs are x
/// and the parameters they use. Dropout drops the same elements both times, and running averages
/// follow a batch once. Outside training the segment runs as it is: there is nothing to keep.
///
/// The backward pass must come before the context's next begin_step(), and the layer must stay as
/// long: the tape refers to both.
template <class T> class Checkpointed final : public Layer<T> {
 public:
  /// `parameters` are those that the segment was made with; which of them it uses, it is asked once.
  Checkpointed(const Parameters<T>& parameters, Sequential<T> segment);

  Var<T> forward(Context<T>& context, Var<T> x) const override;
  std::string describe() const override;  ///< "checkpointed:" and the layers', a line each
  LayerPtr<T> transfer(const Parameters<T>& from, Parameters<T>& to) const override;

  const Sequential<T>& segment() const { return segment_; }

 private:
  Sequential<T> segment_;
  std::vector<int> ids_;  // the parameters it uses
};

extern template class Checkpointed<float>;
extern template class Checkpointed<double>;

}  // namespace talweg::nn
