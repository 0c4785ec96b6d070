// Optimisers: how gradients move parameters.
//
// An optimiser's memory is a few tensors per trained parameter (its slots), made when the optimiser
// is made, so that a step allocates nothing and a checkpoint can hold it.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "nn/context.h"

namespace talweg::nn {

/// The memory of an optimiser.
template <class T> struct OptimizerState {
  struct Slot {
    std::string name;
    std::vector<Tensor<T>> by_id;  ///< the parameter's shape; no elements where it is not trained
  };
  int64_t steps = 0;
  std::vector<Slot> slots;
};

template <class T> class Optimizer {
 public:
  virtual ~Optimizer() = default;
  virtual const char* name() const = 0;

  /// One step with the gradients that backward() left in `context`, each times `gradient_scale`
  /// (see clip_scale). A parameter that no gradient reached stays as it is. Throws Error in
  /// inference, or where the context's parameters are not the ones the optimiser was made for.
  void step(Context<T>& context, double learning_rate, double gradient_scale = 1);

  const OptimizerState<T>& state() const { return state_; }
  OptimizerState<T>& state() { return state_; }

 protected:
  Optimizer(const Parameters<T>& parameters, std::initializer_list<const char*> slots);

  /// Moves `p`, the parameter `id`, along its gradient `g` (p.value.size() numbers, to be scaled).
  virtual void update(int id, Parameter<T>& p, const T* g, T scale, double learning_rate) = 0;
  T* slot(int which, int id) {
    return state_.slots[std::size_t(which)].by_id[std::size_t(id)].data();
  }

 private:
  OptimizerState<T> state_;
};

struct SgdOptions {
  double momentum = 0;
  double weight_decay = 0;  ///< an L2 penalty's gradient, weight_decay * p, on decayed entries
  bool nesterov = false;
};

/// Stochastic gradient descent with momentum. With g the gradient plus weight_decay p:
///   u <- momentum u + g;   p <- p - lr u,   or, Nesterov's way,   p <- p - lr (g + momentum u).
/// Source: Sutskever et al. 2013, with the learning rate outside the momentum, as in PyTorch.
template <class T> class Sgd : public Optimizer<T> {
 public:
  /// Throws Error unless 0 <= momentum < 1 and weight_decay >= 0, and momentum > 0 for Nesterov.
  explicit Sgd(const Parameters<T>& parameters, SgdOptions options = {});
  const char* name() const override { return "sgd"; }

 private:
  void update(int id, Parameter<T>& p, const T* g, T scale, double learning_rate) override;
  SgdOptions options_;
};

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-2;
};

/// Adam with decoupled weight decay. At step t = 1, 2, ... with gradient g:
///   p <- p - lr weight_decay p                      (decayed entries only)
///   m <- beta1 m + (1 - beta1) g
///   v <- beta2 v + (1 - beta2) g^2
///   p <- p - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
/// t counts the optimiser's steps, for all parameters alike.
/// Source: Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2, with
/// the decay multiplied by lr as in PyTorch.
template <class T> class AdamW : public Optimizer<T> {
 public:
  /// Throws Error unless both betas are in [0, 1), epsilon > 0 and weight_decay >= 0.
  explicit AdamW(const Parameters<T>& parameters, AdamWOptions options = {});
  const char* name() const override { return "adamw"; }

 private:
  void update(int id, Parameter<T>& p, const T* g, T scale, double learning_rate) override;
  AdamWOptions options_;
};

/// The Euclidean norm of all gradients of this pass taken together, summed in double in a fixed
/// order. Throws Error naming the first parameter whose gradient is not finite.
template <class T> double gradient_norm(const Context<T>& context);

/// The factor that brings a gradient of norm `norm` down to `max_norm`: min(1, max_norm / norm).
/// Source: Pascanu et al. 2013, "On the difficulty of training recurrent neural networks", alg. 1.
inline double clip_scale(double norm, double max_norm) {
  return norm > max_norm ? max_norm / norm : 1;
}

}  // namespace talweg::nn
