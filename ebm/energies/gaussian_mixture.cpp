#include "ebm/energies/gaussian_mixture.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/ops/reduce.h"
#include "core/ops/softmax.h"
#include "ebm/energies/constants.h"

namespace talweg::ebm {

namespace {

using std::numbers::pi;

double log_sum_exp(std::span<const double> x) {
  const double top = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (double v : x) sum += std::exp(v - top);
  return top + std::log(sum);
}

}  // namespace

GaussianMixture::GaussianMixture(std::vector<double> weights, Tensor<double> means,
                                 std::vector<double> variances)
    : weights_(std::move(weights)), means_(std::move(means)), variances_(std::move(variances)) {
  const int64_t k = std::ssize(weights_);
  expect(k > 0 && means_.shape().rank() == 2 && means_.shape()[0] == k && means_.shape()[1] > 0 &&
             std::ssize(variances_) == k,
         "[gaussian mixture] ", k, " weights, means ", means_.shape(), " and ", variances_.size(),
         " variances must be K, [K,D] and K");
  double total = 0;
  for (int64_t i = 0; i < k; ++i) {
    expect(weights_[i] > 0 && variances_[i] > 0, "[gaussian mixture] weight ", weights_[i],
           " and variance ", variances_[i], " of component ", i, " must be above 0");
    total += weights_[i];
  }
  for (double& w : weights_) w /= total;
}

template <class T> Var<T> GaussianMixture::operator()(const Arguments<T>& at) const {
  const int64_t k = std::ssize(weights_), d = dimensions(), n = at.rows();
  check_width("gaussian mixture", at.y, d);
  Tape<T>& tape = at.tape();
  std::vector<double> log_front, half_precision;
  for (int64_t i = 0; i < k; ++i) {
    log_front.push_back(std::log(weights_[i]) - 0.5 * d * std::log(2 * pi * variances_[i]));
    half_precision.push_back(-0.5 / variances_[i]);
  }
  const Var<T> apart =
      reshape(at.y, {n, 1, d}) - constant_of(tape, means_.shape(), means_.values());
  const Var<T> exponent = sum(square(apart), -1) * constant_of(tape, {k}, half_precision) +
                          constant_of(tape, {k}, log_front);
  return -logsumexp(exponent);
}

std::vector<double> GaussianMixture::mean() const {
  const int64_t d = dimensions();
  std::vector<double> m(static_cast<std::size_t>(d));
  for (std::size_t k = 0; k < weights_.size(); ++k) {
    for (int64_t i = 0; i < d; ++i) m[i] += weights_[k] * means_[k * d + i];
  }
  return m;
}

Tensor<double> GaussianMixture::covariance() const {
  const int64_t d = dimensions();
  const std::vector<double> m = mean();
  Tensor<double> c({d, d});
  for (std::size_t k = 0; k < weights_.size(); ++k) {
    for (int64_t i = 0; i < d; ++i) {
      c[i * d + i] += weights_[k] * variances_[k];
      for (int64_t j = 0; j < d; ++j) {
        c[i * d + j] += weights_[k] * (means_[k * d + i] - m[i]) * (means_[k * d + j] - m[j]);
      }
    }
  }
  return c;
}

GaussianMixture GaussianMixture::smoothed(double sigma) const {
  expect(sigma >= 0 && std::isfinite(sigma), "[gaussian mixture] cannot smooth by sigma ", sigma);
  std::vector<double> wider = variances_;
  for (double& v : wider) v += sigma * sigma;
  return {weights_, means_, wider};
}

Tensor<double> GaussianMixture::sample(int64_t count, Rng& rng) const {
  const int64_t d = dimensions();
  Tensor<double> y({count, d});
  for (int64_t n = 0; n < count; ++n) {
    double left = rng.uniform();
    std::size_t k = 0;
    while (k + 1 < weights_.size() && left >= weights_[k]) left -= weights_[k++];
    for (int64_t i = 0; i < d; ++i) {
      y[n * d + i] = means_[k * d + i] + std::sqrt(variances_[k]) * rng.normal();
    }
  }
  return y;
}

std::vector<double> GaussianMixture::log_parts(std::span<const double> y) const {
  const int64_t d = dimensions();
  expect(std::ssize(y) == d, "[gaussian mixture] has ", d, " dimensions, the point has ", y.size());
  std::vector<double> parts;
  for (std::size_t k = 0; k < weights_.size(); ++k) {
    double squared = 0;
    for (int64_t i = 0; i < d; ++i) squared += std::pow(y[i] - means_[k * d + i], 2);
    parts.push_back(std::log(weights_[k]) - 0.5 * d * std::log(2 * pi * variances_[k]) -
                    squared / (2 * variances_[k]));
  }
  return parts;
}

std::vector<double> GaussianMixture::score(std::span<const double> y) const {
  const int64_t d = dimensions();
  const std::vector<double> parts = log_parts(y);
  const double total = log_sum_exp(parts);
  std::vector<double> s(static_cast<std::size_t>(d));
  for (std::size_t k = 0; k < weights_.size(); ++k) {
    const double responsibility = std::exp(parts[k] - total);
    for (int64_t i = 0; i < d; ++i) {
      s[i] += responsibility * (means_[k * d + i] - y[i]) / variances_[k];
    }
  }
  return s;
}

template Var<float> GaussianMixture::operator()(const Arguments<float>&) const;
template Var<double> GaussianMixture::operator()(const Arguments<double>&) const;

}  // namespace talweg::ebm
