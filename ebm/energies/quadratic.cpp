#include "ebm/energies/quadratic.h"

#include <cmath>
#include <numbers>

#include "core/ops/matmul.h"
#include "core/ops/reduce.h"
#include "ebm/beta.h"
#include "ebm/energies/constants.h"
#include "ebm/matrix.h"

namespace talweg::ebm {

namespace {

using std::numbers::pi;

}  // namespace

Quadratic::Quadratic(Tensor<double> center, Tensor<double> stiffness)
    : center_(std::move(center)), stiffness_(std::move(stiffness)) {
  const int64_t d = center_.size();
  expect(center_.shape().rank() == 1 && d > 0 && stiffness_.shape() == Shape{d, d},
         "[quadratic] the centre ", center_.shape(), " and the stiffness ", stiffness_.shape(),
         " must be [D] and [D,D]");
  for (int64_t i = 0; i < d; ++i) {
    for (int64_t j = 0; j < i; ++j) {
      expect(stiffness_[i * d + j] == stiffness_[j * d + i], "[quadratic] the stiffness is not ",
             "symmetric in row ", i, ", column ", j,
             "; give (A + A') / 2, which is the same energy");
    }
  }
  cholesky_ = cholesky(stiffness_);
  expect(cholesky_.size() > 0, "[quadratic] the stiffness is not positive definite, so the energy ",
         "has no lowest point and no distribution");
}

Quadratic Quadratic::isotropic(double stiffness, std::vector<double> center) {
  const int64_t d = std::ssize(center);
  Tensor<double> a({d, d});
  for (int64_t i = 0; i < d; ++i) a[i * d + i] = stiffness;
  return Quadratic(Tensor<double>({d}, center), std::move(a));
}

template <class T> Var<T> Quadratic::operator()(const Arguments<T>& at) const {
  check_width("quadratic", at.y, dimensions());
  const Var<T> from_center = at.y - constant_of(at.tape(), center_.shape(), center_.values());
  const Var<T> a = constant_of(at.tape(), stiffness_.shape(), stiffness_.values());
  return T(0.5) * sum(from_center * matmul(from_center, a), -1);
}

double Quadratic::log_partition(double beta) const {
  check_beta("quadratic", beta);
  return 0.5 * static_cast<double>(dimensions()) * std::log(2 * pi / beta) -
         0.5 * log_det_from_cholesky(cholesky_);
}

Tensor<double> Quadratic::covariance(double beta) const {
  check_beta("quadratic", beta);
  Tensor<double> c = inverse_from_cholesky(cholesky_);
  for (double& v : c.values()) v /= beta;
  return c;
}

double Quadratic::mean_energy(double beta) const {
  check_beta("quadratic", beta);
  return static_cast<double>(dimensions()) / (2 * beta);
}

template Var<float> Quadratic::operator()(const Arguments<float>&) const;
template Var<double> Quadratic::operator()(const Arguments<double>&) const;

}  // namespace talweg::ebm
