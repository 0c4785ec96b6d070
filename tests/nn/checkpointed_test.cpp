#include "nn/checkpointed.h"

#include <doctest/doctest.h>

#include "tests/nn/toy.h"

namespace talweg::nn {
namespace {

/// The toy problem's network with everything that has a state, its first seven layers checkpointed
/// in two parts, one inside the other, or not.
template <class T> struct Bars {
  Bars(bool checkpointed, double dropout) {
    Rng rng(5);
    Sequential<T> outer, inner;
    inner.add(Conv2d<T>(parameters, "conv1", {.in = 1, .out = 6, .pad_h = 1, .pad_w = 1}, rng));
    inner.add(BatchNorm<T>(parameters, "norm1", 6)).add(ReLU<T>()).add(Dropout<T>(dropout));
    if (checkpointed) {
      outer.add(Checkpointed<T>(parameters, std::move(inner)));
    } else {
      outer.add(std::move(inner));
    }
    outer.add(MaxPool<T>()).add(Conv2d<T>(parameters, "conv2", {.in = 6, .out = 8}, rng));
    outer.add(ReLU<T>()).add(Dropout<T>(dropout));
    if (checkpointed) {
      net.add(Checkpointed<T>(parameters, std::move(outer)));
    } else {
      net.add(std::move(outer));
    }
    net.add(Flatten<T>()).add(Dropout<T>(dropout));
    net.add(Linear<T>(parameters, "head", 2 * 2 * 8, 2, rng));
  }

  Training<T> training(int64_t steps) {
    Training<T> t;
    t.loss = [this](int64_t step, Context<T>& context) {
      return cross_entropy(net.forward(context, batch.draw(context.tape(), 3, step)),
                           batch.labels());
    };
    t.schedule = WarmupCosine{.peak = 1e-2, .warmup = 2, .total = steps};
    return t;
  }

  Parameters<T> parameters;
  Sequential<T> net;
  BarBatch<T> batch;
};

template <class T> std::pair<std::vector<double>, std::vector<T>> trained(bool checkpointed) {
  Bars<T> bars(checkpointed, 0.3);
  Tape<T> tape;
  auto context = Context<T>::for_training(tape, bars.parameters, Rng(9));
  AdamW<T> optimizer(bars.parameters);
  Training<T> training = bars.training(12);
  std::vector<double> reports;
  training.on_step = [&](const StepReport& r) {
    reports.push_back(r.loss);
    reports.push_back(r.gradient_norm);
    return true;
  };
  train(context, optimizer, training, 0, 12);
  return {reports, flat(bars.parameters)};  // running averages among them
}

}  // namespace

TEST_CASE("a checkpointed network trains as the plain one, bit for bit") {
  CHECK(trained<float>(false) == trained<float>(true));
  CHECK(trained<double>(false) == trained<double>(true));
}

TEST_CASE("a checkpointed network holds less after its forward pass") {
  const auto held = [](bool checkpointed) {
    Bars<float> bars(checkpointed, 0.3);
    Tape<float> tape;
    auto context = Context<float>::for_training(tape, bars.parameters, Rng(9));
    const Var<float> loss = bars.training(1).loss(0, context);
    CHECK(std::isfinite(loss.item()));
    return tape.pool().live_bytes();
  };
  CHECK(held(true) < held(false) / 4);
}

TEST_CASE("in inference, and after a transfer, the numbers are those of the plain network") {
  Bars<double> plain(false, 0.3), checkpointed(true, 0.3);
  Parameters<double> moved;
  const auto copy = checkpointed.net.transfer(checkpointed.parameters, moved);
  const auto outputs = [](const Layer<double>& net, const Parameters<double>& parameters) {
    Tape<double> tape;
    auto context = Context<double>::for_inference(tape, parameters);
    BarBatch<double> batch;
    const Var<double> y = net.forward(context, batch.draw(tape, 3, 0));
    return std::vector<double>(y.values().begin(), y.values().end());
  };
  CHECK(outputs(plain.net, plain.parameters) == outputs(*copy, moved));
  CHECK(outputs(plain.net, plain.parameters) == outputs(checkpointed.net, checkpointed.parameters));
}

TEST_CASE("it describes itself with its layers below it") {
  Bars<float> bars(true, 0.5);
  const std::string text = bars.net.describe();
  CHECK(text.find("checkpointed:\n  checkpointed:\n    Conv2d 3x3 1->6 pad 1x1 bias\n    BatchNorm "
                  "6\n    ReLU\n    Dropout 0.5\n  MaxPool") == 0);
}

}  // namespace talweg::nn
