// The two sums over paths. Energies add along a path; over paths they are combined by
//   MinPlus   a (+) b = min(a, b)                                  zero temperature: Viterbi
//   SoftMin   a (+) b = -(1/beta) log(exp(-beta a) + exp(-beta b))  inverse temperature beta
// Both with (x) = +, zero = +inf (no path), one = 0, so that one dynamic programme serves both.
// SoftMin tends to MinPlus as beta grows; min - log(n)/beta <= SoftMin of n terms <= min.
//
// Source: M. Mohri, "Semiring frameworks and algorithms for shortest-distance problems" (2002).
#pragma once

#include <cmath>
#include <limits>

namespace talweg::ebm {

inline constexpr double kNoPath = std::numeric_limits<double>::infinity();

struct MinPlus {
  double plus(double a, double b) const { return b < a ? b : a; }
};

struct SoftMin {
  double beta;
  /// By the gap to the smaller one, so that no scale of energies overflows.
  double plus(double a, double b) const {
    const double least = b < a ? b : a, most = b < a ? a : b;
    if (most == kNoPath) return least;
    return least - std::log1p(std::exp(-beta * (most - least))) / beta;
  }
};

}  // namespace talweg::ebm
