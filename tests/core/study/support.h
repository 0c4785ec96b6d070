// What the tests of the study tools share.
#pragma once

#include <string>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"

namespace talweg {

inline Tensor<double> vec(const std::vector<double>& values) {
  return Tensor<double>({int64_t(values.size())}, std::span<const double>(values));
}

/// What f throws; empty if it does not.
template <class F> std::string error_of(F f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace talweg
