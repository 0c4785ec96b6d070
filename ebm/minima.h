// Every minimum of a multimodal energy: descend from many starts, keep what differs, and look at
// the curvature to tell minima from saddles and valleys.
#pragma once

#include <cstdint>
#include <vector>

#include "core/rng.h"
#include "ebm/inference.h"

namespace talweg::ebm {

/// d^2 E / dy_a dy_b of each sample, [N,D,D], by double backward: y is [N,D].
template <class T> Tensor<T> hessians(const Energy<T>& energy, const Tensor<T>& y);

struct Minimum {
  std::vector<double> y;
  double energy;
  std::vector<double> curvature;  ///< the Hessian's eigenvalues, ascending, all above `flat`
  int64_t starts;                 ///< how many descents ended here: the size of its basin
};

struct MinimaOptions {
  DescentOptions descent = {};
  double merge = 1e-4;  ///< ends closer than this are one
  double flat = 1e-6;   ///< curvature, relative to the Hessian's largest, that counts as none
};

/// What the descents ended in; `minima` is sorted by energy.
struct Minima {
  std::vector<Minimum> minima;
  int64_t not_minima = 0;  ///< ends with a direction of no, or of negative, curvature
  int64_t unfinished = 0;  ///< ends whose gradient is not down to the tolerance
};

/// Descends from each of starts[M,D] (the energy of y alone; see given in ebm/energy.h), follows
/// with Newton's steps while they bring the gradient down, and merges. It finds no minimum whose
/// basin holds no start: give more than you expect minima. Throws as descend does.
Minima all_minima(const Energy<double>& energy, const Tensor<double>& starts,
                  const MinimaOptions& options = {});

/// Starts for it: `count` uniform points of the box low <= y_d <= high, [count,D].
Tensor<double> uniform_starts(double low, double high, int64_t count, int64_t dimensions, Rng& rng);

}  // namespace talweg::ebm
