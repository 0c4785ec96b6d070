// DepthwiseConv2d: a layer that filters each channel for itself; a 1x1 Conv2d behind it mixes them.
#pragma once

#include <string>

#include "nn/layers.h"

namespace talweg::nn {

struct DepthwiseConv2dConfig {
  int64_t channels = 1;
  int64_t kh = 3, kw = 3;
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_h = 0, pad_w = 0;
  int64_t dilation_h = 1, dilation_w = 1;
  bool bias = true;  ///< leave it out before a BatchNorm, which subtracts it again
};

/// y = depthwise_conv2d(x, w) + b for x[N,H,W,channels], with w[kh,kw,channels] called
/// <name>.weight and b[channels] called <name>.bias; y[N,OH,OW,channels].
template <class T> class DepthwiseConv2d : public Layer<T> {
 public:
  DepthwiseConv2d(Parameters<T>& parameters, const std::string& name, DepthwiseConv2dConfig config,
                  Rng& rng);

  Var<T> forward(Context<T>& context, Var<T> x) const override;
  std::string describe() const override;
  LayerPtr<T> transfer(const Parameters<T>& from, Parameters<T>& to) const override;

  const DepthwiseConv2dConfig& config() const { return config_; }
  int weight() const { return weight_; }  ///< parameter ids
  int bias() const { return bias_; }      ///< -1 without one

 private:
  DepthwiseConv2dConfig config_;
  int weight_ = -1, bias_ = -1;
};

}  // namespace talweg::nn
