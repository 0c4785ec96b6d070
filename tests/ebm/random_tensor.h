// Normal numbers of a seed, for tests that need any tensor at all.
#pragma once

#include "core/rng.h"
#include "core/tensor.h"

namespace talweg::ebm {

inline Tensor<double> random_tensor(const Shape& shape, uint64_t seed) {
  Rng rng(seed);
  Tensor<double> t(shape);
  for (double& v : t.values()) v = rng.normal();
  return t;
}

}  // namespace talweg::ebm
