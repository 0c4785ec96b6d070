// What the nn tests share: a step with gradients chosen by hand, and a problem a small CNN learns
// fast.
#pragma once

#include <array>
#include <vector>

#include "core/ops/elementwise.h"
#include "core/ops/reduce.h"
#include "core/ops/softmax.h"
#include "nn/layers.h"
#include "nn/optim.h"
#include "nn/schedule.h"
#include "nn/trainer.h"

namespace talweg::nn {

inline Tensor<double> vec(std::vector<double> values) {
  return Tensor<double>({int64_t(values.size())}, std::span<const double>(values));
}

/// Leaves gradients[id] on parameter id (none where it is empty), through the loss sum of <p, g>.
inline void leave_gradients(Context<double>& context,
                            const std::vector<std::vector<double>>& gradients) {
  context.begin_step();
  Tape<double>& tape = context.tape();
  Var<double> loss = tape.constant(0.0);
  for (std::size_t id = 0; id < gradients.size(); ++id) {
    if (gradients[id].empty()) continue;
    loss = loss + sum(context.leaf(int(id)) * tape.constant(vec(gradients[id])));
  }
  tape.backward(loss);
}

/// One optimiser step along gradients chosen by hand.
inline void step_along(Context<double>& context, Optimizer<double>& optimizer,
                       const std::vector<std::vector<double>>& gradients, double learning_rate,
                       double scale = 1) {
  TapeScope<double> scope(context.tape());
  leave_gradients(context, gradients);
  optimizer.step(context, learning_rate, scale);
}

/// Noisy 8x8 images of one bright bar, lying (label 0) or standing (label 1); step s always gives
/// the same batch.
template <class T> class BarBatch {
 public:
  static constexpr int64_t kBatch = 16, kSide = 8;

  Var<T> draw(Tape<T>& tape, uint64_t seed, int64_t step) {
    Rng rng = Rng(seed).split(uint64_t(step));
    for (int64_t n = 0; n < kBatch; ++n) {
      const int64_t at = int64_t(rng.below(kSide));
      labels_[std::size_t(n)] = int32_t(rng.below(2));
      for (int64_t i = 0; i < kSide * kSide; ++i) {
        const int64_t place = labels_[std::size_t(n)] ? i % kSide : i / kSide;
        images_[n * kSide * kSide + i] = T(rng.uniform(0, 0.3) + (place == at));
      }
    }
    return tape.borrow(images_, false);
  }
  std::span<const int32_t> labels() const { return labels_; }

 private:
  Tensor<T> images_{{kBatch, kSide, kSide, 1}};
  std::array<int32_t, kBatch> labels_{};
};

/// A small CNN with everything in it that has a state: weights, running averages, dropout. Without
/// normalisation its convolutions are fused with what follows them.
template <class T> struct BarNet {
  explicit BarNet(uint64_t seed, double dropout = 0.1, bool normalise = true) {
    Rng rng(seed);
    net.add(Conv2d<T>(parameters, "conv1",
                      {.in = 1, .out = 6, .pad_h = 1, .pad_w = 1, .bias = !normalise}, rng));
    if (normalise) net.add(BatchNorm<T>(parameters, "norm1", 6));
    net.add(ReLU<T>()).add(MaxPool<T>());
    net.add(Conv2d<T>(parameters, "conv2", {.in = 6, .out = 8}, rng));
    if (normalise) net.add(BatchNorm<T>(parameters, "norm2", 8));
    net.add(ReLU<T>());
    net.add(Flatten<T>()).add(Dropout<T>(dropout));
    net.add(Linear<T>(parameters, "head", 2 * 2 * 8, 2, rng));
  }

  Training<T> training(uint64_t seed, int64_t steps) {
    Training<T> t;
    t.loss = [this, seed](int64_t step, Context<T>& context) {
      Var<T> x = batch.draw(context.tape(), seed, step);
      return cross_entropy(net.forward(context, x), batch.labels());
    };
    t.schedule = WarmupCosine{.peak = 1e-2, .warmup = 5, .total = steps};
    t.max_gradient_norm = 5;
    return t;
  }

  Parameters<T> parameters;
  Sequential<T> net;
  BarBatch<T> batch;
};

/// All numbers of all entries, one behind the other: for comparing bit for bit.
template <class T> std::vector<T> flat(const Parameters<T>& parameters) {
  std::vector<T> all;
  for (const Parameter<T>& p : parameters) {
    all.insert(all.end(), p.value.values().begin(), p.value.values().end());
  }
  return all;
}

}  // namespace talweg::nn
