// Langevin samplers: downhill with noise. ULA takes every step and is biased by its size; MALA
// weighs each step with Metropolis' rule and is exact.
#pragma once

#include "ebm/sampling/sampler.h"

namespace talweg::ebm {

struct LangevinOptions {
  double beta = 1;
  StepSize step = 0.01;
  uint64_t seed = 1;
};

/// Unadjusted Langevin: y <- y - step dE/dy + sqrt(2 step / beta) xi.
///
/// For small steps it samples e^{-beta E}; how biased otherwise, a Gaussian E = k y^2 / 2 shows: y'
/// = (1 - step k) y + noise has the stationary variance
///   (2 step / beta) / (1 - (1 - step k)^2) = 1 / (beta k (1 - step k / 2)),
/// too wide by the factor 1 / (1 - step k / 2), and none at all from step k = 2 on, where it throws.
/// The step is in units of y^2 per energy; it is not the noise's variance. Source: Roberts and
/// Tweedie 1996; Parisi 1981.
template <class T> class Langevin final : public Sampler<T> {
 public:
  /// Throws Error where beta or the step are not positive, there is no chain, or the step adapts:
  /// without rejections there is nothing to adapt to.
  Langevin(ForcePtr<T> force, Tensor<T> start, const LangevinOptions& options);
  /// As written in many papers, with a noise that does not belong to the step:
  /// y <- y - step dE/dy + noise xi, which samples at beta = 2 step / noise^2.
  static Langevin with_noise(ForcePtr<T> force, Tensor<T> start, double step, double noise,
                             uint64_t seed);

 protected:
  double move() override;
  void refresh() override {}

 private:
  std::vector<T> slope_;
};

/// Metropolis-adjusted Langevin: Langevin's step y' as a proposal q(y' | y) =
/// N(y - step dE/dy, 2 step / beta), taken with probability
///   min(1, e^{-beta (E(y') - E(y))} q(y | y') / q(y' | y)),
///   log q(y'|y) = -(beta / 4 step) |y' - y + step dE/dy(y)|^2,
/// which leaves e^{-beta E} exactly invariant. Source: Besag 1994; Roberts and Tweedie 1996.
///
/// Exact is not quick. Where the energy grows faster than |y|^2 the proposal overshoots from far out,
/// is rejected, and chains hardly enter or leave the tails (Roberts and Tweedie 1996, theorem 4.2). On
/// the banana E = y0^2/2 + 5 (y1 - y0^2)^2, where E[y1] = 1, 200 chains of 20,000 steps gave 0.85 to
/// 0.89 with a standard error of 0.06, and an independent implementation the same; split_rhat, 1.17 to
/// 1.21, says that they have not converged. Ask it before believing a standard error, which counts
/// only what the chains have seen; then use more steps, Hmc, or tempering.
template <class T> class Mala final : public MetropolisSampler<T> {
 public:
  Mala(ForcePtr<T> force, Tensor<T> start, const LangevinOptions& options);

 protected:
  double move() override;
};

extern template class Langevin<float>;
extern template class Langevin<double>;
extern template class Mala<float>;
extern template class Mala<double>;

}  // namespace talweg::ebm
