// Second derivatives of the free energy: how the posterior turns when the energies do.
#pragma once

#include <cstdint>
#include <span>

#include "ebm/align/chain.h"

namespace talweg::ebm {

/// The Hessian of F_beta(l) times a direction v[frames, alphabet], in O(frames * length):
///   h[i,a] = d/dt posterior(l + t v)[i,a] at t = 0 = -beta Cov(1[z shows a at i], S(z)),
///   S(z) = sum_i v_i[y_{z(i)}], under the distribution of paths exp(-beta E(z)) / Z.
/// The mean of S over the paths that cross a cell is that of its head plus that of its tail, and
/// both are means of their neighbours' with the shares of the steps as weights: convex combinations,
/// stable at any scale. So no difference of large numbers is ever taken,
///   h = -beta posterior (mean of S over the paths through the cell - mean of S over all).
/// At beta = infinity, and where the pair has no path or non-finite energies, h is 0. Allocates: it is no part of
/// a first-order training step. Source: Z. Li and J. Eisner, "First- and second-order expectation
/// semirings" (2009).
template <class T>
void posterior_derivative(const T* energies, int64_t frames, int64_t alphabet,
                          std::span<const int32_t> label, double beta, const PathRuleView& rule,
                          const T* direction, T* h);

}  // namespace talweg::ebm
