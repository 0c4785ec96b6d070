// Second derivatives of the free energy: how the posterior turns when the energies do.
#pragma once

#include <cstdint>
#include <span>

#include "ebm/align/alignment.h"

namespace talweg::ebm {

/// Work space of posterior_derivative; it only grows, so keep it.
struct CurvatureScratch {
  AlignScratch align;
  OwnLines<double> cells, rows;

  /// Grows to what a pair of `frames` and `length` needs under the rule.
  void reserve(int64_t frames, int64_t length, int64_t alphabet, const PathRuleView& rule);
};

/// The Hessian of F_beta(l) times a direction v[frames, alphabet], in O(frames * length):
///   h[i,a] = d/dt posterior(l + t v)[i,a] at t = 0 = -beta Cov(1[z shows a at i], S(z)),
///   S(z) = sum_i v_i[y_{z(i)}], under the distribution of paths exp(-beta E(z)) / Z.
/// With p(i,s) the probability that a path is in state s at frame i, and S cut there,
///   h = -beta sum over states s that show a of
///         p(i,s) (E[S up to i | s at i] - E[S]) + p(i,s) E[S after i | s at i].
/// Read backwards the path is a Markov chain: given its state, where it came from depends on nothing
/// later. The pass from the front leaves those shares, and the means up to each cell, by convex
/// combinations; the pass from the back lets p and the last term, as a whole, flow along the same
/// shares. So nothing is divided and no weight as large as Z appears, and at any scale the rows of h
/// sum to zero.
/// At beta = infinity, and where the pair has no path or non-finite energies, h is 0. Errors as of
/// free_energy_of. Source: Z. Li and J. Eisner, "First- and second-order expectation semirings"
/// (2009), for what is computed.
template <class T>
void posterior_derivative(const T* energies, int64_t frames, int64_t alphabet,
                          std::span<const int32_t> label, double beta, const PathRuleView& rule,
                          const T* direction, T* h, CurvatureScratch& scratch);

}  // namespace talweg::ebm
