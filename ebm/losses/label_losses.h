// Losses over all answers: f[N,K] holds every sample's energy of every label (all_energies in
// ebm/energy.h makes it), labels[N] the right ones. Each gives a loss a sample, [N].
//
// With p_k = e^{-beta F_k} / sum_j e^{-beta F_j}, the Gibbs distribution over the K labels.
#pragma once

#include <cstdint>
#include <span>

#include "core/tape.h"

namespace talweg::ebm {

/// loss = F_y - min_k F_k, 0 where the right answer is the lowest. dF_y: +1, dF of the lowest: -1.
/// The limit of nll_loss / beta as beta grows, and at most log K / beta below it. Keeps no margin:
/// equal energies everywhere cost nothing. Source: Collins 2002; LeCun et al. 2006, section 2.2.2.
template <class T> Var<T> perceptron_loss(Var<T> f, std::span<const int32_t> labels);

/// What a likelihood is counted in.
enum class NllUnit {
  nats,    ///< beta F_y + log Z: the negative log-likelihood itself
  energy,  ///< the same over beta: F_y minus the free energy of all labels
};

/// loss = -log p_y = beta F_y + log sum_k e^{-beta F_k}, over beta in NllUnit::energy.
///
/// Gradient: in energy units dF_k = [k = y] - p_k (in nats, beta times that). It sums to 0 over the
/// labels, so the loss never says how high the energies stand, only how far apart; the pull on F_y
/// is 1 - p_y, and on a wrong label it is p_k: strong on a low wrong energy and fading as that one
/// rises. For one sure label the gap grows without end, by (1/beta) log t with the steps t: a
/// smaller beta makes larger gaps, it tempers nothing. For labels drawn from q the optimum is
/// finite, F_k = -(1/beta) log q_k + c. Source: LeCun et al. 2006, section 2.2.4.
///
/// Never below 0. Throws Error unless f is [N,K], there is a label in 0 ... K-1 for each row, and
/// 0 < beta < oo.
template <class T>
Var<T> nll_loss(Var<T> f, std::span<const int32_t> labels, double beta = 1,
                NllUnit unit = NllUnit::nats);

/// The same for targets q[N,K] instead of sure labels: loss = -sum_k q_k log p_k, gradient in
/// energy units dF_k = q_k - p_k. It is lowest, at q's entropy, where p = q. With smoothed_labels
/// it is label smoothing. Throws Error unless q has f's shape, no negative entry and rows that sum
/// to 1.
template <class T>
Var<T> soft_nll_loss(Var<T> f, const Tensor<T>& targets, double beta = 1,
                     NllUnit unit = NllUnit::nats);

/// q[N,K] with 1 - epsilon on the label and epsilon / (K - 1) on each other one. Training to it
/// stops at a finite gap, F_k - F_y = (1/beta) log((1 - epsilon) (K - 1) / epsilon). Throws Error
/// unless 0 <= epsilon < 1 and K >= 2. Source: Szegedy et al. 2016, section 7, with the mass on
/// others only.
template <class T>
Tensor<T> smoothed_labels(std::span<const int32_t> labels, int64_t classes, double epsilon);

/// loss = 1 - p_y, the probability of a wrong answer drawn from p: the minimum empirical error
/// loss. dF_y: beta p_y (1 - p_y), dF_k: -beta p_y p_k. Bounded by 1, so a hopeless sample pulls no
/// more. Keeps a margin above 0. Source: LeCun et al. 2006, section 2.2.4.
template <class T> Var<T> mee_loss(Var<T> f, std::span<const int32_t> labels, double beta = 1);

/// InfoNCE: the NLL of the right answer among itself and K candidates,
///   loss = -log(e^{-beta E} / (e^{-beta E} + sum_k e^{-beta Ebar_k})),   beta = 1 / temperature.
/// dE: beta (1 - p), dEbar_k: -beta p_k. With all wrong answers it is the NLL; with candidates
/// drawn from the marginal of y its optimum is E = -(1/beta) log p(y|x)/p(y) + c(x), and log(K + 1)
/// - loss is a lower bound on the mutual information, never above log(K + 1). good[N], bad[N,K];
/// throws Error where K is 0. Source: van den Oord, Li and Vinyals 2018, eq. 4.
template <class T> Var<T> info_nce_loss(Var<T> good, Var<T> bad, double beta = 1);

}  // namespace talweg::ebm
