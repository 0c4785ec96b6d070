// Layers: architecture without weights. A layer knows the ids of its parameters, and finds their
// values through the Context of a pass; it is immutable, so that threads share it.
//
//   Parameters<float> parameters;
//   Rng rng(seed);
//   Sequential<float> net;
//   net.add(Conv2d<float>(parameters, "conv1", {.in = 1, .out = 16, .pad_h = 1, .pad_w = 1}, rng));
//   net.add(BatchNorm<float>(parameters, "norm1", 16));
//   net.add(ReLU<float>());
//   Var<float> y = net.forward(context, x);
//
// Images are x[N,H,W,C]. Weights begin as kaiming_normal draws them, biases at 0.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/kernels/kernels.h"
#include "nn/context.h"

namespace talweg {
struct Conv2dOptions;  // core/ops/conv2d.h
struct Conv2dThen;     // core/ops/conv2d_fused.h
}  // namespace talweg

namespace talweg::nn {

template <class T> class Layer {
 public:
  virtual ~Layer() = default;
  /// y = layer(x) on the context's tape. Throws Error where x's shape does not fit.
  virtual Var<T> forward(Context<T>& context, Var<T> x) const = 0;
  /// A line for people, such as "Conv2d 3x3 1->16".
  virtual std::string describe() const = 0;
  /// The same layer over copies of its parameters, which are added to `to`.
  virtual std::shared_ptr<const Layer> transfer(const Parameters<T>& from,
                                                Parameters<T>& to) const = 0;
};

template <class T> using LayerPtr = std::shared_ptr<const Layer<T>>;

/// Layers one after another. A Conv2d, the ReLU behind it and the MaxPool behind that, where its
/// windows lie side by side and hold at most 2x2 pixels, are computed at once (conv_bias_relu_pool),
/// with the numbers that they give one by one; so are a Conv2d and a ReLU.
template <class T> class Sequential : public Layer<T> {
 public:
  template <class L> Sequential& add(L layer) {
    layers_.push_back(std::make_shared<const L>(std::move(layer)));
    return *this;
  }
  Sequential& add(LayerPtr<T> layer) {
    layers_.push_back(std::move(layer));
    return *this;
  }
  const std::vector<LayerPtr<T>>& layers() const { return layers_; }

  Var<T> forward(Context<T>& context, Var<T> x) const override;
  std::string describe() const override;  ///< one line a layer
  LayerPtr<T> transfer(const Parameters<T>& from, Parameters<T>& to) const override;

 private:
  std::vector<LayerPtr<T>> layers_;
};

/// y = x + branch(x): what the branch learns is a correction, and the gradient has a way past it.
/// Source: He et al. 2016, "Deep residual learning for image recognition", eq. 1.
template <class T> class Residual : public Layer<T> {
 public:
  explicit Residual(Sequential<T> branch) : branch_(std::move(branch)) {}
  /// Throws Error unless the branch keeps the shape of x.
  Var<T> forward(Context<T>& context, Var<T> x) const override;
  std::string describe() const override;
  LayerPtr<T> transfer(const Parameters<T>& from, Parameters<T>& to) const override;

  const Sequential<T>& branch() const { return branch_; }

 private:
  Sequential<T> branch_;
};

struct Conv2dConfig {
  int64_t in = 1, out = 1;  ///< channels
  int64_t kh = 3, kw = 3;
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_h = 0, pad_w = 0;
  int64_t dilation_h = 1, dilation_w = 1;
  bool bias = true;  ///< leave it out before a BatchNorm, which subtracts it again
  ConvAlgo algo = ConvAlgo::automatic;  ///< if not automatic, before what the Context says
};

/// How the three faces of a convolution are computed for a shape.
struct ConvChoice {
  std::string name;   ///< of the layer
  std::string layer;  ///< its describe()
  Shape input;
  kernels::Conv2dAlgo forward, backward_data, backward_weights;
  std::string note;  ///< where the algorithm asked for can't do the layer: says so
};

/// y = conv2d(x, w) + b for x[N,H,W,in], with w[out,kh,kw,in] called <name>.weight and b[out]
/// called <name>.bias; y[N,OH,OW,out].
template <class T> class Conv2d final : public Layer<T> {
 public:
  Conv2d(Parameters<T>& parameters, const std::string& name, Conv2dConfig config, Rng& rng);
  /// The layer over given values, w[out,kh,kw,in] and, where config.bias, b[out].
  Conv2d(Parameters<T>& parameters, const std::string& name, Conv2dConfig config, Tensor<T> weight,
         Tensor<T> bias);

  Var<T> forward(Context<T>& context, Var<T> x) const override;
  std::string describe() const override;
  LayerPtr<T> transfer(const Parameters<T>& from, Parameters<T>& to) const override;

  /// The layer and what follows it, in one op.
  Var<T> forward_then(Context<T>& context, Var<T> x, const Conv2dThen& then) const;
  /// What a pass of `context` does with an input of this shape.
  ConvChoice choice(const Context<T>& context, const Shape& input) const;

  const Conv2dConfig& config() const { return config_; }
  const std::string& name() const { return name_; }
  int weight() const { return weight_; }  ///< parameter ids
  int bias() const { return bias_; }      ///< -1 without one

 private:
  Conv2dOptions options(const Context<T>& context) const;

  std::string name_;
  Conv2dConfig config_;
  int weight_, bias_ = -1;
};

/// y = x w^T + b for x[N,in], with w[out,in] called <name>.weight and b[out] called <name>.bias.
template <class T> class Linear : public Layer<T> {
 public:
  Linear(Parameters<T>& parameters, const std::string& name, int64_t in, int64_t out, Rng& rng,
         bool bias = true);

  Var<T> forward(Context<T>& context, Var<T> x) const override;
  std::string describe() const override;
  LayerPtr<T> transfer(const Parameters<T>& from, Parameters<T>& to) const override;

 private:
  int64_t in_, out_;
  int weight_, bias_ = -1;
};

struct BatchNormConfig {
  double gamma = 1;  ///< where every gamma begins; 0 begins a residual branch as nothing
  double epsilon = 1e-5;
  double momentum = 0.1;  ///< of a batch in the running averages
};

/// y = gamma (x - mean) / sqrt(var + epsilon) + beta, one of each per channel (the last axis).
/// In training, mean and var are the batch's, over all other axes, and running averages follow:
///   running <- (1 - momentum) running + momentum batch,
/// with var times n / (n - 1), the unbiased estimate from n numbers. In inference they are the
/// running ones. Entries: <name>.gamma, .beta, .running_mean, .running_var. Source: Ioffe and
/// Szegedy 2015, algorithms 1 and 2.
template <class T> class BatchNorm : public Layer<T> {
 public:
  BatchNorm(Parameters<T>& parameters, const std::string& name, int64_t channels,
            BatchNormConfig config = {});

  Var<T> forward(Context<T>& context, Var<T> x) const override;
  std::string describe() const override;
  LayerPtr<T> transfer(const Parameters<T>& from, Parameters<T>& to) const override;

  int64_t channels() const { return channels_; }
  double epsilon() const { return config_.epsilon; }
  int gamma() const { return gamma_; }  ///< parameter ids
  int beta() const { return beta_; }
  int running_mean() const { return running_mean_; }
  int running_var() const { return running_var_; }

 private:
  void update_running(Context<T>& context, std::span<const T> mean, std::span<const T> var,
                      int64_t count) const;

  int64_t channels_;
  BatchNormConfig config_;
  int gamma_, beta_, running_mean_, running_var_;
};

/// In training, zeroes each element with probability p and multiplies the others by 1 / (1 - p), so
/// that the expectation stays; in inference y = x. Every pass draws a stream of its own from the
/// context. Source: Srivastava et al. 2014, the inverted form.
template <class T> class Dropout : public Layer<T> {
 public:
  /// Throws Error unless 0 <= p < 1.
  explicit Dropout(double p);
  Var<T> forward(Context<T>& context, Var<T> x) const override;
  std::string describe() const override;
  LayerPtr<T> transfer(const Parameters<T>& from, Parameters<T>& to) const override;

 private:
  double p_;
};

/// The extent of a pooling window and the step from one to the next.
struct PoolConfig {
  int64_t kh = 2, kw = 2;
  int64_t stride_h = 2, stride_w = 2;
  int64_t pad = 0;  ///< pixels on each side; zeros to a mean, nothing to a maximum

