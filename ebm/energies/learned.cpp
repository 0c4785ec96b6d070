#include "ebm/energies/learned.h"

#include <vector>

#include "core/ops/reduce.h"
#include "ebm/energies/table.h"
#include "nn/activations.h"

namespace talweg::ebm {
namespace {

/// The given ones of the parts one beside the other: [N, sum of widths]; a lone part as it is.
template <class T> Var<T> side_by_side(const char* energy, std::initializer_list<Var<T>> parts) {
  std::vector<Var<T>> given;
  for (Var<T> part : parts) {
    if (part) given.push_back(part);
  }
  expect(!given.empty(), "[", energy, "] needs x or z to compute with, and neither was given");
  if (given.size() == 1) return given[0];
  for (Var<T> part : given) {
    expect(part.shape().rank() == 2, "[", energy,
           "] arguments that go in side by side must be [N,D], "
           "found ",
           part.shape(), "; reshape it");
  }
  return concat(std::span<const Var<T>>(given), 1);
}

/// The sum over each sample's elements, [N].
template <class T> Var<T> sum_rows(Var<T> v) {
  const int64_t n = v.shape()[0];
  return sum(reshape(v, {n, v.shape().size_between(1, v.shape().rank())}), 1);
}

template <class T> Var<T> squared_distance(const char* energy, Var<T> a, Var<T> b) {
  expect(a.shape() == b.shape(), "[", energy, "] compares shapes ", a.shape(), " and ", b.shape(),
         ", which must be equal; mind the network's output size");
  return sum_rows(square(a - b));
}

}  // namespace

template <class T>
Var<T> TableEnergy<T>::operator()(nn::Context<T>& context, const Arguments<T>& at) const {
  const Var<T> table = context.leaf(table_);
  return gather(table, table_entries(table.shape(), at), {at.rows()});
}

template <class T>
Var<T> NetworkEnergy<T>::operator()(nn::Context<T>& context, const Arguments<T>& at) const {
  return sum_rows(net_->forward(context, side_by_side("network energy", {at.y, at.x, at.z})));
}

template <class T>
Var<T> PredictionEnergy<T>::operator()(nn::Context<T>& context, const Arguments<T>& at) const {
  const Var<T> from = side_by_side("prediction energy", {at.x, at.z});
  return squared_distance("prediction energy", at.y, g_->forward(context, from));
}

template <class T>
Var<T> EmbeddingEnergy<T>::operator()(nn::Context<T>& context, const Arguments<T>& at) const {
  expect(bool(at.x), "[embedding energy] compares y with x, and x was not given");
  return squared_distance("embedding energy", f_->forward(context, at.x),
                          g_->forward(context, at.y));
}

template <class T>
nn::Sequential<T> conv_energy_net(nn::Parameters<T>& parameters, const std::string& name,
                                  int64_t channels, int64_t width, Rng& rng) {
  const auto conv = [&](const char* layer, int64_t in, int64_t out, int64_t stride) {
    return nn::Conv2d<T>(
        parameters, name + layer,
        {.in = in, .out = out, .stride_h = stride, .stride_w = stride, .pad_h = 1, .pad_w = 1},
        rng);
  };
  nn::Sequential<T> net;
  net.add(conv(".conv1", channels, width, 2)).add(nn::Swish<T>());
  net.add(conv(".conv2", width, width, 2)).add(nn::Swish<T>());
  net.add(conv(".conv3", width, 1, 1));
  return net;
}

#define TALWEG_INSTANTIATE(T)                                                                 \
  template class TableEnergy<T>;                                                              \
  template class NetworkEnergy<T>;                                                            \
  template class PredictionEnergy<T>;                                                         \
  template class EmbeddingEnergy<T>;                                                          \
  template nn::Sequential<T> conv_energy_net(nn::Parameters<T>&, const std::string&, int64_t, \
                                             int64_t, Rng&);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm
