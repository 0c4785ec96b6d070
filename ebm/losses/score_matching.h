// Score matching: fit -beta dE/dy to the data's score d log p/dy. Z does not depend on y and never
// appears. Estimators, not regularisers: each can stand in the place of the NLL.
//
// All three differentiate dE/dy once more, in the parameters, exactly: at.y[N,D] must be a leaf that
// needs a gradient (tape.variable), but for denoising, which makes its own.
#pragma once

#include <cstdint>

#include "ebm/energy.h"

namespace talweg::ebm {

/// mean over samples of  tr(ds/dy) + |s|^2 / 2 = -beta lap E + (beta^2 / 2) |dE/dy|^2,  with the
/// model's score s = -beta dE/dy. In expectation it is half the mean squared distance of s to the
/// data's score, up to a constant of the data, if p s vanishes at infinity. For E = k |y - m|^2 / 2
/// it is stationary exactly at m = the sample mean, beta k = 1 / the sample variance (over N).
/// D + 1 backward passes. Throws Error unless y is [N,D] with N, D >= 1 and beta is positive and
/// finite. Source: Hyvarinen 2005, eq. 4.
template <class T>
Var<T> score_matching_loss(const Energy<T>& energy, const Arguments<T>& at, double beta = 1);

/// How directions are drawn, both with E[v v'] = I.
enum class Projection { normal, rademacher };

/// v[N,D] for sliced score matching: the numbers of step `step` of `seed`.
template <class T>
Tensor<T> draw_projections(const Shape& shape, Projection kind, uint64_t seed, uint64_t step);

/// The same with the trace along random directions v[N,D]: mean of v' (ds/dy) v + |s|^2 / 2, or,
/// without `reduced_variance`, v' (ds/dy) v + (v's)^2 / 2. Unbiased for score_matching_loss when
/// E[v v'] = I, in two backward passes whatever D. With Rademacher v and a diagonal Hessian it is
/// exact. Throws Error as above, or where v has not y's shape.
/// Source: Song, Garg, Shi and Ermon 2019, eq. 7 and 8.
template <class T>
Var<T> sliced_score_matching_loss(const Energy<T>& energy, const Arguments<T>& at,
                                  const Tensor<T>& v, double beta = 1,
                                  bool reduced_variance = true);

/// mean of |s(y + sigma xi) + xi / sigma|^2 / 2 with s = -beta dE/dy, y = at.y the clean data (any
/// leaf) and xi[N,D] standard normals. It is lowest where s is the score of the data smoothed by
/// sigma, not of the data: for a mixture of variances v_k, that of variances v_k + sigma^2. The sign:
/// s points back to the data, -xi / sigma; with dE/dy in its place an energy is learned upside
/// down. Throws Error as above, or where xi has not y's shape or sigma is not positive and finite.
/// Source: Vincent 2011, eq. 9.
template <class T>
Var<T> denoising_score_matching_loss(const Energy<T>& energy, const Arguments<T>& at,
                                     const Tensor<T>& xi, double sigma, double beta = 1);

}  // namespace talweg::ebm
