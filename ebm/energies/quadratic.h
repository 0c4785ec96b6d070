// The quadratic energy: a Gaussian in energy's clothes, with everything known exactly.
#pragma once

#include <vector>

#include "ebm/energy.h"

namespace talweg::ebm {

/// E(y) = (y - c)' A (y - c) / 2 with A symmetric and positive definite: a Gaussian in energy's
/// clothes. dE/dy = A (y - c).
class Quadratic {
 public:
  /// c[D] and A[D,D]. Throws Error unless A is square, symmetric and positive definite.
  Quadratic(Tensor<double> center, Tensor<double> stiffness);
  /// A = stiffness I. Throws Error unless stiffness > 0.
  static Quadratic isotropic(double stiffness, std::vector<double> center);

  template <class T> Var<T> operator()(const Arguments<T>& at) const;

  const Tensor<double>& center() const { return center_; }        ///< the mean and the minimum
  const Tensor<double>& stiffness() const { return stiffness_; }  ///< A
  int64_t dimensions() const { return center_.size(); }
  /// log Z = (D/2) log(2 pi / beta) - log(det A) / 2.
  double log_partition(double beta) const;
  Tensor<double> covariance(double beta) const;  ///< A^-1 / beta
  double mean_energy(double beta) const;         ///< D / (2 beta), whatever A: equipartition

 private:
  Tensor<double> center_, stiffness_, cholesky_;
};

}  // namespace talweg::ebm
