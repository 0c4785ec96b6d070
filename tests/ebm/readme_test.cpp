// The snippets of ebm/README.md, as they stand there: readme.cmake compares.
#include <doctest/doctest.h>

#include <cmath>

#include "core/gradcheck.h"
#include "core/ops/reduce.h"
#include "ebm/energies/learned.h"
#include "ebm/energy.h"
#include "ebm/inference.h"
#include "ebm/losses/label_losses.h"
#include "ebm/losses/loss_plane.h"
#include "ebm/minima.h"
#include "ebm/quadrature.h"
#include "nn/activations.h"
#include "nn/optim.h"

using namespace talweg;
using namespace talweg::ebm;

namespace {

// clang-format off
struct Ring {  // E(y) = (|y|^2 - r^2)^2, lowest on the sphere |y| = r
  double radius;
  template <class T> Var<T> operator()(const Arguments<T>& at) const {
    return square(sum(square(at.y), -1) - T(radius * radius));
  }
};

Var<double> ratio_loss(Var<double> good, Var<double> bad) {  // log(1 + E / Ebar)
  return softplus(log(good) - log(bad));
}
// clang-format on

}  // namespace

TEST_CASE("the energies' README: from an energy to an answer") {
  // clang-format off
Energy<double> well = [](const auto& at) {  // E(y) = (y^2 - 1)^2 + y/4, for y[N,1]
  return sum(square(square(at.y) - 1.0) + 0.25 * at.y, -1);
};
const double beta = 2;
const Quadrature p = integrate(well, beta, {{-4, 4}});     // log Z, <E>, entropy, every average
Rng rng(1);
const Minima found = all_minima(well, uniform_starts(-2, 2, 20, 1, rng));
double best = found.minima[0].y[0];                        // -1.03: the lower of two
  // clang-format on
  CHECK(best == doctest::Approx(-1.03).epsilon(0.01));
  CHECK(found.minima.size() == 2);
  CHECK(p.error < 1e-8);
  CHECK(p.mean()[0] < 0);
}

TEST_CASE("the energies' README: a new energy, in float and in double") {
  CHECK(evaluate<double>(Ring{2}, Tensor<double>({1, 2}, 1.0))[0] == 4);
  CHECK(evaluate<float>(Ring{2}, Tensor<float>({1, 2}, 1.0f))[0] == 4);
}

TEST_CASE("the energies' README: training a learned energy") {
  // The answer is 1 where x > 0, else -1.
  Tensor<double> x({8, 1}), answers({2, 1}, std::vector<double>{-1, 1});
  std::vector<int32_t> labels;
  for (int i = 0; i < 8; ++i) {
    x[i] = i - 3.5;
    labels.push_back(x[i] > 0);
  }
  // clang-format off
nn::Parameters<double> parameters;
Rng draw(2);
const NetworkEnergy<double> energy(
    nn::mlp(parameters, "energy", {{2, 16, 1}}, nn::Activation::swish, draw));
Tape<double> tape;
auto context = nn::Context<double>::for_training(tape, parameters, Rng(3));
nn::AdamW<double> optimizer(parameters);
for (int step = 0; step < 300; ++step) {
  TapeScope<double> scope(tape);
  context.begin_step();
  Var<double> f = all_energies(energy.in(context), tape.borrow(x, false), tape.borrow(answers, false));
  tape.backward(mean(nll_loss(f, labels)));  // rows are samples, columns are answers
  optimizer.step(context, 0.01);
}
  // clang-format on
  TapeScope<double> scope(tape);
  const Var<double> f =
      all_energies(energy.frozen(parameters), tape.borrow(x, false), tape.borrow(answers, false));
  CHECK(lowest_labels(f) == labels);
}

TEST_CASE("the energies' README: a new loss has gradients and a margin") {
  const auto r = gradcheck([](auto x) { return ratio_loss(x[0], x[1]); },
                           {Tensor<double>({3}, 0.7), Tensor<double>({3}, 1.9)});
  CHECK_MESSAGE(r.ok, r.worst);
  CHECK(kept_margin(loss_plane(ratio_loss, 0.1, 4, 65)) > 1);
}
