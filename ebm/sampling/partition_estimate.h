// log Z where no sum and no quadrature reaches: importance sampling, and annealed importance
// sampling from both ends.
#pragma once

#include <span>

#include "ebm/sampling/force.h"

namespace talweg::ebm {

/// What weights w_i with E[w] = Z say of log Z.
struct LogPartition {
  /// log of the weights' mean. The mean is unbiased for Z; its log lies low, by about
  /// (relative variance of w) / 2n, after Jensen.
  double log_z = 0;
  /// Of log_z, by the delta method: the deviation of w / mean(w) over sqrt(n).
  double standard_error = 0;
  /// (sum w)^2 / sum w^2: how many equal weights would be as good. Far below n, trust nothing here.
  double ess = 0;
  /// The mean of log w, at most log Z in expectation.
  double mean_log_weight = 0;
};

/// From log w_i. Throws Error where there is none, one is NaN or +inf, or all are -inf.
LogPartition log_partition_of(std::span<const double> log_weights);

/// Z = E_q[e^{-beta E(y)} / q(y)] over y_i ~ q: energies[n] = E(y_i), log_q[n] = log q(y_i), q
/// normalised. Good where q is wide enough: the variance is finite only if e^{-2 beta E} / q is
/// integrable. That an energy is not normalisable no finite sample can tell: q reaches only so far, and
/// log_z is then that of where q reached. Ask integrate (ebm/quadrature.h) where the dimensions allow, or
/// widen q: log_z that keeps rising, with an ESS that keeps falling, says that there is no Z. Throws
/// Error as above, or where the counts differ or beta is not positive and finite.
/// Source: Owen 2013, chapter 9.
LogPartition importance_log_partition(std::span<const double> energies,
                                      std::span<const double> log_q, double beta);

struct AisOptions {
  double beta = 1;
  int64_t temperatures = 100;  ///< K, evenly from t = 0 to t = 1
  int64_t moves = 1;           ///< HMC steps at each
  double step = 0.1;
  int64_t leaps = 5;
  uint64_t seed = 1;
};

/// Annealed importance sampling. Along E_t = (1 - t) E_0 + t E_1 from t = 0 to 1,
///   log w = -beta sum_k (t_k - t_{k-1}) (E_1 - E_0)(y_{k-1}),   y_k after HMC at t_k,
/// has E[w] = Z_1 / Z_0 whatever the moves' number, for y_0 exactly from e^{-beta E_0} / Z_0. So log
/// w lies low: it is a lower bound in expectation. `log_z_0` is added to all results. Where the target is not
/// normalisable there is no Z_1: forward and reverse results do not meet then, and HMC's chains leave;
/// one beyond 1e12 throws.
/// Source: Neal 2001; with HMC and forward/reverse, Grosse, Ghahramani and Adams 2015.
template <class T>
LogPartition ais_log_partition(ForcePtr<T> from, double log_z_0, ForcePtr<T> to,
                               const Tensor<T>& start, const AisOptions& options);

/// The same walked backwards, from y_K exactly (or nearly) from e^{-beta E_1} / Z_1: E[1/w] = Z_0 /
/// Z_1, so that -log of the mean of 1/w lies high. With the forward estimate it is a sandwich.
/// log_z is then log_z_0 - log mean(1/w), and mean_log_weight an upper bound in expectation.
template <class T>
LogPartition reverse_ais_log_partition(ForcePtr<T> from, double log_z_0, ForcePtr<T> to,
                                       const Tensor<T>& start, const AisOptions& options);

}  // namespace talweg::ebm
