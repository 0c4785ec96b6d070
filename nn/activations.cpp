#include "nn/activations.h"

#include "core/ops/elementwise.h"

namespace talweg::nn {

template <class T> Var<T> Tanh<T>::forward(Context<T>&, Var<T> x) const { return tanh(x); }
template <class T> Var<T> Softplus<T>::forward(Context<T>&, Var<T> x) const { return softplus(x); }
template <class T> Var<T> Swish<T>::forward(Context<T>&, Var<T> x) const { return x * sigmoid(x); }

template <class T> LayerPtr<T> Tanh<T>::transfer(const Parameters<T>&, Parameters<T>&) const {
  return std::make_shared<Tanh>(*this);
}
template <class T> LayerPtr<T> Softplus<T>::transfer(const Parameters<T>&, Parameters<T>&) const {
  return std::make_shared<Softplus>(*this);
}
template <class T> LayerPtr<T> Swish<T>::transfer(const Parameters<T>&, Parameters<T>&) const {
  return std::make_shared<Swish>(*this);
}

template <class T>
Sequential<T> mlp(Parameters<T>& parameters, const std::string& name,
                  std::span<const int64_t> sizes, Activation activation, Rng& rng) {
  expect(sizes.size() >= 2, "[mlp] ", name,
         " needs the size of its input and of its output, found ", sizes.size(), " sizes");
  Sequential<T> net;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    const std::string layer = message(name, ".", i);
    net.add(Linear<T>(parameters, layer, sizes[i], sizes[i + 1], rng));
    if (i + 2 == sizes.size()) break;
    switch (activation) {
      case Activation::tanh:
        net.add(Tanh<T>());
        break;
      case Activation::softplus:
        net.add(Softplus<T>());
        break;
      case Activation::swish:
        net.add(Swish<T>());
        break;
      case Activation::relu:
        net.add(ReLU<T>());
        break;
    }
  }
  return net;
}

template class Tanh<float>;
template class Tanh<double>;
template class Softplus<float>;
template class Softplus<double>;
template class Swish<float>;
template class Swish<double>;
template Sequential<float> mlp(Parameters<float>&, const std::string&, std::span<const int64_t>,
                               Activation, Rng&);
template Sequential<double> mlp(Parameters<double>&, const std::string&, std::span<const int64_t>,
                                Activation, Rng&);

}  // namespace talweg::nn
