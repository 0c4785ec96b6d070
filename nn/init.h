// How weights begin.
#pragma once

#include "core/rng.h"
#include "core/tensor.h"

namespace talweg::nn {

/// Kaiming initialisation: independent normal numbers of mean 0 and variance 2 / fan_in, where
/// fan_in counts the inputs that one output sums over. With ReLU behind it, a layer then keeps the
/// second moment of its input. Source: He et al. 2015, "Delving Deep into Rectifiers", eq. 10.
template <class T> Tensor<T> kaiming_normal(const Shape& shape, int64_t fan_in, Rng& rng) {
  expect(fan_in > 0, "[kaiming_normal] fan-in is ", fan_in, " for shape ", shape,
         "; a weight needs at least one input");
  const double deviation = std::sqrt(2.0 / double(fan_in));
  Tensor<T> w(shape);
  for (T& value : w.values()) value = T(deviation * rng.normal());
  return w;
}

}  // namespace talweg::nn
