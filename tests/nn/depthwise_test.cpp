#include "nn/depthwise.h"

#include <doctest/doctest.h>

#include "core/ops/reduce.h"
#include "core/tape.h"

namespace talweg::nn {

TEST_CASE("DepthwiseConv2d filters each channel for itself, adds its bias, and trains both") {
  Rng rng(1);
  Parameters<double> parameters;
  const DepthwiseConv2d<double> layer(parameters, "mix", {.channels = 2, .kh = 1, .kw = 2}, rng);
  const std::vector<double> weights{1, 10, 2, 20}, biases{100, 200};
  parameters[layer.weight()].value = Tensor<double>({1, 2, 2}, weights);
  parameters[layer.bias()].value = Tensor<double>({2}, biases);
  CHECK(parameters[layer.weight()].name == "mix.weight");
  CHECK(layer.describe() == "DepthwiseConv2d 1x2 2 bias");

  Tape<double> tape;
  auto context = Context<double>::for_training(tape, parameters, Rng(3));
  const std::vector<double> image{1, 2, 3, 4, 5, 6};  // three pixels of two channels
  const Var<double> x = tape.constant(Tensor<double>({1, 1, 3, 2}, image));
  const Var<double> y = layer.forward(context, x);
  CHECK(y.shape() == Shape{1, 1, 2, 2});
  const std::vector<double> expected{1 + 2 * 3 + 100, 10 * 2 + 20 * 4 + 200,  //
                                     3 + 2 * 5 + 100, 10 * 4 + 20 * 6 + 200};
  for (int64_t i = 0; i < 4; ++i) CHECK(y.values()[std::size_t(i)] == expected[std::size_t(i)]);

  tape.backward(sum(y));
  const auto dw = context.gradient(layer.weight()), db = context.gradient(layer.bias());
  const std::vector<double> expected_dw{1 + 3, 2 + 4, 3 + 5, 4 + 6};
  for (std::size_t i = 0; i < 4; ++i) CHECK(dw[i] == expected_dw[i]);
  for (std::size_t i = 0; i < 2; ++i) CHECK(db[i] == 2);
}

TEST_CASE("DepthwiseConv2d is copied with its parameters, and without a bias has none") {
  Rng rng(2);
  Parameters<float> from, to;
  const DepthwiseConv2d<float> layer(
      from, "mix", {.channels = 3, .stride_h = 2, .pad_w = 1, .bias = false}, rng);
  CHECK(layer.describe() == "DepthwiseConv2d 3x3 3 stride 2x1 pad 0x1");
  CHECK(layer.bias() == -1);
  const LayerPtr<float> copy = layer.transfer(from, to);
  REQUIRE(to.size() == 1);
  CHECK(to[0].value.shape() == Shape{3, 3, 3});
  CHECK(to[0].value[5] == from[layer.weight()].value[5]);
  CHECK(copy->describe() == layer.describe());
}

}  // namespace talweg::nn
