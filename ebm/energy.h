// What an energy is: a function that gives every sample a number, low where its parts fit together.
//
//   E(y), E(y, x) or E(y, x, z):  y the answer, x what is observed, z a latent variable.
//
// Everything in this folder takes an Energy: distributions, free energies, losses, inference,
// samplers. Any callable is one that takes Arguments<T> and returns E[N] on their tape; row i of
// y[N, ...], x[N, ...] and z[N, ...] is sample i, and E[i] must depend on row i alone. A new energy
// is a generic lambda, or a struct where it has facts to tell:
//
//   struct Ring {                                           // E(y) = (|y|^2 - r^2)^2, over [N,D]
//     double radius;
//     template <class T> Var<T> operator()(const Arguments<T>& at) const {
//       return square(sum(square(at.y), -1) - T(radius * radius));
//     }
//     double minimum() const { return 0; }                  // on the whole sphere |y| = r
//   };
//   Energy<double> ring = Ring{2};
//   Var<double> e = ring({y});                              // [N]
//   Var<double> slope = energy_gradient(ring, {y}, y);      // [N,D], dE[i]/dy[i]
//
// A discrete variable is held as whole numbers 0, 1, ... in T. An energy with parameters is a
// LearnedEnergy: see the end of this file.
#pragma once

#include <concepts>
#include <functional>
#include <utility>

#include "core/tape.h"
#include "nn/context.h"

namespace talweg::ebm {

/// What an energy is asked about. `y` is always there, [N, ...]; `x` and `z` may be left out.
template <class T> struct Arguments {
  Var<T> y;
  Var<T> x = {};
  Var<T> z = {};

  Tape<T>& tape() const { return y.tape(); }
  int64_t rows() const { return y.shape()[0]; }  ///< N
};

/// Something that computes energies[N] from Arguments.
template <class F, class T>
concept EnergyFunction = requires(const F& f, const Arguments<T>& at) {
  { f(at) } -> std::same_as<Var<T>>;
};

/// A callable of any type, held by value. Copying an Energy copies what it holds.
template <class T> class Energy {
 public:
  Energy() = default;
  /// Meant to convert: where an Energy is asked for, give a lambda or a struct.
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, Energy> && EnergyFunction<F, T>) Energy(F f)
      : function_(std::move(f)) {}

  /// E[N]. Throws Error where y is missing or has no rows' axis, where y, x and z differ in rows,
  /// or where the function returned another shape than [N].
  Var<T> operator()(const Arguments<T>& at) const;

  explicit operator bool() const { return bool(function_); }  ///< does it hold a function?

 private:
  std::function<Var<T>(const Arguments<T>&)> function_;
};

/// dE[i]/dwrt[i] for every sample at once, in wrt's shape: the gradient of sum_i E[i], which is
/// each sample's own, since E[i] depends on row i alone. `wrt` is one of the arguments and a leaf
/// that needs a gradient, or depends on one. With `create_graph` the result is recorded and can be
/// differentiated again, in y as in parameters: what gradient penalties and score matching do.
template <class T>
Var<T> energy_gradient(const Energy<T>& energy, const Arguments<T>& at, Var<T> wrt,
                       bool create_graph = false);

/// E[N] of tensors, computed on a tape of its own and without gradients.
template <class T> Tensor<T> evaluate(const Energy<T>& energy, const Tensor<T>& y);
template <class T>
Tensor<T> evaluate(const Energy<T>& energy, const Tensor<T>& y, const Tensor<T>& x);

/// The energies of every sample with every candidate: F[n,k] = E(y = candidates[k], x = x[n]), on
/// the tape. For x[N, ...] and candidates[K, ...] it asks the energy once, about N K rows.
///   Var<T> f = all_energies(energy, x, candidates);   // rows = samples, columns = labels
/// Throws Error where either has no rows' axis.
template <class T> Var<T> all_energies(const Energy<T>& energy, Var<T> x, Var<T> candidates);

/// E(. | x): the energy of y alone, for one observation x[1, ...] that every row shares.
template <class T> Energy<T> given(Energy<T> energy, Tensor<T> x);

/// An energy whose parameters are learned: it keeps ids, as layers do, and finds the values through
/// the context of a pass.
///
///   template <class T> class Bilinear : public LearnedEnergy<T> {        // E(y, x) = -x . W y
///    public:
///     Bilinear(nn::Parameters<T>& parameters, int64_t size, Rng& rng)
///         : layer_(parameters, "bilinear", size, size, rng, false) {}
///     Var<T> operator()(nn::Context<T>& context, const Arguments<T>& at) const override {
///       return -sum(at.x * layer_.forward(context, at.y), -1);
///     }
///    private:
///     nn::Linear<T> layer_;
///   };
template <class T> class LearnedEnergy {
 public:
  virtual ~LearnedEnergy() = default;
  /// E[N] on the context's tape, where the arguments stand.
  virtual Var<T> operator()(nn::Context<T>& context, const Arguments<T>& at) const = 0;

  /// The energy in one pass: in training, gradients reach the parameters. Energy and context must
  /// outlive what is returned.
  Energy<T> in(nn::Context<T>& context) const {
    return [this, &context](const Arguments<T>& at) { return (*this)(context, at); };
  }
  /// The energy with its parameters held constant, on whatever tape the arguments stand: for
  /// sampling and inference. It sees later changes of `parameters`, which must outlive it.
  Energy<T> frozen(const nn::Parameters<T>& parameters) const {
    return [this, &parameters](const Arguments<T>& at) {
      auto context = nn::Context<T>::for_inference(at.tape(), parameters);
      return (*this)(context, at);
    };
  }
};

extern template class Energy<float>;
extern template class Energy<double>;

}  // namespace talweg::ebm
