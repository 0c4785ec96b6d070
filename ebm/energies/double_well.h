// Two wells and a barrier: the smallest energy with more than one minimum.
#pragma once

#include <vector>

#include "ebm/energy.h"

namespace talweg::ebm {

/// Two wells and a barrier, in any number of dimensions:
///   E(y) = h ((y_1/s)^2 - 1)^2 + t y_1 + (k/2) sum_{d>1} y_d^2.
/// With tilt t = 0 the minima are (+-s, 0, ...), of energy 0, and the saddle between is 0, of
/// energy h. dE/dy_1 = (4h/s) u (u^2 - 1) + t with u = y_1/s.
class DoubleWell {
 public:
  struct Form {
    double barrier = 1;    ///< h > 0
    double distance = 1;   ///< s > 0, from the saddle to a well
    double tilt = 0;       ///< t; small enough that both wells stay, |t| s / 4h < 2 / (3 sqrt 3)
    double stiffness = 1;  ///< k > 0
  };
  /// Throws Error where the form's conditions are not met.
  explicit DoubleWell(Form form);

  template <class T> Var<T> operator()(const Arguments<T>& at) const;

  const Form& form() const { return form_; }
  /// y_1 of the left well, the saddle and the right one: the roots of u^3 - u + ts/4h = 0, times s,
  /// (2/sqrt 3) cos(arccos(-(3 sqrt 3/2) ts/4h)/3 - 2 pi j/3) for j = 2, 1, 0. Viete 1591.
  std::vector<double> stationary_points() const;
  /// E where all y but y_1 are 0.
  double along_axis(double y1) const;
  /// log Z in D dimensions, where t = 0. With a = beta h,
  ///   integral of e^{-a (u^2 - 1)^2} du = (pi/2) e^{-a/2} (I_{-1/4}(a/2) + I_{1/4}(a/2)),
  /// from Gradshteyn and Ryzhik 3.469 with a negative quadratic term. Throws Error where t is not
  /// 0; quadrature (ebm/quadrature.h) does those.
  double log_partition(double beta, int64_t dimensions = 1) const;

 private:
  Form form_;
};

}  // namespace talweg::ebm
