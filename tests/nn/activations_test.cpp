#include "nn/activations.h"

#include <doctest/doctest.h>

#include <cmath>

namespace talweg::nn {
namespace {

double at(const Layer<double>& layer, double x) {
  Parameters<double> none;
  Tape<double> tape;
  auto context = Context<double>::for_inference(tape, none);
  return layer.forward(context, tape.constant(x)).item();
}

TEST_CASE("the smooth activations are what their formulas say") {
  for (const double x : {-30.0, -1.0, 0.0, 0.5, 30.0}) {
    CHECK(at(Tanh<double>(), x) == doctest::Approx(std::tanh(x)));
    CHECK(at(Softplus<double>(), x) == doctest::Approx(std::log1p(std::exp(x))));
    CHECK(at(Swish<double>(), x) == doctest::Approx(x / (1 + std::exp(-x))));
  }
}

TEST_CASE("an mlp has an activation between each two layers and none at its end") {
  Parameters<float> parameters;
  Rng rng(1);
  const std::vector<int64_t> sizes{2, 3, 4, 1};
  const auto net = mlp(parameters, "net", sizes, Activation::softplus, rng);
  CHECK(net.layers().size() == 5);
  CHECK(net.layers()[1]->describe() == "Softplus");
  CHECK(net.layers()[4]->describe() == "Linear 4->1 bias");
  CHECK(parameters.find("net.2.bias") >= 0);
  Parameters<float> copy;
  CHECK(net.transfer(parameters, copy)->describe() == net.describe());
}

}  // namespace
}  // namespace talweg::nn
