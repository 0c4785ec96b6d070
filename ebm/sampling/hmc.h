// Hamiltonian Monte Carlo: the energy as a landscape on which a frictionless ball rolls.
#pragma once

#include "ebm/sampling/sampler.h"

namespace talweg::ebm {

struct HmcOptions {
  double beta = 1;
  StepSize step = 0.1;  ///< of the leapfrog; in units of y
  int64_t leaps = 10;
  uint64_t seed = 1;
};

/// `leaps` leapfrog steps of size h of the Hamiltonian H(y, p) = beta E(y) + |p|^2 / 2,
///   p <- p - (h/2) beta dE/dy,  y <- y + h p,  p <- p - (h/2) beta dE/dy,
/// for all chains: y, p and slope = dE/dy are [chains, D], energy is [chains]; all are replaced by
/// what is found at the end (slope must be given at the start). The map preserves volume and is its
/// own inverse once p changes sign; H is off by O(h^2) at the end of a fixed time. Source: Duane,
/// Kennedy, Pendleton and Roweth 1987; Neal 2011.
template <class T>
void leapfrog(Force<T>& force, double beta, double h, int64_t leaps, std::span<T> y, std::span<T> p,
              std::span<T> energy, std::span<T> slope);

/// p ~ N(0, I), a leapfrog, and the end taken with probability min(1, e^{H before - H after}):
/// leaves e^{-beta E} exactly invariant.
template <class T> class Hmc final : public MetropolisSampler<T> {
 public:
  /// Throws Error where beta, the step or the leaps are not positive, or there is no chain.
  Hmc(ForcePtr<T> force, Tensor<T> start, const HmcOptions& options);

 protected:
  double move() override;

 private:
  int64_t leaps_;
  std::vector<double> kinetic_;
};

extern template class Hmc<float>;
extern template class Hmc<double>;

}  // namespace talweg::ebm
