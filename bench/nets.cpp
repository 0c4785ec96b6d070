#include "bench/nets.h"

#include <array>

#include "core/kernels/kernels.h"
#include "core/ops/elementwise.h"
#include "core/ops/shape_ops.h"
#include "core/ops/softmax.h"
#include "ebm/align/align_ops.h"

namespace talweg::bench {
namespace {

constexpr int64_t kHeight = 32, kTinyWidth = 36, kCrnnWidth = 128;
constexpr int64_t kTinyWindows = 4, kTinyFeatures = 9, kTinyHidden = 18, kTinySymbols = 27;
constexpr int64_t kCrnnWindows = 32, kCrnnSymbols = 96, kWordLength = 6;
constexpr int32_t kBetween = 0;

using Layers = nn::Sequential<float>;
using Parameters = nn::Parameters<float>;

/// A convolution, and what follows it: ReLU, and a max-pool whose windows do not overlap.
struct Block {
  const char* name;
  int64_t in, out, kh, kw, pad;
  bool relu;
  int64_t pool_h, pool_w;
};
constexpr std::array<Block, 1> kTiny{{{"c", 1, 1, 4, 8, 0, true, 3, 6}}};
constexpr std::array<Block, 7> kCrnn{{{"conv1", 1, 32, 3, 3, 1, true, 2, 2},
                                      {"conv2", 32, 64, 3, 3, 1, true, 2, 2},
                                      {"conv3", 64, 128, 3, 3, 1, true, 1, 1},
                                      {"conv4", 128, 128, 3, 3, 1, true, 2, 1},
                                      {"conv5", 128, 256, 3, 3, 1, true, 2, 1},
                                      {"conv6", 256, 256, 2, 1, 0, true, 1, 1},
                                      {"conv7", 256, kCrnnSymbols, 1, 1, 0, false, 1, 1}}};

bool is_tiny(const std::string& name) {
  expect(name == "tiny" || name == "crnn", "[nets] there is no net '", name, "'; use tiny or crnn");
  return name == "tiny";
}

std::span<const Block> blocks(bool tiny) {
  return tiny ? std::span<const Block>(kTiny) : std::span<const Block>(kCrnn);
}

Layers windows(bool tiny, Parameters& p, Rng& rng) {
  Layers net;
  for (const Block& b : blocks(tiny)) {
    const nn::Conv2dConfig config{
        .in = b.in, .out = b.out, .kh = b.kh, .kw = b.kw, .pad_h = b.pad, .pad_w = b.pad};
    net.add(nn::Conv2d<float>(p, b.name, config, rng));
    if (b.relu) net.add(nn::ReLU<float>());
    const nn::PoolConfig pool{
        .kh = b.pool_h, .kw = b.pool_w, .stride_h = b.pool_h, .stride_w = b.pool_w};
    if (b.pool_h * b.pool_w > 1) net.add(nn::MaxPool<float>(pool));
  }
  return net;
}

Layers tiny_classifier(Parameters& p, Rng& rng) {
  Layers net;
  net.add(nn::Linear<float>(p, "a", kTinyFeatures, kTinyHidden, rng)).add(nn::ReLU<float>());
  net.add(nn::Linear<float>(p, "b", kTinyHidden, kTinySymbols, rng));
  return net;
}

}  // namespace

Net::Net(const std::string& name, int64_t batch)
    : tiny_(is_tiny(name)),
      windows_(windows(tiny_, parameters_, rng_)),
      classifier_(tiny_ ? tiny_classifier(parameters_, rng_) : Layers()),
      images_({batch, kHeight, tiny_ ? kTinyWidth : kCrnnWidth, 1}),
      frames_(std::size_t(batch), kCrnnWindows),
      learning_(nn::Context<float>::for_training(tape_, parameters_, Rng(2))),
      reading_(nn::Context<float>::for_inference(tape_, parameters_)) {
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
  training_.on_step = [this](const nn::StepReport& report) {
    loss_ = report.loss;
    return true;
  };
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
  nn::train(learning_, *adam_, training_, step_, step_ + 1);
  ++step_;
  return loss_;
}

NetGradients Net::gradients() {
  const TapeScope<float> scope(tape_);
  learning_.begin_step();
  const Var<float> y = loss(learning_);
  NetGradients found{.loss = y.item(), .by_parameter = {}, .answers = labels()};
  tape_.backward(y);
  for (int id = 0; id < parameters_.size(); ++id) {
    const std::span<const float> g = learning_.gradient(id);
    found.by_parameter.emplace_back(parameters_[id].value.shape(), g);
  }
  return found;
}

/// For the crnn, those that the best path of the last loss shows.
std::vector<int32_t> Net::labels() const {
  if (tiny_) return letters_;
  std::vector<int32_t> symbols;
  for (std::size_t k = 0; k < alignment_.paths.size(); ++k) {
    const auto word = words_.view()[int64_t(k) / kCrnnWindows];
    symbols.push_back(word[std::size_t(alignment_.paths[k])]);
  }
  return symbols;
}

std::span<const float> Net::infer() {
  read_.reset();
  read_.emplace(tape_);
  reading_.begin_step();
  const Var<float> y = forward(reading_);
  return (tiny_ ? y : log_softmax(scale(y, -1.0f))).values();
}

double net_flop(const std::string& name, int64_t batch, bool train) {
  const bool tiny = is_tiny(name);
  int64_t h = kHeight, w = tiny ? kTinyWidth : kCrnnWidth;
  double total = 0;
  for (const Block& b : blocks(tiny)) {
    const kernels::Conv2dShape s{.n = batch,
                                 .h = h,
                                 .w = w,
                                 .c = b.in,
                                 .k = b.out,
                                 .kh = b.kh,
                                 .kw = b.kw,
                                 .pad_h = b.pad,
                                 .pad_w = b.pad};
    const int faces = !train ? 1 : total == 0 ? 2 : 3;
    total += s.flops() * faces;
    h = s.oh() / b.pool_h, w = s.ow() / b.pool_w;
  }
  const int64_t products = kTinyFeatures * kTinyHidden + kTinyHidden * kTinySymbols;
  if (tiny) total += 2.0 * double(batch * kTinyWindows * products) * (train ? 3 : 1);
  return total;
}

}  // namespace talweg::bench
