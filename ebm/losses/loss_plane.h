// The plane of a pair's energies: every loss of a pair is a function of (E, Ebar), and what it
// teaches can be read off that plane.
#pragma once

#include <vector>

#include "core/tape.h"

namespace talweg::ebm {

/// A loss of a pair, on the tape: E[N], Ebar[N] -> [N].
using PairLossFunction = Var<double> (*)(Var<double> good, Var<double> bad);

/// The loss and its gradient on a square grid: entry i n + j is E = at[i], Ebar = at[j].
struct LossPlane {
  std::vector<double> at;  ///< n places from low to high
  std::vector<double> loss, d_good, d_bad;

  double value(std::size_t i, std::size_t j) const { return loss[i * at.size() + j]; }
};

/// Throws Error unless low < high and n >= 2.
LossPlane loss_plane(PairLossFunction loss, double low, double high, int n);

/// The largest margin that minimising the loss enforces: the supremum of the m for which some point
/// with E + m < Ebar costs less than every point with E + m >= Ebar. Below 0 where the loss can be
/// lowest with the wrong answer under the right one, and as large as the grid has room for where
/// the loss falls for ever. E runs over the inner half of the grid and Ebar over all of it, so that
/// the grid's edge decides nothing. Exact to a step. Source: LeCun et al. 2006, condition 3.
double kept_margin(const LossPlane& plane);

}  // namespace talweg::ebm
