// Parallel tempering: the same energy at several temperatures at once. Hot chains cross barriers,
// and pass what they found down to the cold ones.
#pragma once

#include <memory>
#include <vector>

#include "ebm/sampling/hmc.h"

namespace talweg::ebm {

struct TemperingOptions {
  std::vector<double> betas;  ///< descending; the first is the target's
  StepSize step = 0.1;        ///< at betas[0]; rung r takes sqrt(betas[0] / betas[r]) as much
  int64_t leaps = 5;          ///< of each rung's Hamiltonian step
  uint64_t seed = 1;
};

/// Rungs of HMC at betas[0] > betas[1] > ..., `chains` at each. After every step neighbouring rungs
/// r and r+1 (even r, then odd r in turn) offer each chain's point to one another, which both take
/// with probability
///   min(1, e^{(beta_r - beta_{r+1}) (E_r - E_{r+1})}),
/// so that the product of all rungs' e^{-beta_r E} stays exactly invariant. Source: Geyer 1991;
/// Hukushima and Nemoto 1996.
template <class T> class ParallelTempering {
 public:
  /// Every rung begins at `start` [chains, D]. Throws Error unless there are two betas or more,
  /// positive, finite and descending.
  ParallelTempering(ForcePtr<T> force, const Tensor<T>& start, const TemperingOptions& options);

  void advance(int64_t steps);

  const Tensor<T>& points() const { return rungs_.front()->points(); }  ///< at betas[0]
  const Hmc<T>& rung(int64_t r) const { return *rungs_[std::size_t(r)]; }
  int64_t rungs() const { return std::ssize(rungs_); }
  /// How many offers between rungs r and r+1 were taken, of all that were made.
  double swap_acceptance(int64_t r) const;

 private:
  void swap(int64_t r);

  std::vector<std::unique_ptr<Hmc<T>>> rungs_;
  std::vector<double> taken_, offered_;
  uint64_t seed_;
  int64_t step_ = 0;
};

extern template class ParallelTempering<float>;
extern template class ParallelTempering<double>;

}  // namespace talweg::ebm
