// What the energies' sources share: their doubles on the tape, and the check of y's width.
#pragma once

#include <algorithm>
#include <span>

#include "core/tape.h"

namespace talweg::ebm {

/// `values` as a constant of the tape's scalar type.
template <class T>
Var<T> constant_of(Tape<T>& tape, const Shape& shape, std::span<const double> values) {
  Tensor<T> rounded(shape);
  std::transform(values.begin(), values.end(), rounded.data(),
                 [](double v) { return static_cast<T>(v); });
  return tape.constant(rounded);
}

/// Throws Error unless y is [N, dimensions].
template <class T> void check_width(const char* energy, Var<T> y, int64_t dimensions) {
  expect(y.shape().rank() == 2 && y.shape()[1] == dimensions, "[", energy, "] has ", dimensions,
         " dimensions but y has shape ", y.shape(), "; y must be [N,", dimensions, "]");
}

}  // namespace talweg::ebm
