// Energies with parameters to learn, over any network of nn/. What an architecture allows decides
// what a loss without negatives does to it: see each.
//
//   nn::Parameters<double> parameters;
//   Rng rng(seed);
//   const NetworkEnergy<double> energy(
//       nn::mlp(parameters, "energy", {{2, 32, 32, 1}}, nn::Activation::swish, rng));
//   Var<double> e = energy.in(context)({y, x});        // in training, y[N,1] and x[N,1]
//   Energy<double> held = energy.frozen(parameters);   // for sampling and inference
#pragma once

#include <string>
#include <utility>

#include "ebm/energy.h"
#include "nn/layers.h"

namespace talweg::ebm {

/// E(y, x) = table[x, y] for discrete variables, every entry a parameter of its own, 0 to begin
/// with: the freest energy there is. Indexed as ebm/energies/table.h says. Pushing down alone sends
/// it to -infinity.
template <class T> class TableEnergy : public LearnedEnergy<T> {
 public:
  TableEnergy(nn::Parameters<T>& parameters, const std::string& name, const Shape& shape)
      : table_(parameters.add(name + ".table", Tensor<T>(shape), nn::ParameterKind::weight)) {}
  Var<T> operator()(nn::Context<T>& context, const Arguments<T>& at) const override;
  int table() const { return table_; }  ///< its parameter id

 private:
  int table_;
};

/// E = the sum of the network's outputs for the sample. Its input is y alone as it is, an image
/// y[N,H,W,C] for example, or y[N,Dy], x[N,Dx] and z[N,Dz] side by side, those that are given. With
/// nn::mlp it is an MLP of all arguments; over convolutions it sums the energies of all patches,
/// the fields of experts of Roth and Black 2005. Unbounded: pushing down alone sends it to
/// -infinity.
template <class T> class NetworkEnergy : public LearnedEnergy<T> {
 public:
  template <class L>
  explicit NetworkEnergy(L net) : net_(std::make_shared<const L>(std::move(net))) {}
  Var<T> operator()(nn::Context<T>& context, const Arguments<T>& at) const override;

 private:
  nn::LayerPtr<T> net_;
};

/// E(y, x) = |y - g(x)|^2, or |y - g(x, z)|^2 or |y - g(z)|^2: whichever of x and z are given, side
/// by side, go into g. As a function of y its shape is fixed, a bowl around the prediction, so that
/// it cannot collapse; without a latent it has one minimum, and training to it is regression, which
/// answers one-to-many questions by the mean.
template <class T> class PredictionEnergy : public LearnedEnergy<T> {
 public:
  template <class L> explicit PredictionEnergy(L g) : g_(std::make_shared<const L>(std::move(g))) {}
  Var<T> operator()(nn::Context<T>& context, const Arguments<T>& at) const override;

 private:
  nn::LayerPtr<T> g_;
};

/// E(y, x) = |f(x) - g(y)|^2: do the two embeddings agree? Pushing down alone, f and g become the
/// same constant and the energy is 0 everywhere: it collapses.
template <class T> class EmbeddingEnergy : public LearnedEnergy<T> {
 public:
  template <class F, class G>
  EmbeddingEnergy(F f, G g)
      : f_(std::make_shared<const F>(std::move(f))), g_(std::make_shared<const G>(std::move(g))) {}
  Var<T> operator()(nn::Context<T>& context, const Arguments<T>& at) const override;

 private:
  nn::LayerPtr<T> f_, g_;
};

/// A small network for NetworkEnergy over images of `channels`: `width` features of 3x3 windows,
/// each second pixel, twice, and one number of each place in the end; Swish between. Images of any
/// size.
template <class T>
nn::Sequential<T> conv_energy_net(nn::Parameters<T>& parameters, const std::string& name,
                                  int64_t channels, int64_t width, Rng& rng);

}  // namespace talweg::ebm
