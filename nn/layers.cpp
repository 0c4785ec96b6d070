#include "nn/layers.h"

#include "core/ops/conv2d_fused.h"
#include "core/ops/elementwise.h"
#include "core/ops/matmul.h"
#include "core/ops/norm.h"
#include "core/ops/pool.h"
#include "core/ops/shape_ops.h"
#include "nn/init.h"

namespace talweg::nn {
namespace {

/// Adds a copy of entry `id` of `from` and returns its id there; -1 stays -1.
template <class T> int copy_parameter(const Parameters<T>& from, int id, Parameters<T>& to) {
  return id < 0 ? -1 : to.add(from[id]);
}

std::string by(int64_t a, int64_t b) { return message(a, "x", b); }

std::string describe_pool(const char* kind, const PoolConfig& c) {
  std::string text = kind + by(c.kh, c.kw) + " stride " + by(c.stride_h, c.stride_w);
  return c.pad ? message(text, " pad ", c.pad) : text;
}

/// What a convolution's kernel can do of the layers behind it, and how many layers that are.
struct Fusion {
  Conv2dThen then;
  std::size_t layers = 0;
};
template <class T> Fusion fusion(std::span<const LayerPtr<T>> behind) {
  Fusion f;
  if (behind.empty() || !dynamic_cast<const ReLU<T>*>(behind[0].get())) return f;
  f.then.relu = true;
  f.layers = 1;
  if (behind.size() < 2) return f;
  const auto* pool = dynamic_cast<const MaxPool<T>*>(behind[1].get());
  if (!pool || !pool->config().tiles()) return f;
  if (!can_fuse_pool(pool->config().kh, pool->config().kw)) return f;
  f.then.pool_h = pool->config().kh;
  f.then.pool_w = pool->config().kw;
  f.layers = 2;
  return f;
}

}  // namespace

// --- Sequential ---

template <class T> Var<T> Sequential<T>::forward(Context<T>& context, Var<T> x) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const auto* conv = dynamic_cast<const Conv2d<T>*>(layers_[i].get());
    if (!conv) {
      x = layers_[i]->forward(context, x);
      continue;
    }
    const Fusion f = fusion(std::span(layers_).subspan(i + 1));
    x = conv->forward_then(context, x, f.then);
    i += f.layers;
  }
  return x;
}

template <class T> std::string Sequential<T>::describe() const {
  std::string text;
  for (const LayerPtr<T>& layer : layers_) text += (text.empty() ? "" : "\n") + layer->describe();
  return text;
}

template <class T>
LayerPtr<T> Sequential<T>::transfer(const Parameters<T>& from, Parameters<T>& to) const {
  auto copy = std::make_shared<Sequential>();
  for (const LayerPtr<T>& layer : layers_) copy->add(layer->transfer(from, to));
  return copy;
}

// --- Residual ---

template <class T> Var<T> Residual<T>::forward(Context<T>& context, Var<T> x) const {
  const Var<T> y = branch_.forward(context, x);
  expect(y.shape() == x.shape(), "[Residual] the branch makes ", y.shape(), " of ", x.shape(),
         "; it must keep the shape to be added");
  return add(x, y);
}

template <class T> std::string Residual<T>::describe() const {
  std::string text = "Residual";
  for (const LayerPtr<T>& layer : branch_.layers()) text += " + " + layer->describe();
  return text;
}

template <class T>
LayerPtr<T> Residual<T>::transfer(const Parameters<T>& from, Parameters<T>& to) const {
  Sequential<T> copy;
  for (const LayerPtr<T>& layer : branch_.layers()) copy.add(layer->transfer(from, to));
  return std::make_shared<Residual>(std::move(copy));
}

// --- Conv2d ---

template <class T>
Conv2d<T>::Conv2d(Parameters<T>& parameters, const std::string& name, Conv2dConfig config, Rng& rng)
    : Conv2d(parameters, name, config,
             kaiming_normal<T>({config.out, config.kh, config.kw, config.in},
                               config.kh * config.kw * config.in, rng),
             Tensor<T>({config.out})) {}

template <class T>
Conv2d<T>::Conv2d(Parameters<T>& parameters, const std::string& name, Conv2dConfig config,
                  Tensor<T> weight, Tensor<T> bias)
    : name_(name), config_(config) {
  const Shape expected{config.out, config.kh, config.kw, config.in};
  expect(weight.shape() == expected, "[Conv2d] ", name, ": weight of shape ", weight.shape(),
         " given, ", expected, " expected");
  weight_ = parameters.add(name + ".weight", std::move(weight), ParameterKind::weight);
  if (!config.bias) return;
  expect(bias.shape() == Shape{config.out}, "[Conv2d] ", name, ": bias of shape ", bias.shape(),
         " given, ", Shape{config.out}, " expected");
  bias_ = parameters.add(name + ".bias", std::move(bias), ParameterKind::bias);
}

template <class T> Var<T> Conv2d<T>::forward(Context<T>& context, Var<T> x) const {
  return forward_then(context, x, {});
}

