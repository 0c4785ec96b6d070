#include "ebm/energies/learned.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/gradcheck.h"
#include "core/ops/reduce.h"
#include "ebm/losses/label_losses.h"
#include "nn/activations.h"
#include "nn/optim.h"
#include "tests/ebm/random_tensor.h"

using namespace talweg;
using namespace talweg::ebm;

namespace {

/// Gradients of a learned energy in its first argument and in a parameter, of both orders.
void check_learned(const LearnedEnergy<double>& energy, const nn::Parameters<double>& parameters,
                   const Tensor<double>& y, const Tensor<double>& x) {
  const Energy<double> frozen = energy.frozen(parameters);
  const Function f = [&](std::span<const Var<double>> in) {
    return x.size() > 0 ? frozen({in[0], in[0].tape().borrow(x, false)}) : frozen({in[0]});
  };
  const GradcheckResult first = gradcheck(f, {y}), second = gradgradcheck(f, {y});
  CHECK_MESSAGE(first.ok, first.worst);
  CHECK_MESSAGE(second.ok, second.worst);
}

/// d sum(E) / dparameter by the tape against differences, element by element.
void check_parameter(const LearnedEnergy<double>& energy, nn::Parameters<double>& parameters,
                     int id, const Tensor<double>& y, const Tensor<double>& x) {
  Tape<double> tape;
  auto context = nn::Context<double>::for_training(tape, parameters, Rng(1));
  Arguments<double> at{tape.borrow(y, false)};
  if (x.size() > 0) at.x = tape.borrow(x, false);
  tape.backward(sum(energy.in(context)(at)));
  const std::span<const double> g = context.gradient(id);
  REQUIRE(std::ssize(g) == parameters[id].value.size());
  const auto total = [&] {
    const Tensor<double> e = x.size() > 0 ? evaluate(energy.frozen(parameters), y, x)
                                          : evaluate(energy.frozen(parameters), y);
    double sum = 0;
    for (double v : e.values()) sum += v;
    return sum;
  };
  for (std::size_t i = 0; i < g.size(); ++i) {
    const double h = 1e-5, middle = parameters[id].value[int64_t(i)];
    parameters[id].value[int64_t(i)] = middle + h;
    const double up = total();
    parameters[id].value[int64_t(i)] = middle - h;
    const double down = total();
    parameters[id].value[int64_t(i)] = middle;
    CHECK(g[i] == doctest::Approx((up - down) / (2 * h)).epsilon(1e-6));
  }
}

}  // namespace

TEST_CASE("an MLP energy of y and x has the gradients that differences give") {
  for (const auto activation :
       {nn::Activation::tanh, nn::Activation::softplus, nn::Activation::swish}) {
    nn::Parameters<double> parameters;
    Rng rng(1);
    const NetworkEnergy<double> energy(
        nn::mlp(parameters, "energy", {{3, 5, 4, 1}}, activation, rng));
    check_learned(energy, parameters, random_tensor({4, 1}, 2), random_tensor({4, 2}, 3));
    check_parameter(energy, parameters, parameters.find("energy.1.weight"),
                    random_tensor({4, 1}, 2), random_tensor({4, 2}, 3));
  }
}

TEST_CASE("a convolutional energy takes images and has the gradients that differences give") {
  nn::Parameters<double> parameters;
  Rng rng(1);
  const NetworkEnergy<double> energy(conv_energy_net(parameters, "energy", 2, 3, rng));
  check_learned(energy, parameters, random_tensor({2, 5, 6, 2}, 2), {});
  check_parameter(energy, parameters, parameters.find("energy.conv1.weight"),
                  random_tensor({2, 5, 6, 2}, 2), {});
}

