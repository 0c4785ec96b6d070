#include "ebm/energies/double_well.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/ops/reduce.h"
#include "ebm/beta.h"

namespace talweg::ebm {

namespace {

using std::numbers::pi;

/// ts/4h, whose size decides whether there are two wells.
double relative_tilt(const DoubleWell::Form& f) { return f.tilt * f.distance / (4 * f.barrier); }

/// The modified Bessel function I of order -1/4, which the library offers for positive orders only.
double bessel_i_minus_quarter(double x) {
  return std::cyl_bessel_i(0.25, x) + 2 / pi * std::sin(pi / 4) * std::cyl_bessel_k(0.25, x);
}

}  // namespace

DoubleWell::DoubleWell(Form form) : form_(form) {
  expect(form.barrier > 0 && form.distance > 0 && form.stiffness > 0, "[double well] barrier ",
         form.barrier, ", distance ", form.distance, " and stiffness ", form.stiffness,
         " must all be above 0");
  const double most = 2 / (3 * std::sqrt(3.0));
  expect(std::abs(relative_tilt(form)) < most, "[double well] a tilt of ", form.tilt,
         " leaves one well; it must stay below ", most * 4 * form.barrier / form.distance);
}

template <class T> Var<T> DoubleWell::operator()(const Arguments<T>& at) const {
  expect(at.y.shape().rank() == 2 && at.y.shape()[1] >= 1, "[double well] y must be [N,D], found ",
         at.y.shape());
  const int64_t n = at.rows(), d = at.y.shape()[1];
  const Var<T> first = reshape(slice(at.y, 1, 0, 1), {n});
  const Var<T> u2 = static_cast<T>(1 / (form_.distance * form_.distance)) * square(first);
  Var<T> e = static_cast<T>(form_.barrier) * square(u2 - T(1));
  if (form_.tilt != 0) e = e + static_cast<T>(form_.tilt) * first;
  if (d == 1) return e;
  return e + static_cast<T>(form_.stiffness / 2) * sum(square(slice(at.y, 1, 1, d - 1)), -1);
}

std::vector<double> DoubleWell::stationary_points() const {
  const double q = std::clamp(-1.5 * std::sqrt(3.0) * relative_tilt(form_), -1.0, 1.0);
  std::vector<double> points;
  for (const int j : {2, 1, 0}) {
    points.push_back(form_.distance * 2 / std::sqrt(3.0) *
                     std::cos(std::acos(q) / 3 - 2 * pi * j / 3));
  }
  std::sort(points.begin(), points.end());
  return points;
}

double DoubleWell::along_axis(double y1) const {
  const double u = y1 / form_.distance, v = u * u - 1;
  return form_.barrier * v * v + form_.tilt * y1;
}

double DoubleWell::log_partition(double beta, int64_t dimensions) const {
  check_beta("double well", beta);
  expect(dimensions >= 1, "[double well] needs at least one dimension, found ", dimensions);
  expect(form_.tilt == 0, "[double well] with a tilt of ", form_.tilt,
         " has no closed log Z; take quadrature");
  const double half = beta * form_.barrier / 2;
  // I grows like e^x; where that overflows, its expansion's first terms are exact to 1e-10.
  const double log_bessel =
      half < 600 ? std::log(bessel_i_minus_quarter(half) + std::cyl_bessel_i(0.25, half))
                 : half + std::log(2 / std::sqrt(2 * pi * half)) +
                       std::log1p(3.0 / 32 / half + 105.0 / 2048 / (half * half));
  return std::log(form_.distance * pi / 2) - half + log_bessel +
         0.5 * static_cast<double>(dimensions - 1) * std::log(2 * pi / (beta * form_.stiffness));
}

template Var<float> DoubleWell::operator()(const Arguments<float>&) const;
template Var<double> DoubleWell::operator()(const Arguments<double>&) const;

}  // namespace talweg::ebm
