#include "nn/optim.h"

#include <cmath>

#include "core/kernels/kernels.h"

namespace talweg::nn {

template <class T>
Optimizer<T>::Optimizer(const Parameters<T>& parameters, std::initializer_list<const char*> slots) {
  for (const char* name : slots) {
    auto& slot = state_.slots.emplace_back();
    slot.name = name;
    for (const Parameter<T>& p : parameters) {
      slot.by_id.emplace_back(p.trained ? p.value.shape() : Shape{0});
    }
  }
}

template <class T>
void Optimizer<T>::step(Context<T>& context, double learning_rate, double gradient_scale) {
  Parameters<T>& parameters = context.mutable_parameters();
  for (const auto& slot : state_.slots) {
    expect(int(slot.by_id.size()) == parameters.size(), "[", name(), "] was made for ",
           slot.by_id.size(), " parameters, the context has ", parameters.size(),
           "; make the optimiser after the last layer");
  }
  ++state_.steps;
  for (int id = 0; id < parameters.size(); ++id) {
    const std::span<const T> g = context.gradient(id);
    if (!g.empty()) update(id, parameters[id], g.data(), T(gradient_scale), learning_rate);
  }
}

// --- SGD ---

template <class T>
Sgd<T>::Sgd(const Parameters<T>& parameters, SgdOptions options)
    : Optimizer<T>(parameters, {"momentum"}), options_(options) {
  expect(0 <= options.momentum && options.momentum < 1, "[sgd] momentum must be in [0, 1), found ",
         options.momentum);
  expect(options.weight_decay >= 0, "[sgd] weight decay must not be negative, found ",
         options.weight_decay);
  expect(!options.nesterov || options.momentum > 0,
         "[sgd] Nesterov's step needs a momentum above 0");
}

template <class T>
void Sgd<T>::update(int id, Parameter<T>& p, const T* g, T scale, double learning_rate) {
  const kernels::SgdStep<T> step{
      .scale = scale,
      .decay = p.decay ? T(options_.weight_decay) : T(0),
      .momentum = T(options_.momentum),
      .rate = T(learning_rate),
      .nesterov = options_.nesterov,
  };
  kernels::table<T>().sgd(p.value.size(), step, g, p.value.data(), this->slot(0, id));
}

// --- AdamW ---

template <class T>
AdamW<T>::AdamW(const Parameters<T>& parameters, AdamWOptions options)
    : Optimizer<T>(parameters, {"m", "v"}), options_(options) {
  for (double beta : {options.beta1, options.beta2}) {
    expect(0 <= beta && beta < 1, "[adamw] betas must be in [0, 1), found ", beta);
  }
  expect(options.epsilon > 0, "[adamw] epsilon must be positive, found ", options.epsilon);
  expect(options.weight_decay >= 0, "[adamw] weight decay must not be negative, found ",
         options.weight_decay);
}

template <class T>
void AdamW<T>::update(int id, Parameter<T>& p, const T* g, T scale, double learning_rate) {
  const double t = double(this->state().steps);
  // m / (1 - beta1^t) and sqrt(v / (1 - beta2^t)), with the corrections outside the loop.
  const kernels::AdamStep<T> step{
      .scale = scale,
      .keep = p.decay ? T(1 - learning_rate * options_.weight_decay) : T(1),
      .rate = T(learning_rate / (1 - std::pow(options_.beta1, t))),
      .v_correction = T(1 / std::sqrt(1 - std::pow(options_.beta2, t))),
      .epsilon = T(options_.epsilon),
      .beta1 = T(options_.beta1),
      .gain1 = T(1 - options_.beta1),
      .beta2 = T(options_.beta2),
      .gain2 = T(1 - options_.beta2),
  };
  kernels::table<T>().adam(p.value.size(), step, g, p.value.data(), this->slot(0, id),
                           this->slot(1, id));
}

// --- clipping ---

template <class T> double gradient_norm(const Context<T>& context) {
  const Parameters<T>& parameters = context.parameters();
  double total = 0;
  for (int id = 0; id < parameters.size(); ++id) {
    const std::span<const T> g = context.gradient(id);
    const double sum = kernels::table<T>().square_sum(int64_t(g.size()), g.data());
    expect(std::isfinite(sum), "[gradient_norm] the gradient of ", parameters[id].name, " ",
           parameters[id].value.shape(),
           " is not finite; lower the learning rate, clip gradients, or look for a division or a ",
           "logarithm near zero");
    total += sum;
  }
  return std::sqrt(total);
}

template class Optimizer<float>;
template class Optimizer<double>;
template class Sgd<float>;
template class Sgd<double>;
template class AdamW<float>;
template class AdamW<double>;
template double gradient_norm<float>(const Context<float>&);
template double gradient_norm<double>(const Context<double>&);

}  // namespace talweg::nn
