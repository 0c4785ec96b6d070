#include "ocr/word_model.h"

#include <charconv>

#include "core/ops/shape_ops.h"

namespace talweg::ocr {

namespace {

constexpr std::size_t kConvolutions = 5;
constexpr const char* kFamily = "cnn/";
constexpr const char* kPlain = "/plain";

/// One block of the network: convolution, normalisation if asked for, ReLU.
void add_block(nn::Network<float>& network, const std::string& name, nn::Conv2dConfig config,
               bool normalise, Rng& rng) {
  config.bias = !normalise;  // a normalisation subtracts a bias again
  network.layers.add(nn::Conv2d<float>(network.parameters, name + ".conv", config, rng));
  if (normalise) {
    network.layers.add(nn::BatchNorm<float>(network.parameters, name + ".norm", config.out));
  }
  network.layers.add(nn::ReLU<float>());
}

nn::PoolConfig pool(int64_t rows, int64_t columns) {
  return {.kh = rows, .kw = columns, .stride_h = rows, .stride_w = columns};
}

}  // namespace

std::string Architecture::to_string() const {
  std::string s = kFamily;
  for (std::size_t i = 0; i < channels.size(); ++i) {
    s += (i ? "-" : "") + std::to_string(channels[i]);
  }
  return s + (normalise ? "" : kPlain);
}

Architecture Architecture::parse(const std::string& text) {
  Architecture a;
  a.channels.clear();
  std::string_view rest = text;
  const bool family = rest.starts_with(kFamily);
  if (family) rest.remove_prefix(std::string_view(kFamily).size());
  a.normalise = !rest.ends_with(kPlain);
  if (!a.normalise) rest.remove_suffix(std::string_view(kPlain).size());
  bool good = family;
  while (good && !rest.empty()) {
    int64_t n = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), n);
    good = error == std::errc() && n >= 1 && n <= 4096;
    a.channels.push_back(n);
    rest.remove_prefix(std::size_t(end - rest.data()));
    if (rest.starts_with('-') && rest.size() > 1)
      rest.remove_prefix(1);
    else
      good = good && rest.empty();
  }
  expect(good && a.channels.size() == kConvolutions, "the architecture '", text,
         "' is not known to this version; expected ", kFamily, "C1-C2-C3-C4-C5, such as ",
         Architecture().to_string());
  return a;
}

nn::Network<float> make_network(const Architecture& architecture, int symbols, Rng rng) {
  expect(architecture.channels.size() == kConvolutions, "a word model has ", kConvolutions,
         " convolutions, found ", architecture.channels.size(), " channel counts");
  const auto& c = architecture.channels;
  const bool norm = architecture.normalise;
  nn::Network<float> n;
  add_block(n, "block1", {.in = 1, .out = c[0], .pad_h = 1, .pad_w = 1}, norm, rng);
  n.layers.add(nn::MaxPool<float>(pool(2, 2)));
  add_block(n, "block2", {.in = c[0], .out = c[1], .pad_h = 1, .pad_w = 1}, norm, rng);
  n.layers.add(nn::MaxPool<float>(pool(2, 2)));
  add_block(n, "block3", {.in = c[1], .out = c[2], .pad_h = 1, .pad_w = 1}, norm, rng);
  n.layers.add(nn::MaxPool<float>(pool(2, 1)));
  add_block(n, "block4", {.in = c[2], .out = c[3], .pad_h = 1, .pad_w = 1}, norm, rng);
  add_block(n, "block5", {.in = c[3], .out = c[4], .kh = 4, .pad_h = 0, .pad_w = 1}, norm, rng);
  n.layers.add(nn::Conv2d<float>(n.parameters, "energies",
                                 {.in = c[4], .out = symbols, .kh = 1, .kw = 1}, rng));
  return n;
}

Var<float> energies(const nn::Network<float>& network, nn::Context<float>& context, Var<float> x) {
  const Shape s = x.shape();
  expect(s.rank() == 4 && s[1] == kModelHeight && s[3] == 1, "[energies] images must be [B,",
         kModelHeight, ",W,1], found ", s, "; bring them there with prepare_image");
  expect(window_count(int(s[2])) >= 1, "[energies] an image ", s[2], " px wide holds no window of ",
         kWindowStride, " px");
  const Var<float> out = network.layers.forward(context, x);
  return reshape(out, {s[0], out.shape()[2], out.shape()[3]});
}

}  // namespace talweg::ocr
