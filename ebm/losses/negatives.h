// Where wrong answers come from: all of them, some at random, the worst one, or a sampler.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/rng.h"
#include "ebm/energy.h"

namespace talweg::ebm {

// --- answers that are labels: f[N,K] the energies, labels[N] the right ones ---

/// The energies of all wrong labels, [N,K-1] in the order of the labels. Throws Error where K is 1:
/// then there are none.
template <class T> Var<T> wrong_energies(Var<T> f, std::span<const int32_t> labels);

/// The most offending wrong label of each sample: the one of lowest energy, the first among equals.
/// Off the tape. Throws Error where K is 1. Source: LeCun et al. 2006, definition 1.
template <class T> std::vector<int32_t> most_offending(Var<T> f, std::span<const int32_t> labels);

/// `count` wrong labels for each sample, uniform over the K - 1 and with replacement, [N count] row
/// by row. Throws Error where K is 1 or count is not above 0.
std::vector<int32_t> sample_wrong_labels(std::span<const int32_t> labels, int64_t classes,
                                         int64_t count, Rng& rng);

/// The energies of chosen labels, count a sample as sample_wrong_labels gives them: [N,count].
template <class T> Var<T> energies_of(Var<T> f, std::span<const int32_t> chosen);

// --- answers that are points: y[N, ...] ---

/// A source of wrong answers: from an energy whose parameters are held (LearnedEnergy::frozen), the
/// right answers y[N, ...] and the observations x (no elements where there are none), one wrong
/// answer a sample, of y's shape. What a Langevin chain or a replay buffer offers fits in here.
template <class T>
using Negatives =
    std::function<Tensor<T>(const Energy<T>& energy, const Tensor<T>& y, const Tensor<T>& x)>;

/// Wrong answers that don't ask the energy: uniform in low <= y_d < high. `rng` must outlive what
/// is returned and moves on with each call.
template <class T> Negatives<T> uniform_negatives(double low, double high, Rng& rng);

/// The most offending of a list of candidates[K, ...]: for each sample the one of lowest energy
/// among those farther than `distance` from y (Euclidean, over all of a row). Throws Error where a
/// sample has none. Source: LeCun et al. 2006, definition 2, with its epsilon.
template <class T> Negatives<T> offending_negatives(Tensor<T> candidates, double distance);

}  // namespace talweg::ebm
