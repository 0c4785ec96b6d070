#include "nn/conv_report.h"

#include "core/kernels/conv2d_algo.h"

namespace talweg::nn {
namespace {

/// net(x), with a note of every convolution on the way.
Var<float> run(const Layer<float>& net, Context<float>& context, Var<float> x,
               std::vector<ConvChoice>& choices) {
  if (const auto* sequential = dynamic_cast<const Sequential<float>*>(&net)) {
    for (const auto& layer : sequential->layers()) x = run(*layer, context, x, choices);
    return x;
  }
  if (const auto* residual = dynamic_cast<const Residual<float>*>(&net)) {
    run(residual->branch(), context, x, choices);
  }
  if (const auto* conv = dynamic_cast<const Conv2d<float>*>(&net)) {
    choices.push_back(conv->choice(context, x.shape()));
  }
  return net.forward(context, x);
}

}  // namespace

std::vector<ConvChoice> conv_choices(const Layer<float>& net, const Parameters<float>& parameters,
                                     const Shape& input, ConvAlgo algo) {
  const Tensor<float> zeros(input);
  Tape<float> tape;
  auto context = Context<float>::for_inference(tape, parameters);
  context.set_conv_algo(algo);
  std::vector<ConvChoice> choices;
  run(net, context, tape.borrow(zeros, false), choices);
  return choices;
}

std::string to_string(const std::vector<ConvChoice>& choices) {
  std::string text;
  for (const ConvChoice& c : choices) {
    text += message(c.name, "  ", c.layer, ", input ", c.input, ": forward ",
                    kernels::algo_name(c.forward), ", data ", kernels::algo_name(c.backward_data),
                    ", weights ", kernels::algo_name(c.backward_weights),
                    c.note.empty() ? "" : "; ", c.note, "\n");
  }
  return text;
}

}  // namespace talweg::nn