  /// Do windows lie side by side?
  bool tiles() const { return stride_h == kh && stride_w == kw && pad == 0; }
};

/// The largest number in each window of x[N,H,W,C], channel by channel.
template <class T> class MaxPool final : public Layer<T> {
 public:
  explicit MaxPool(PoolConfig config = {}) : config_(config) {}
  Var<T> forward(Context<T>& context, Var<T> x) const override;
  std::string describe() const override;
  LayerPtr<T> transfer(const Parameters<T>& from, Parameters<T>& to) const override;
  const PoolConfig& config() const { return config_; }

 private:
  PoolConfig config_;
};

/// The mean of each window of x[N,H,W,C], channel by channel.
template <class T> class AvgPool : public Layer<T> {
 public:
  explicit AvgPool(PoolConfig config = {}) : config_(config) {}
  Var<T> forward(Context<T>& context, Var<T> x) const override;
  std::string describe() const override;
  LayerPtr<T> transfer(const Parameters<T>& from, Parameters<T>& to) const override;

 private:
  PoolConfig config_;
};

/// max(x, 0).
template <class T> class ReLU final : public Layer<T> {
 public:
  Var<T> forward(Context<T>& context, Var<T> x) const override;
  std::string describe() const override { return "ReLU"; }
  LayerPtr<T> transfer(const Parameters<T>& from, Parameters<T>& to) const override;
};

/// x[N, ...] as [N, product of the rest], without a copy.
template <class T> class Flatten : public Layer<T> {
 public:
  Var<T> forward(Context<T>& context, Var<T> x) const override;
  std::string describe() const override { return "Flatten"; }
  LayerPtr<T> transfer(const Parameters<T>& from, Parameters<T>& to) const override;
};

}  // namespace talweg::nn
