// The negative log-likelihood where Z is out of reach, beta <E>_data + log Z, by samples: negatives
// from the model (contrastive divergence), weighted ones from elsewhere (importance sampling), or a
// game against known noise (NCE).
//
// Energies are on the tape, one a sample: of the data [N], of negatives or noise [M].
#pragma once

#include <span>

#include "ebm/energy.h"

namespace talweg::ebm {

/// loss = beta (mean E(data) - mean E(negatives)). Its value says nothing; its gradient is the NLL's,
///   beta (<dE/dtheta>_data - <dE/dtheta>_model),
/// where the negatives are the model's own samples. After k steps of a chain that began at the data
/// (CD-k) they are not, quite, and the gradient is beta (<dE>_data - <dE>_{P^k data}): biased, the
/// less the larger k. Chains that go on from step to step (persistent CD) forget the data instead.
/// Throws Error where there are no data or no negatives, or beta is not positive and finite.
/// Source: Hinton 2002; Tieleman 2008.
template <class T>
Var<T> contrastive_loss(Var<T> data_energy, Var<T> negative_energy, double beta = 1);

/// loss = beta mean E(data) + log (1/M) sum_j e^{-beta E(y_j)} / q(y_j) for y_j ~ q, log_q[M] =
/// log q(y_j). Gradient: beta (<dE>_data - sum_j w_j dE_j), w_j the weights scaled to sum to 1. The
/// estimate of Z is unbiased, its log lies low, so the loss does too, by about (relative variance of
/// the weights) / 2M; importance_log_partition (ebm/sampling/partition_estimate.h) tells the effective
/// sample size. Throws Error as above or where counts differ. Source: Bengio and Senecal 2003.
template <class T>
Var<T> importance_nll_loss(Var<T> data_energy, Var<T> sample_energy, std::span<const double> log_q,
                           double beta = 1);

/// Noise-contrastive estimation: tell data from noise of known density by logistic regression,
///   loss = mean softplus(-G(data)) + nu mean softplus(G(noise)),   nu = M / N,
///   G = -beta E - log Z - log p_noise - log nu,
/// with log Z a parameter like any other, a scalar on the tape: at the optimum it is the log
/// partition function, and the model is normalised. log_noise_*: log p_noise there. Gradient: dE =
/// beta sigmoid(-G) / N at data, -beta sigmoid(G) / N at noise. The closer the noise comes to the
/// data, the better; it must reach wherever data do. Throws Error as above.
/// Source: Gutmann and Hyvarinen 2010 (InfoNCE, ebm/losses/label_losses.h, is another thing).
template <class T>
Var<T> nce_loss(Var<T> data_energy, Var<T> noise_energy, Var<T> log_z,
                std::span<const double> log_noise_at_data,
                std::span<const double> log_noise_at_noise, double beta = 1);

}  // namespace talweg::ebm
