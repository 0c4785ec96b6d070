#include "nn/checkpointed.h"

#include "core/study/checkpoint.h"

namespace talweg::nn {

template <class T>
Checkpointed<T>::Checkpointed(const Parameters<T>& parameters, Sequential<T> segment)
    : segment_(std::move(segment)) {
  Parameters<T> used;  // a transfer copies them, by name
  segment_.transfer(parameters, used);
  for (const Parameter<T>& p : used) ids_.push_back(parameters.find(p.name));
}

template <class T> Var<T> Checkpointed<T>::forward(Context<T>& context, Var<T> x) const {
  if (!context.training() || !context.tape().recording()) return segment_.forward(context, x);
  std::vector<Var<T>> inputs{x};
  for (int id : ids_) inputs.push_back(context.leaf(id));
  // The function runs now, and again whenever a gradient comes by.
  const uint64_t streams = context.streams_taken();
  const std::span<bool> ran = context.tape().template keep<bool>(1);
  ran[0] = false;
  const auto run = [this, &context, streams, ran](std::span<const Var<T>> v) {
    const bool again = std::exchange(ran[0], true);
    const Replay<T> replay(context, ids_, v.subspan(1), streams, again);
    return segment_.forward(context, v[0]);
  };
  return checkpoint<T>(run, inputs);
}

template <class T> std::string Checkpointed<T>::describe() const {
  std::string text = "checkpointed:\n" + segment_.describe();
  for (std::size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) {
    text.insert(at + 1, "  ");
  }
  return text;
}

template <class T>
LayerPtr<T> Checkpointed<T>::transfer(const Parameters<T>& from, Parameters<T>& to) const {
  Sequential<T> copy;
  for (const LayerPtr<T>& layer : segment_.layers()) copy.add(layer->transfer(from, to));
  return std::make_shared<Checkpointed>(to, std::move(copy));
}

template class Checkpointed<float>;
template class Checkpointed<double>;

}  // namespace talweg::nn
