// Smooth activations, and networks of them. An energy whose gradient is trained (score matching,
// gradient penalties, Langevin steps) wants a network with second derivatives, which ReLU's are 0.
#pragma once

#include <span>
#include <string>

#include "nn/layers.h"

namespace talweg::nn {

/// tanh(x).
template <class T> class Tanh final : public Layer<T> {
 public:
  Var<T> forward(Context<T>& context, Var<T> x) const override;
  std::string describe() const override { return "Tanh"; }
  LayerPtr<T> transfer(const Parameters<T>& from, Parameters<T>& to) const override;
};

/// log(1 + e^x): ReLU with a round corner, convex and above 0.
template <class T> class Softplus final : public Layer<T> {
 public:
  Var<T> forward(Context<T>& context, Var<T> x) const override;
  std::string describe() const override { return "Softplus"; }
  LayerPtr<T> transfer(const Parameters<T>& from, Parameters<T>& to) const override;
};

/// x sigmoid(x), also called SiLU. Source: Elfwing, Uchibe and Doya 2018.
template <class T> class Swish final : public Layer<T> {
 public:
  Var<T> forward(Context<T>& context, Var<T> x) const override;
  std::string describe() const override { return "Swish"; }
  LayerPtr<T> transfer(const Parameters<T>& from, Parameters<T>& to) const override;
};

enum class Activation { tanh, softplus, swish, relu };

/// Linear layers from sizes[0] numbers to sizes.back(), the activation between each two (not behind
/// the last); their parameters are called <name>.0.weight, <name>.0.bias, <name>.1.weight, ...
/// Throws Error for fewer than two sizes.
template <class T>
Sequential<T> mlp(Parameters<T>& parameters, const std::string& name,
                  std::span<const int64_t> sizes, Activation activation, Rng& rng);

}  // namespace talweg::nn
