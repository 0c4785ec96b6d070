// The linear energy, which has a distribution on a box and none beyond.
#pragma once

#include <vector>

#include "ebm/energy.h"

namespace talweg::ebm {

/// E(y) = b . y + a. dE/dy = b. Its Z is infinite on all of R^D, for any b; on a box it is finite.
class Linear {
 public:
  explicit Linear(std::vector<double> slope, double offset = 0);

  template <class T> Var<T> operator()(const Arguments<T>& at) const;

  /// log Z over the box low <= y_d <= high: -beta a + sum_d log of the integral of e^{-beta b_d y},
  /// (e^{-beta b low} - e^{-beta b high}) / (beta b), or high - low where b = 0. Throws Error where
  /// the box is not bounded: there is no Z.
  double log_partition(double beta, double low, double high) const;

 private:
  std::vector<double> slope_;
  double offset_;
};

}  // namespace talweg::ebm
