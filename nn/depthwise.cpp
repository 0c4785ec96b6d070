#include "nn/depthwise.h"

#include "core/ops/depthwise.h"
#include "core/ops/elementwise.h"
#include "nn/init.h"

namespace talweg::nn {

template <class T>
DepthwiseConv2d<T>::DepthwiseConv2d(Parameters<T>& parameters, const std::string& name,
                                    DepthwiseConv2dConfig config, Rng& rng)
    : config_(config) {
  const Shape shape{config.kh, config.kw, config.channels};
  weight_ = parameters.add(name + ".weight", kaiming_normal<T>(shape, config.kh * config.kw, rng),
                           ParameterKind::weight);
  if (!config.bias) return;
  bias_ = parameters.add(name + ".bias", Tensor<T>({config.channels}), ParameterKind::bias);
}

template <class T> Var<T> DepthwiseConv2d<T>::forward(Context<T>& context, Var<T> x) const {
  const DepthwiseConv2dConfig& c = config_;
  const Var<T> y =
      depthwise_conv2d(x, context.leaf(weight_),
                       {c.stride_h, c.stride_w, c.pad_h, c.pad_w, c.dilation_h, c.dilation_w});
  return bias_ < 0 ? y : add(y, context.leaf(bias_));
}

template <class T> std::string DepthwiseConv2d<T>::describe() const {
  const DepthwiseConv2dConfig& c = config_;
  std::string text = message("DepthwiseConv2d ", c.kh, "x", c.kw, " ", c.channels);
  if (c.stride_h * c.stride_w != 1) text += message(" stride ", c.stride_h, "x", c.stride_w);
  if (c.pad_h + c.pad_w != 0) text += message(" pad ", c.pad_h, "x", c.pad_w);
  if (c.dilation_h * c.dilation_w != 1) {
    text += message(" dilation ", c.dilation_h, "x", c.dilation_w);
  }
  return c.bias ? text + " bias" : text;
}

template <class T>
LayerPtr<T> DepthwiseConv2d<T>::transfer(const Parameters<T>& from, Parameters<T>& to) const {
  auto copy = std::make_shared<DepthwiseConv2d>(*this);
  copy->weight_ = to.add(from[weight_]);
  copy->bias_ = bias_ < 0 ? -1 : to.add(from[bias_]);
  return copy;
}

template class DepthwiseConv2d<float>;
template class DepthwiseConv2d<double>;

}  // namespace talweg::nn
