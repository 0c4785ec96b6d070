// Latent variables: from E(y, x, z) to an energy of (y, x) alone, by the minimum over z or by its
// softened form,
//   F_inf(y, x) = min_z E(y, x, z),
//   F_beta(y, x) = -(1/beta) log sum_z w_z e^{-beta E(y, x, z)},
// where w_z = 1 for each value of a discrete z, and the weight of a node where an integral over z
// is meant. The latter is what remains when z is summed out of the Gibbs distribution of (y, z); it
// credits an answer for every explanation, the former for its best one. Source: LeCun et al. 2006,
// section 3.
#pragma once

#include <vector>

#include "ebm/energy.h"
#include "ebm/inference.h"

namespace talweg::ebm {

/// Values of a latent variable, and how much each counts.
template <class T> struct LatentNodes {
  Tensor<T> z;                 ///< [K, ...]
  std::vector<double> weight;  ///< K, all above 0; their sum is the measure of z's domain

  int64_t count() const { return z.shape()[0]; }
};

/// z = 0, 1, ..., K-1, each of weight 1. A z that is one of K carries at most log K nats, however
/// the energy uses it: the plainest limit on a latent's capacity.
template <class T> LatentNodes<T> one_of(int64_t count);

/// Gauss-Legendre nodes on [low, high]: exact for polynomials in z up to degree 2 count - 1. z is
/// [K,1]. Source: Golub and Welsch 1969; the nodes by Newton's method on the Legendre polynomial.
template <class T> LatentNodes<T> interval_nodes(double low, double high, int64_t count);

/// Equal steps from low on, for a z that is periodic with period high - low, an angle for example:
/// then nothing is better. z is [K,1].
template <class T> LatentNodes<T> periodic_nodes(double low, double high, int64_t count);

/// F_beta(y, x) over the nodes, differentiable to any order; beta = infinity takes the minimum over
/// them. It asks the energy once, about N K rows. Throws Error where beta is not above 0.
template <class T> Energy<T> over_latent(Energy<T> energy, LatentNodes<T> nodes, double beta);

/// The chance of each node given (y, x), w_k e^{-beta E_k} / sum_j w_j e^{-beta E_j}: [N,K], on the
/// tape. Soft inference of z. Throws Error unless 0 < beta < infinity.
template <class T>
Var<T> latent_posterior(const Energy<T>& energy, const LatentNodes<T>& nodes, double beta,
                        const Arguments<T>& at);

/// How often a minimum may be differentiated.
enum class Order { first, second };

/// F_inf(y, x) over a continuous z[N, ...]: from each of `starts`[M, ...] z descends to a minimum
/// (ebm/inference.h), and the lowest counts. With z* found, dF/dy = dE/dy at z*, since dE/dz is 0
/// there: the envelope theorem. That is first order only, and a second derivative, which needs to know
/// how z* moves, is refused with an Error.
///
/// Order::second knows it. By the implicit function theorem dz* = -H^-1 dE_z, with E_z = dE/dz and H =
/// d^2E/dz^2 at z*; one Newton step z* - H^-1 E_z(y, x, z*), H held, has the value z* and that
/// derivative, so that E after it has
///   d^2F/dy^2 = E_yy - E_yz H^-1 E_zy,
/// and the same in x and in parameters. Second derivatives are exact where z* is, third ones are not.
/// It takes a backward pass for each of z's numbers. Throws Error where H is not positive definite (to 1e-10): z*
/// is then no point that moves smoothly. Source: Danskin 1967; Krantz and Parks 2002.
template <class T>
Energy<T> min_over_latent(Energy<T> energy, Tensor<T> starts, DescentOptions options = {},
                          Order order = Order::first);
/// The same for an energy with parameters in a training pass: z descends on a tape of its own, along
/// `held`, the same energy with its parameters held.
///   Energy<T> f = min_over_latent(model.in(context), model.frozen(parameters), starts);
template <class T>
Energy<T> min_over_latent(Energy<T> energy, Energy<T> held, Tensor<T> starts,
                          DescentOptions options = {}, Order order = Order::first);

/// What a continuous z of `dimensions` costs where E(y, x, z) = lowest + (z - z*)' A (z - z*) / 2:
///   F_beta = lowest + (D / 2 beta) log(beta / 2 pi) + log(det A) / (2 beta),
/// Laplace's integral, exact here and an approximation elsewhere.
template <class T>
Var<T> quadratic_latent_free_energy(Var<T> lowest, double log_det_stiffness, int64_t dimensions,
                                    double beta);

// --- limits on what z can say ---

/// z, or the nearest point to it with |z| <= radius: z min(1, radius / |z|) row by row, on the
/// tape. A latent kept in a ball can move what it explains only so far. Throws Error unless radius
/// > 0.
template <class T> Var<T> within_radius(Var<T> z, double radius);

/// How many nats z says of (y, x): log K - S(z | y, x) for posterior[N,K], a loss to add: [N]. 0
/// where the posterior is flat and log K where it is sure. Gradient: log p_k + 1.
template <class T> Var<T> latent_information(Var<T> posterior);

}  // namespace talweg::ebm
