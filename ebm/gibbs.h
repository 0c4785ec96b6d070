// The Gibbs distribution of energies: p_k = e^{-beta E_k} / Z, Z = sum_k e^{-beta E_k}, where beta
// is the inverse temperature. Finitely many states are summed here; a continuous y is integrated in
// ebm/quadrature.h, words in ebm/align/partition.h, and what is too large for either is sampled.
#pragma once

#include <span>
#include <vector>

#include "ebm/energy.h"

namespace talweg::ebm {

/// The distribution and its thermodynamics:
///   F = -(1/beta) log Z = <E> - S / beta,
///   d(beta F)/d beta = <E>,   d^2(beta F)/d beta^2 = -Var E,
///   dF/d beta = S / beta^2 >= 0,            min E - log K / beta <= F <= min E.
struct GibbsDistribution {
  double beta;
  double log_partition;             ///< log Z
  std::vector<double> probability;  ///< of each state
  double mean_energy;               ///< <E>
  double energy_variance;           ///< <E^2> - <E>^2
  double entropy;                   ///< S = -sum p log p = log Z + beta <E>, in nats
  double free_energy;               ///< F
};

/// Over states with the given energies; +infinity forbids a state. Throws Error where beta is not
/// above 0 and finite, where an energy is NaN or -infinity, or where no state is allowed.
GibbsDistribution gibbs(std::span<const double> energies, double beta);

/// Every state of discrete variables with `counts` values each, [product, D], the last variable
/// varying fastest: what enumeration runs through. Throws Error above 2^24 states.
template <class T> Tensor<T> all_states(std::span<const int64_t> counts);

/// gibbs over all_states of an energy of discrete variables: exact, and slow in many of them.
GibbsDistribution enumerate(const Energy<double>& energy, std::span<const int64_t> counts,
                            double beta);

// --- on the tape: f[..., K], one distribution a row ---

/// log sum_k e^{-beta f_k}, over the last axis, which it drops. Gradient: -beta p_k.
template <class T> Var<T> log_partition(Var<T> f, double beta);

/// p_k, of f's shape. Gradient: df_k = -beta p_k (dp_k - sum_j dp_j p_j).
template <class T> Var<T> gibbs_probabilities(Var<T> f, double beta);

/// The free energy of each row, -(1/beta) log sum_k e^{-beta f_k}, over the last axis; at beta =
/// infinity the minimum, to whose first place the gradient then goes. Between the two lies a
/// temperature: min f - log K / beta <= F_beta <= min f, and F_beta only grows with beta.
/// Gradient: df_k = p_k. Throws Error where beta is not above 0.
/// Source: LeCun et al. 2006, section 3, "the free energy of the ensemble".
template <class T> Var<T> free_energy(Var<T> f, double beta);

}  // namespace talweg::ebm
