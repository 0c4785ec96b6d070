// A mixture of Gaussians, normalised: the energy whose density, score and samples are all known.
#pragma once

#include <span>
#include <vector>

#include "core/rng.h"
#include "ebm/energy.h"

namespace talweg::ebm {

/// E(y) = -log sum_k w_k N(y; m_k, v_k I): the exact negative log-density, constants included, so
/// that log Z is 0 at beta = 1. Its score is -dE/dy = sum_k r_k(y) (m_k - y) / v_k with the
/// responsibilities r_k.
class GaussianMixture {
 public:
  /// weights[K] (scaled to sum to 1), means[K,D], variances[K]. Throws Error unless all weights and
  /// variances are positive and the counts agree.
  GaussianMixture(std::vector<double> weights, Tensor<double> means, std::vector<double> variances);

  template <class T> Var<T> operator()(const Arguments<T>& at) const;

  std::span<const double> weights() const { return weights_; }
  const Tensor<double>& means() const { return means_; }
  std::span<const double> variances() const { return variances_; }
  int64_t dimensions() const { return means_.shape()[1]; }

  std::vector<double> mean() const;
  Tensor<double> covariance() const;  ///< sum_k w_k (v_k I + m_k m_k') - mean mean'
  /// The mixture after independent noise of variance sigma^2: v_k + sigma^2. It is this one's
  /// score, not the sharp one's, that denoising score matching learns.
  GaussianMixture smoothed(double sigma) const;
  /// `count` exact, independent samples [count, D].
  Tensor<double> sample(int64_t count, Rng& rng) const;
  /// -dE/dy at one point y[D], from the formula above and off the tape.
  std::vector<double> score(std::span<const double> y) const;

 private:
  std::vector<double> log_parts(std::span<const double> y) const;  // log w_k N(y; m_k, v_k)

  std::vector<double> weights_;
  Tensor<double> means_;
  std::vector<double> variances_;
};

}  // namespace talweg::ebm