TEST_CASE("a prediction energy is the squared distance to g, and an embedding energy of f and g") {
  nn::Parameters<double> parameters;
  Rng rng(1);
  const auto g = nn::mlp(parameters, "g", {{2, 3}}, nn::Activation::tanh, rng);
  const auto h = nn::mlp(parameters, "h", {{3, 3}}, nn::Activation::tanh, rng);
  const Tensor<double> x = random_tensor({4, 2}, 2), y = random_tensor({4, 3}, 3);
  Tape<double> tape;
  auto context = nn::Context<double>::for_inference(tape, parameters);
  const Var<double> gx = g.forward(context, tape.borrow(x, false));
  const Var<double> hy = h.forward(context, tape.borrow(y, false));
  const PredictionEnergy<double> prediction(g);
  const EmbeddingEnergy<double> embedding(g, h);
  const Tensor<double> p = evaluate(prediction.frozen(parameters), y, x);
  const Tensor<double> e = evaluate(embedding.frozen(parameters), y, x);
  for (int64_t r = 0; r < 4; ++r) {
    double to_prediction = 0, apart = 0;
    for (int64_t i = 3 * r; i < 3 * r + 3; ++i) {
      to_prediction += std::pow(y[i] - gx.data()[i], 2);
      apart += std::pow(gx.data()[i] - hy.data()[i], 2);
    }
    CHECK(p[r] == doctest::Approx(to_prediction));
    CHECK(e[r] == doctest::Approx(apart));
  }
  check_learned(prediction, parameters, y, x);
  check_learned(embedding, parameters, y, x);
  check_parameter(embedding, parameters, parameters.find("h.0.weight"), y, x);
}

TEST_CASE("a prediction may come from x and a latent side by side") {
  nn::Parameters<double> parameters;
  Rng rng(1);
  const PredictionEnergy<double> energy(
      nn::mlp(parameters, "g", {{3, 2}}, nn::Activation::tanh, rng));
  Tape<double> tape;
  auto context = nn::Context<double>::for_inference(tape, parameters);
  const Var<double> y = tape.constant(random_tensor({2, 2}, 1));
  const Var<double> e = energy.in(context)({y, tape.constant(random_tensor({2, 2}, 2)),
                                            tape.constant(random_tensor({2, 1}, 3))});
  CHECK(e.shape() == Shape{2});
  CHECK_THROWS_WITH_AS(energy.in(context)({y}), doctest::Contains("needs x or z"), Error);
  CHECK_THROWS_WITH_AS(energy.in(context)({y, tape.constant(Tensor<double>({2, 4}))}),
                       doctest::Contains("inner extents"), Error);
}

TEST_CASE("a learned table trained by the NLL finds the data's -log frequencies") {
  nn::Parameters<double> parameters;
  const TableEnergy<double> energy(parameters, "f", {2, 3});
  const std::vector<int32_t> seen_x{0, 0, 0, 0, 1, 1, 1, 1}, seen_y{0, 0, 1, 2, 1, 1, 1, 2};
  Tensor<double> candidates({3, 1}, std::vector<double>{0, 1, 2}), x({8, 1});
  for (int i = 0; i < 8; ++i) x[i] = seen_x[std::size_t(i)];
  Tape<double> tape;
  auto context = nn::Context<double>::for_training(tape, parameters, Rng(1));
  nn::Sgd<double> optimizer(parameters);
  for (int step = 0; step < 3000; ++step) {
    TapeScope<double> scope(tape);
    context.begin_step();
    const Var<double> f =
        all_energies(energy.in(context), tape.borrow(x, false), tape.borrow(candidates, false));
    tape.backward(mean(nll_loss(f, seen_y)));
    optimizer.step(context, 2.0);
  }
  const Tensor<double>& f = parameters[energy.table()].value;
  CHECK(f[1] - f[0] == doctest::Approx(std::log(2.0)));  // x = 0: 2, 1, 1 of 4
  CHECK(f[2] - f[1] == doctest::Approx(0).epsilon(1e-9));
  CHECK(f[5] - f[4] == doctest::Approx(std::log(3.0)).epsilon(1e-3));  // x = 1: 0, 3, 1 of 4
  CHECK(f[3] - f[4] > 5);                                              // never seen: still rising
}

TEST_CASE_TEMPLATE("learned energies stand in float and double", T, float, double) {
  nn::Parameters<T> parameters;
  Rng rng(1);
  const NetworkEnergy<T> energy(nn::mlp(parameters, "e", {{2, 8, 1}}, nn::Activation::swish, rng));
  const Tensor<T> e = evaluate(energy.frozen(parameters), Tensor<T>({3, 2}, T(0.5)));
  CHECK(std::isfinite(double(e[2])));
  CHECK_THROWS_WITH_AS((nn::mlp<T>(parameters, "f", {{2}}, nn::Activation::tanh, rng)),
                       doctest::Contains("needs the size"), Error);
}