template <class T>
Var<T> Conv2d<T>::forward_then(Context<T>& context, Var<T> x, const Conv2dThen& then) const {
  const Var<T> bias = bias_ < 0 ? Var<T>() : context.leaf(bias_);
  return conv2d_then(x, context.leaf(weight_), bias, options(context), then);
}

template <class T> Conv2dOptions Conv2d<T>::options(const Context<T>& context) const {
  const Conv2dConfig& c = config_;
  Conv2dOptions o{.stride_h = c.stride_h,
                  .stride_w = c.stride_w,
                  .pad_h = c.pad_h,
                  .pad_w = c.pad_w,
                  .dilation_h = c.dilation_h,
                  .dilation_w = c.dilation_w,
                  .algo = c.algo};
  if (c.algo == ConvAlgo::automatic) {
    o.algo =
        can_compute(context.conv_algo(), c.kh, c.kw, o) ? context.conv_algo() : ConvAlgo::direct;
  }
  return o;
}

template <class T>
ConvChoice Conv2d<T>::choice(const Context<T>& context, const Shape& input) const {
  const Conv2dOptions o = options(context);
  const auto s = conv2d_shape("conv2d", input, context.parameters()[weight_].value.shape(), o);
  const auto of = [&](kernels::Conv2dFace face) { return resolve_algo("conv2d", o, s, face); };
  const ConvAlgo asked = context.conv_algo();
  const bool other = config_.algo == ConvAlgo::automatic && o.algo != asked;
  return {name_,
          describe(),
          input,
          of(kernels::Conv2dFace::forward),
          of(kernels::Conv2dFace::backward_data),
          of(kernels::Conv2dFace::backward_weights),
          other ? message(conv_algo_name(asked), " is for 3x3 kernels with stride 1") : ""};
}

template <class T> std::string Conv2d<T>::describe() const {
  const Conv2dConfig& c = config_;
  std::string text = message("Conv2d ", by(c.kh, c.kw), " ", c.in, "->", c.out);
  if (c.stride_h * c.stride_w != 1) text += " stride " + by(c.stride_h, c.stride_w);
  if (c.pad_h + c.pad_w != 0) text += " pad " + by(c.pad_h, c.pad_w);
  if (c.dilation_h * c.dilation_w != 1) text += " dilation " + by(c.dilation_h, c.dilation_w);
  return c.bias ? text + " bias" : text;
}

template <class T>
LayerPtr<T> Conv2d<T>::transfer(const Parameters<T>& from, Parameters<T>& to) const {
  auto copy = std::make_shared<Conv2d>(*this);
  copy->weight_ = copy_parameter(from, weight_, to);
  copy->bias_ = copy_parameter(from, bias_, to);
  return copy;
}

// --- Linear ---

template <class T>
Linear<T>::Linear(Parameters<T>& parameters, const std::string& name, int64_t in, int64_t out,
                  Rng& rng, bool bias)
    : in_(in), out_(out) {
  weight_ = parameters.add(name + ".weight", kaiming_normal<T>({out, in}, in, rng),
                           ParameterKind::weight);
  if (bias) bias_ = parameters.add(name + ".bias", Tensor<T>({out}), ParameterKind::bias);
}

template <class T> Var<T> Linear<T>::forward(Context<T>& context, Var<T> x) const {
  Var<T> y = matmul(x, context.leaf(weight_), false, true);
  return bias_ < 0 ? y : add(y, context.leaf(bias_));
}

template <class T> std::string Linear<T>::describe() const {
  return message("Linear ", in_, "->", out_, bias_ < 0 ? "" : " bias");
}

template <class T>
LayerPtr<T> Linear<T>::transfer(const Parameters<T>& from, Parameters<T>& to) const {
  auto copy = std::make_shared<Linear>(*this);
  copy->weight_ = copy_parameter(from, weight_, to);
  copy->bias_ = copy_parameter(from, bias_, to);
  return copy;
}

// --- BatchNorm ---

template <class T>
BatchNorm<T>::BatchNorm(Parameters<T>& parameters, const std::string& name, int64_t channels,
                        BatchNormConfig config)
    : channels_(channels), config_(config) {
  expect(config.epsilon > 0, "[BatchNorm] ", name, ": epsilon must be positive, found ",
         config.epsilon);
  expect(0 < config.momentum && config.momentum <= 1, "[BatchNorm] ", name,
         ": momentum must be in (0, 1], found ", config.momentum);
  const auto entry = [&](const char* suffix, T value, ParameterKind kind) {
    return parameters.add(name + suffix, Tensor<T>({channels}, value), kind);
  };
  gamma_ = entry(".gamma", T(config.gamma), ParameterKind::bias);
  beta_ = entry(".beta", T(0), ParameterKind::bias);
  running_mean_ = entry(".running_mean", T(0), ParameterKind::running);
  running_var_ = entry(".running_var", T(1), ParameterKind::running);
}

