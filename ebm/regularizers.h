// Terms to add to a loss so that the energy stays tame where the loss alone would let it run: small
// (energy_l2), smooth (gradient penalties, spectral norm), and, in other files,
//
//   small weights         weight_decay of nn::Sgd and nn::AdamW          nn/optim.h
//   finite gaps           smoothed_labels with soft_nll_loss             ebm/losses/label_losses.h
//   a latent's capacity   one_of, within_radius, latent_information      ebm/latent.h
#pragma once

#include <vector>

#include "core/rng.h"
#include "ebm/energy.h"

namespace talweg::ebm {

/// mean of E^2: keeps the energies' common level near 0, which contrastive divergence and the NLL
/// leave free, and keeps gaps from growing for ever. Gradient: 2 E / N. For the pair's form add it
/// of right and of sampled wrong answers. Source: Du and Mordatch 2019, section 3.2.
template <class T> Var<T> energy_l2(Var<T> energies);

/// mean over samples of |dE/dy|^2, exact: differentiable in parameters and in y through a recorded
/// backward pass. With y at the data it presses the energy flat there; with y spread over the domain
/// it stands for the integral of |F'|^2, which bounds an NLL's cliff: lambda/2 times it leaves a
/// kink of (1 - p)/lambda at a datum of probability p. y must be a leaf that needs a gradient, or
/// depend on one: it is at.y that is differentiated. Source: Drucker and Le Cun 1992, "double
/// backprop".
template <class T> Var<T> gradient_penalty(const Energy<T>& energy, const Arguments<T>& at);

/// mean of (|dE/dy| - 1)^2: asks for slope 1 wherever it looks, which makes the energy a distance;
/// at points between right and wrong answers it is Gulrajani et al. 2017's penalty. |dE/dy| is
/// taken as sqrt(|.|^2 + 1e-12), for at 0 the norm has no derivative.
template <class T> Var<T> unit_gradient_penalty(const Energy<T>& energy, const Arguments<T>& at);

/// The largest singular value of a weight, by power iteration: v <- W'u/|W'u|, u <- Wv/|Wv|. A
/// layer of spectral norm s stretches no difference by more than s, so a network of 1-Lipschitz
/// activations over weights divided by theirs has an energy of slope 1 at most. u and v stay
/// between calls, as the weight moves little between two steps; a convolution's weight [K, ...] is
/// taken as the matrix [K, rest]. Source: Miyato et al. 2018, algorithm 1.
template <class T> class SpectralNorm {
 public:
  /// Begins at a random u. Throws Error unless the shape has two axes or more and no empty one.
  SpectralNorm(const Shape& weight, Rng& rng);

  /// sigma = u' W v on the tape, after as many more iterations. Gradient: dW = u v', exact once u
  /// and v have settled. First order only: how u and v turn with W is not in it, and a second
  /// derivative in W is refused with an Error. Gradient penalties differentiate in y first and in W
  /// once, and may.
  Var<T> of(Var<T> weight, int iterations = 1);
  /// W / sigma(W), of norm 1: what a layer computes with.
  Var<T> normalize(Var<T> weight, int iterations = 1);

  /// |W'u - sigma v|, which is 0 at a singular pair: how far it has settled. Of the last call.
  double residual() const { return residual_; }

 private:
  Shape weight_;
  std::vector<double> u_, v_;
  double residual_ = 0;
};

}  // namespace talweg::ebm
