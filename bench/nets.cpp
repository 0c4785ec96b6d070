#include "bench/nets.h"

#include "core/ops/elementwise.h"
#include "core/ops/shape_ops.h"
#include "core/ops/softmax.h"
#include "ebm/align/align_ops.h"

namespace talweg::bench {
namespace {

constexpr int64_t kHeight = 32, kTinyWidth = 36, kCrnnWidth = 128;
constexpr int64_t kTinyWindows = 4, kTinyFeatures = 9, kTinySymbols = 27;
constexpr int64_t kCrnnWindows = 32, kCrnnSymbols = 96, kWordLength = 6;
constexpr int32_t kBetween = 0;

using Layers = nn::Sequential<float>;
using Parameters = nn::Parameters<float>;

nn::PoolConfig pool(int64_t h, int64_t w) {
  return {.kh = h, .kw = w, .stride_h = h, .stride_w = w};
}

Layers tiny_windows(Parameters& p, Rng& rng) {
  Layers net;
  net.add(nn::Conv2d<float>(p, "c", {.in = 1, .out = 1, .kh = 4, .kw = 8}, rng));
  net.add(nn::ReLU<float>()).add(nn::MaxPool<float>(pool(3, 6)));
  return net;
}

Layers tiny_classifier(Parameters& p, Rng& rng) {
  Layers net;
  net.add(nn::Linear<float>(p, "a", kTinyFeatures, 18, rng)).add(nn::ReLU<float>());
  net.add(nn::Linear<float>(p, "b", 18, kTinySymbols, rng));
  return net;
}

Layers crnn_windows(Parameters& p, Rng& rng) {
  Layers net;
  const auto conv3 = [&](const char* name, int64_t in, int64_t out) {
    const nn::Conv2dConfig config{.in = in, .out = out, .pad_h = 1, .pad_w = 1};
    net.add(nn::Conv2d<float>(p, name, config, rng)).add(nn::ReLU<float>());
  };
  conv3("conv1", 1, 32);
  net.add(nn::MaxPool<float>(pool(2, 2)));
  conv3("conv2", 32, 64);
  net.add(nn::MaxPool<float>(pool(2, 2)));
  conv3("conv3", 64, 128);
  conv3("conv4", 128, 128);
  net.add(nn::MaxPool<float>(pool(2, 1)));
  conv3("conv5", 128, 256);
  net.add(nn::MaxPool<float>(pool(2, 1)));
  net.add(nn::Conv2d<float>(p, "conv6", {.in = 256, .out = 256, .kh = 2, .kw = 1}, rng));
  net.add(nn::ReLU<float>());
  net.add(nn::Conv2d<float>(p, "conv7", {.in = 256, .out = kCrnnSymbols, .kh = 1, .kw = 1}, rng));
  return net;
}

}  // namespace

Net::Net(const std::string& name, int64_t batch)
    : tiny_(name == "tiny"),
      windows_(tiny_ ? tiny_windows(parameters_, rng_) : crnn_windows(parameters_, rng_)),
      classifier_(tiny_ ? tiny_classifier(parameters_, rng_) : Layers()),
      images_({batch, kHeight, tiny_ ? kTinyWidth : kCrnnWidth, 1}),
      frames_(std::size_t(batch), kCrnnWindows),
      learning_(nn::Context<float>::for_training(tape_, parameters_, Rng(2))),
      reading_(nn::Context<float>::for_inference(tape_, parameters_)) {
  expect(tiny_ || name == "crnn", "[nets] there is no net '", name, "'; use tiny or crnn");
  for (float& x : images_.values()) x = float(rng_.normal());
  for (int64_t i = 0; i < batch * kTinyWindows; ++i) {
    letters_.push_back(int32_t(rng_.below(uint64_t(kTinySymbols))));
  }
  for (int64_t b = 0; b < batch; ++b) {
    std::vector<int32_t> word;
    for (int64_t i = 0; i < kWordLength; ++i) {
      word.push_back(1 + int32_t(rng_.below(uint64_t(kCrnnSymbols - 1))));
    }
    words_.add(ebm::expand(word, kBetween));
  }
  adam_ = std::make_unique<nn::AdamW<float>>(parameters_, nn::AdamWOptions{.weight_decay = 0});
  training_.loss = [this](int64_t, nn::Context<float>& context) { return loss(context); };
  training_.schedule = [](int64_t) { return 1e-3; };
}

/// Outputs [batch * windows, symbols].
Var<float> Net::forward(nn::Context<float>& context) {
  const int64_t batch = images_.shape()[0];
  const Var<float> y = windows_.forward(context, tape_.borrow(images_, false));
  if (!tiny_) return reshape(y, {batch * kCrnnWindows, kCrnnSymbols});
  // [B, 9 features, 4 windows, 1] to a row of features a window.
  const Var<float> rows = permute(reshape(y, {batch, kTinyFeatures, kTinyWindows}), {0, 2, 1});
  return classifier_.forward(context, reshape(rows, {batch * kTinyWindows, kTinyFeatures}));
}

Var<float> Net::loss(nn::Context<float>& context) {
  const Var<float> y = forward(context);
  if (tiny_) return cross_entropy(y, letters_);
  const Var<float> energies = reshape(y, {images_.shape()[0], kCrnnWindows, kCrnnSymbols});
  return ebm::path_cross_entropy(energies, frames_, words_.view(), alignment_).loss;
}

double Net::train() {
  double loss = 0;
  training_.on_step = [&](const nn::StepReport& report) {
    loss = report.loss;
    return true;
  };
  nn::train(learning_, *adam_, training_, step_, step_ + 1);
  ++step_;
  return loss;
}

std::span<const float> Net::infer() {
  read_.reset();
  read_ = std::make_unique<TapeScope<float>>(tape_);
  reading_.begin_step();
  const Var<float> y = forward(reading_);
  return (tiny_ ? y : log_softmax(scale(y, -1.0f))).values();
}

}  // namespace talweg::bench
