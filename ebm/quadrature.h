// Gibbs distributions of a continuous y in one to four dimensions, by quadrature: log Z with an
// error estimate, and everything that is an average. The oracle that samplers and estimators are
// held against.
//
//   const Quadrature q = integrate(well, beta, {{-inf, inf}});
//   q.log_partition;                    // log of the integral of e^{-beta E}, +- q.error
//   q.expectation(f);                   // of numbers f[j] at q.points[j]
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "ebm/energy.h"

namespace talweg::ebm {

/// What one coordinate of y runs through; either end may be infinite.
struct Interval {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

struct QuadratureOptions {
  double tolerance = 1e-10;  ///< of log Z, between one refinement and the next
  /// The finest step is 2^-max_level; 0 takes 11 in one dimension, 7 in two, and beyond what 2^22
  /// points allow.
  int max_level = 0;
};

/// p(y) = e^{-beta E(y)} / Z on nodes: node j stands for the mass probability[j].
struct Quadrature {
  double beta;
  double log_partition;   ///< log Z
  double error;           ///< of log Z: what the last refinement changed, plus the mass at the ends
  Tensor<double> points;  ///< [M,D]
  std::vector<double> energy;       ///< E at each node
  std::vector<double> probability;  ///< sums to 1

  double mean_energy;      ///< <E> = -d log Z / d beta
  double energy_variance;  ///< <E^2> - <E>^2 = d^2 log Z / d beta^2
  double entropy;          ///< -integral of p log p = log Z + beta <E>
  double free_energy;      ///< -(1/beta) log Z = <E> - S / beta

  /// sum_j probability[j] f[j].
  double expectation(std::span<const double> f) const;
  std::vector<double> mean() const;   ///< of y
  Tensor<double> covariance() const;  ///< of y
};

/// log Z and the rest by the double-exponential rule: y = c + r tanh(pi/2 sinh t) on a bounded
/// interval, y = sinh(pi/2 sinh t) on the line, and the like on a half-line, then equal steps in t,
/// halved until log Z stands still. The error of each level falls like the square of the one before
/// where E is smooth. Energies are asked for in batches; the domain has one interval a dimension.
///
/// In D dimensions that is the product rule, 71^D points at the first step of 1/8. From three on the
/// first level (of step 1/4, 35^D points, in four) tells where along each axis all but 1e-17 of the mass
/// lies, and the finer ones ask no further: a mode that falls between its nodes is lost, and there are
/// 2^22 points at most. Five dimensions would begin with 52 million and are refused; there, sample
/// (ebm/sampling/partition_estimate.h).
///
/// Throws Error for five dimensions or more or a max_level that leaves one level only, where beta is
/// not above 0 and finite, where E is NaN or -infinity at a node, where the mass at the ends of an
/// unbounded domain (|y| up to 1e30) has not died out, which is how an energy that is not normalisable
/// there shows itself, and where the finest level still changes log Z by more than 1e-3: such an E is
/// too rough for the rule.
/// Source: Takahasi and Mori 1974, "Double exponential formulas for numerical integration".
Quadrature integrate(const Energy<double>& energy, double beta, const std::vector<Interval>& domain,
                     const QuadratureOptions& options = {});

}  // namespace talweg::ebm