template <class T> Var<T> BatchNorm<T>::forward(Context<T>& context, Var<T> x) const {
  Var<T> gamma = context.leaf(gamma_), beta = context.leaf(beta_);
  if (!context.training()) {
    return normalize_with(x, context.leaf(running_mean_), context.leaf(running_var_), gamma, beta,
                          T(config_.epsilon));
  }
  const auto [y, mean, var] = batch_norm(x, gamma, beta, T(config_.epsilon));
  update_running(context, mean, var, x.size() / channels_);
  return y;
}

template <class T>
void BatchNorm<T>::update_running(Context<T>& context, std::span<const T> mean,
                                  std::span<const T> var, int64_t count) const {
  const T momentum = T(config_.momentum);
  const T unbiased = count > 1 ? T(count) / T(count - 1) : T(1);
  T* running_mean = context.stage(running_mean_).data();
  T* running_var = context.stage(running_var_).data();
  for (int64_t c = 0; c < channels_; ++c) {
    running_mean[c] += momentum * (mean[std::size_t(c)] - running_mean[c]);
    running_var[c] += momentum * (unbiased * var[std::size_t(c)] - running_var[c]);
  }
}

template <class T> std::string BatchNorm<T>::describe() const {
  return message("BatchNorm ", channels_);
}

template <class T>
LayerPtr<T> BatchNorm<T>::transfer(const Parameters<T>& from, Parameters<T>& to) const {
  auto copy = std::make_shared<BatchNorm>(*this);
  for (int BatchNorm::*id : {&BatchNorm::gamma_, &BatchNorm::beta_, &BatchNorm::running_mean_,
                             &BatchNorm::running_var_}) {
    (*copy).*id = copy_parameter(from, this->*id, to);
  }
  return copy;
}

// --- layers without parameters ---

template <class T> Dropout<T>::Dropout(double p) : p_(p) {
  expect(0 <= p && p < 1, "[Dropout] the probability to drop must be in [0, 1), found ", p);
}

template <class T> Var<T> Dropout<T>::forward(Context<T>& context, Var<T> x) const {
  if (!context.training()) return x;
  Rng rng = context.next_stream();
  const T keep = T(1 / (1 - p_));
  Var<T> mask = context.tape().make("dropout_mask", x.shape());
  for (T& m : mask.values()) m = rng.uniform() < p_ ? T(0) : keep;
  return mul(x, mask);
}

template <class T> std::string Dropout<T>::describe() const { return message("Dropout ", p_); }

template <class T> LayerPtr<T> Dropout<T>::transfer(const Parameters<T>&, Parameters<T>&) const {
  return std::make_shared<Dropout>(*this);
}

template <class T> Var<T> MaxPool<T>::forward(Context<T>&, Var<T> x) const {
  return max_pool2d(x, config_.kh, config_.kw, config_.stride_h, config_.stride_w, config_.pad);
}

template <class T> std::string MaxPool<T>::describe() const {
  return describe_pool("MaxPool ", config_);
}

template <class T> LayerPtr<T> MaxPool<T>::transfer(const Parameters<T>&, Parameters<T>&) const {
  return std::make_shared<MaxPool>(*this);
}

template <class T> Var<T> AvgPool<T>::forward(Context<T>&, Var<T> x) const {
  return avg_pool2d(x, config_.kh, config_.kw, config_.stride_h, config_.stride_w, config_.pad);
}

template <class T> std::string AvgPool<T>::describe() const {
  return describe_pool("AvgPool ", config_);
}

template <class T> LayerPtr<T> AvgPool<T>::transfer(const Parameters<T>&, Parameters<T>&) const {
  return std::make_shared<AvgPool>(*this);
}

template <class T> Var<T> ReLU<T>::forward(Context<T>&, Var<T> x) const { return relu(x); }

template <class T> LayerPtr<T> ReLU<T>::transfer(const Parameters<T>&, Parameters<T>&) const {
  return std::make_shared<ReLU>(*this);
}

template <class T> Var<T> Flatten<T>::forward(Context<T>&, Var<T> x) const {
  expect(x.shape().rank() >= 1, "[Flatten] needs a batch axis, found a scalar");
  return reshape(x, {x.shape()[0], x.shape().size_between(1, x.shape().rank())});
}

template <class T> LayerPtr<T> Flatten<T>::transfer(const Parameters<T>&, Parameters<T>&) const {
  return std::make_shared<Flatten>(*this);
}

template class Sequential<float>;
template class Sequential<double>;
template class Residual<float>;
template class Residual<double>;
template class Conv2d<float>;
template class Conv2d<double>;
template class Linear<float>;
template class Linear<double>;
template class BatchNorm<float>;
template class BatchNorm<double>;
template class Dropout<float>;
template class Dropout<double>;
template class MaxPool<float>;
template class MaxPool<double>;
template class AvgPool<float>;
template class AvgPool<double>;
template class ReLU<float>;
template class ReLU<double>;
template class Flatten<float>;
template class Flatten<double>;

}  // namespace talweg::nn
