#include "nn/fold.h"

#include <cmath>

namespace talweg::nn {
namespace {

/// The one convolution that computes norm(conv(x)), under the convolution's name.
template <class T>
Conv2d<T> fold_pair(const Conv2d<T>& conv, const BatchNorm<T>& norm, Parameters<T>& from,
                    Parameters<T>& to) {
  Conv2dConfig config = conv.config();
  expect(norm.channels() == config.out, "[fold] ", conv.name(), " gives ", config.out,
         " channels, the BatchNorm behind it takes ", norm.channels());
  const Tensor<T>&gamma = from[norm.gamma()].value, &beta = from[norm.beta()].value;
  const Tensor<T>&mean = from[norm.running_mean()].value, &var = from[norm.running_var()].value;
  Tensor<T> weight = std::move(from[conv.weight()].value), bias({config.out});
  const int64_t taps = config.kh * config.kw * config.in;
  for (int64_t k = 0; k < config.out; ++k) {
    const double s = double(gamma[k]) / std::sqrt(double(var[k]) + norm.epsilon());
    const double b = config.bias ? double(from[conv.bias()].value[k]) : 0;
    bias[k] = T(s * (b - double(mean[k])) + double(beta[k]));
    for (T& w : weight.values().subspan(std::size_t(k * taps), std::size_t(taps)))
      w = T(s * double(w));
  }
  config.bias = true;
  return Conv2d<T>(to, conv.name(), config, std::move(weight), std::move(bias));
}

template <class T>
Sequential<T> fold_into(const Sequential<T>& layers, Parameters<T>& from, Parameters<T>& to) {
  Sequential<T> folded;
  const std::vector<LayerPtr<T>>& all = layers.layers();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto* conv = dynamic_cast<const Conv2d<T>*>(all[i].get());
    const auto* norm =
        i + 1 < all.size() ? dynamic_cast<const BatchNorm<T>*>(all[i + 1].get()) : nullptr;
    if (conv && norm) {
      folded.add(fold_pair(*conv, *norm, from, to));
      ++i;  // the BatchNorm is done
    } else if (const auto* inner = dynamic_cast<const Sequential<T>*>(all[i].get())) {
      folded.add(fold_into(*inner, from, to));
    } else if (const auto* around = dynamic_cast<const Residual<T>*>(all[i].get())) {
      folded.add(Residual<T>(fold_into(around->branch(), from, to)));
    } else {
      folded.add(all[i]->transfer(from, to));
    }
  }
  return folded;
}

}  // namespace

template <class T> Network<T> fold(const Sequential<T>& layers, Parameters<T> parameters) {
  Network<T> network;
  network.layers = fold_into(layers, parameters, network.parameters);
  return network;
}

template Network<float> fold(const Sequential<float>&, Parameters<float>);
template Network<double> fold(const Sequential<double>&, Parameters<double>);

}  // namespace talweg::nn
