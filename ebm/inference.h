// Inference: the y, the z, or both that make an energy lowest, with parameters and x held.
//
//   argmin over labels        lowest_labels(f)                      exact
//   argmin over pairs (y, z)  over_latent (ebm/latent.h), then the same
//   continuous y, z or both   descend(energy, {y, x, z}, Over::both)  a local minimum a row
//   every minimum             all_minima(energy, starts)            in ebm/minima.h
#pragma once

#include <cstdint>
#include <vector>

#include "ebm/energy.h"

namespace talweg::ebm {

/// The label of lowest energy in each row of f[N,K], the first among equals. Off the tape.
template <class T> std::vector<int32_t> lowest_labels(Var<T> f);

enum class LineSearch {
  fixed,   ///< the step is first_step; a quadratic of stiffness k contracts by |1 - step k|
  armijo,  ///< halves the step until E falls by sufficient * step * |gradient|^2 or more
  wolfe,   ///< that, and the slope along the way has risen to curvature times what it was
};

/// Which arguments move.
enum class Over { y, z, both };

struct DescentOptions {
  LineSearch line_search = LineSearch::armijo;
  double first_step = 0.1;   ///< later ones begin where Barzilai and Borwein 1988 say
  double sufficient = 1e-4;  ///< of Armijo's rule
  double curvature = 0.9;    ///< of Wolfe's
  int max_steps = 1000;
  double tolerance = 1e-8;  ///< of |gradient|, where a row has arrived
};

/// Where a descent begins; x and z have no elements where there are none.
template <class T> struct Start {
  Tensor<T> y;
  Tensor<T> x = {};
  Tensor<T> z = {};
};

/// Where it ended, row by row.
template <class T> struct Descent {
  Tensor<T> y, z;
  std::vector<double> energy, gradient_norm;
  std::vector<int> steps;
  std::vector<bool> converged;  ///< did |gradient| reach the tolerance? Nobody else checks.

  bool all_converged() const;
};

/// Gradient descent u <- u - step dE/du over u = y, z or (y, z) taken together. Rows are
/// independent: each has a step of its own and rests where it has arrived. E falls with every step
/// under a line search; where rounding hides the fall, |gradient| has to. What it finds is a local
/// minimum (or a saddle, started on one): ebm/minima.h looks for all.
///
/// Throws Error where E at a start is not finite, where a variable to move is missing, or where an
/// option makes no sense. Rows that ran out of steps come back with converged = false.
/// Source: Nocedal and Wright 2006, algorithm 3.1 and eq. 3.6; the bisection of Wolfe's interval is
/// Lewis and Overton 2013's, algorithm 4.6.
template <class T>
Descent<T> descend(const Energy<T>& energy, const Start<T>& start, Over over,
                   const DescentOptions& options = {});

}  // namespace talweg::ebm
