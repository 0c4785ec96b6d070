// The snippets of nn/README.md, as they stand there: readme.cmake compares.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "core/ops.h"
#include "core/rng.h"
#include "nn/layers.h"
#include "nn/optim.h"
#include "nn/schedule.h"
#include "nn/trainer.h"

using namespace talweg;

namespace {

// clang-format off
/// Two spirals of points, 0 and 1, wound around each other.
struct Spirals {
  Tensor<float> points{{64, 2}};
  std::vector<int32_t> labels = std::vector<int32_t>(64);
  void draw(Rng rng) {
    for (int64_t i = 0; i < 64; ++i) {
      labels[i] = int32_t(rng.below(2));
      const double t = rng.uniform(0.2, 1), angle = 7 * t + 3.14159 * labels[i];
      points[2 * i] = float(t * std::cos(angle) + 0.02 * rng.normal());
      points[2 * i + 1] = float(t * std::sin(angle) + 0.02 * rng.normal());
    }
  }
};

double train_spirals(int64_t steps) {
  // What is learned, and how it is used: parameters and layers apart.
  nn::Parameters<float> parameters;
  Rng rng(1);
  nn::Sequential<float> net;
  net.add(nn::Linear<float>(parameters, "hidden1", 2, 32, rng)).add(nn::ReLU<float>());
  net.add(nn::Linear<float>(parameters, "hidden2", 32, 32, rng)).add(nn::ReLU<float>());
  net.add(nn::Linear<float>(parameters, "out", 32, 2, rng));

  // A step's loss: any ops on the tape, from data that depend on the step alone.
  Spirals spirals;
  nn::Training<float> training;
  training.loss = [&](int64_t step, nn::Context<float>& context) {
    spirals.draw(Rng(7).split(uint64_t(step)));
    return cross_entropy(net.forward(context, context.tape().borrow(spirals.points, false)),
                         spirals.labels);
  };
  training.schedule = nn::WarmupCosine{.peak = 1e-2, .warmup = 20, .total = steps};

  Tape<float> tape;
  auto learning = nn::Context<float>::for_training(tape, parameters, Rng(2));
  nn::AdamW<float> optimizer(parameters);
  nn::train<float>(learning, optimizer, training, 0, steps);

  // Use it: points it has not seen, no gradients.
  spirals.draw(Rng(8));
  auto reading = nn::Context<float>::for_inference(tape, parameters);
  const Var<float> y = net.forward(reading, tape.borrow(spirals.points, false));
  const std::vector<int32_t> answers = argmax(y, -1);
  int right = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) right += answers[i] == spirals.labels[i];
  return right / 64.0;
}
// clang-format on

}  // namespace

TEST_CASE("the fifty lines learn the spirals") {
  CHECK(train_spirals(400) > 0.95);
  CHECK(train_spirals(0) < 0.8);
}
