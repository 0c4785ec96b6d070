// Folding: for inference, a BatchNorm behind a Conv2d is only another convolution.
#pragma once

#include "nn/layers.h"

namespace talweg::nn {

/// A network and its parameters.
template <class T> struct Network {
  Sequential<T> layers;
  Parameters<T> parameters;
};

/// The same function in inference mode, over parameters of its own, with every Conv2d that a
/// BatchNorm follows directly (also inside nested Sequentials and Residuals) made one Conv2d. With s = gamma /
/// sqrt(var + eps):
///
///   gamma (w * x + b - mean) / sqrt(var + eps) + beta  =  (s w) * x + (s (b - mean) + beta),
///
/// s scaling each output channel of w[K,KH,KW,C]. Other layers are kept. Computed in double. Weights
/// that are folded are taken over, not copied: move `parameters` here where nobody needs them any more.
template <class T> Network<T> fold(const Sequential<T>& layers, Parameters<T> parameters);

}  // namespace talweg::nn
