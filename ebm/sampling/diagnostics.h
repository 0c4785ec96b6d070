// Have the chains converged, and how many independent draws are they worth?
//
// Draws of one number are a Tensor [draws, chains]: column c is chain c.
#pragma once

#include <vector>

#include "core/tensor.h"

namespace talweg::ebm {

/// Coordinate `d` of recorded points [draws, chains, D], as [draws, chains].
template <class T> Tensor<double> coordinate(const Tensor<T>& points, int64_t d);

/// rho_0 ... rho_{lags-1}: each chain's autocovariance about its own mean (divided by the number of
/// draws), averaged over chains, over that at lag 0.
std::vector<double> autocorrelation(const Tensor<double>& draws, int64_t lags);

/// Split R-hat: each chain is cut in two, and the halves compared,
///   R^2 = ((n-1)/n W + B/n) / W,
/// with W the mean of the halves' variances, B/n the variance of their means and n their length. It
/// nears 1 from above as chains forget where they began; above 1.01 they have not. Throws Error with
/// fewer than 4 draws. Source: Gelman et al. 2013, section 11.4; Vehtari et al. 2021.
double split_rhat(const Tensor<double>& draws);

/// The number of independent draws that estimate the mean as well:
///   ESS = chains * draws / tau,   tau = -1 + 2 sum_t (rho_2t + rho_2t+1),
/// over Geyer's initial monotone sequence: the pairs are summed while positive, each at most its
/// predecessor. rho_t = 1 - (W - mean autocovariance_t) / (variance over all chains) is low where
/// chains disagree. At most chains * draws * log10 of that, for chains that swing. Throws Error with
/// fewer than 4 draws. Source: Geyer 1992; Vehtari et al. 2021, section 3.2.
double effective_sample_size(const Tensor<double>& draws);

/// A mean over chains, and how far off it may be.
struct MeanEstimate {
  double mean = 0;
  double standard_error = 0;  ///< the draws' deviation over the square root of their ESS
  double ess = 0;
};
MeanEstimate estimate_mean(const Tensor<double>& draws);

}  // namespace talweg::ebm
