#include "ocr/word_model.h"

#include <charconv>

#include "core/ops/shape_ops.h"

namespace talweg::ocr {

namespace {

constexpr std::string_view kFamily = "net/", kOldFamily = "cnn/";
constexpr std::string_view kPlain = "/plain";
constexpr std::string_view kDefault = "net/16p-32p-64v-96-c128";
constexpr int64_t kMostChannels = 4096, kMostWindows = 8, kMostDilation = 64;

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  throw Error(message("the architecture '", text, "' is not known to this version: ", why,
                      "; expected blocks such as ", kDefault, ", or ", kDefault, "/x2"));
}

/// Takes a number off the front of `rest`; 0 where there is none in 1 ... `most`.
int64_t take_number(std::string_view& rest, int64_t most) {
  int64_t n = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), n);
  if (error != std::errc() || n < 1 || n > most) return 0;
  rest.remove_prefix(std::size_t(end - rest.data()));
  return n;
}

/// A convolution with weights drawn from `rng`, or 0 where there is none.
void add_conv(nn::Parameters<float>& parameters, nn::Sequential<float>& layers,
              const std::string& name, const nn::Conv2dConfig& config, Rng* rng) {
  if (rng != nullptr) {
    layers.add(nn::Conv2d<float>(parameters, name, config, *rng));
    return;
  }
  Tensor<float> weight({config.out, config.kh, config.kw, config.in}), bias({config.out});
  layers.add(nn::Conv2d<float>(parameters, name, config, std::move(weight), std::move(bias)));
}

/// Convolution and normalisation, if asked for, whose gammas begin as `gamma`.
void add_conv_norm(nn::Parameters<float>& parameters, nn::Sequential<float>& layers,
                   const std::string& name, nn::Conv2dConfig config, bool normalise, double gamma,
                   Rng* rng) {
  config.bias = !normalise;  // a normalisation subtracts a bias again
  add_conv(parameters, layers, name + ".conv", config, rng);
  if (!normalise) return;
  const nn::BatchNormConfig norm{.gamma = gamma};
  layers.add(nn::BatchNorm<float>(parameters, name + ".norm", config.out, norm));
}

/// One block of the network: convolution, normalisation if asked for, ReLU.
void add_block(nn::Network<float>& n, const std::string& name, const nn::Conv2dConfig& config,
               bool normalise, Rng* rng) {
  add_conv_norm(n.parameters, n.layers, name, config, normalise, 1, rng);
  n.layers.add(nn::ReLU<float>());
}

/// The way back of a residual block whose way out is `config`.
nn::Conv2dConfig way_back(const nn::Conv2dConfig& config) {
  return {.in = config.out, .out = config.in, .kh = 1, .kw = 1};
}

/// A block whose way back begins with gamma = 0, so that it gives ReLU of what a ReLU gave: itself
/// (Goyal et al. 2017, "Accurate, large minibatch SGD", section 5.1).
void add_residual_block(nn::Network<float>& n, const std::string& name,
                        const nn::Conv2dConfig& config, bool normalise, Rng* rng) {
  nn::Sequential<float> branch;
  add_conv_norm(n.parameters, branch, name, config, normalise, 1, rng);
  branch.add(nn::ReLU<float>());
  add_conv_norm(n.parameters, branch, name + ".back", way_back(config), normalise, 0, rng);
  n.layers.add(nn::Residual<float>(std::move(branch)));
  n.layers.add(nn::ReLU<float>());
}

/// What add_conv_norm adds, in numbers.
int64_t conv_norm_size(const nn::Conv2dConfig& config, bool normalise) {
  constexpr int64_t kOfNorm = 4;  // gamma, beta, running mean and variance
  return config.out * (config.kh * config.kw * config.in + (normalise ? kOfNorm : 1));
}

nn::PoolConfig pool(int64_t rows, int64_t columns) {
  return {.kh = rows, .kw = columns, .stride_h = rows, .stride_w = columns};
}

}  // namespace

Architecture::Architecture() { *this = parse(std::string(kDefault)); }

std::string Architecture::to_string() const {
  std::string s{kFamily};
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const auto [kind, channels, dilation] = blocks_[i];
    const bool before = kind == Kind::column || on_row(kind);
    if (i > 0) s += '-';
    if (before) s += char(kind);
    s += std::to_string(channels);
    if (!before && kind != Kind::plain) s += char(kind);
    if (dilation > 1) s += "d" + std::to_string(dilation);
  }
  if (per_position_ > 1) s += "/x" + std::to_string(per_position_);
  return s + (normalise_ ? "" : std::string(kPlain));
}

Architecture Architecture::parse(const std::string& text) {
  Architecture a{std::vector<Block>()};
  std::string_view rest = text;
  const bool old = rest.starts_with(kOldFamily);
  if (!old && !rest.starts_with(kFamily)) refuse(text, "it does not begin with net/");
  rest.remove_prefix(kFamily.size());
  a.normalise_ = !rest.ends_with(kPlain);
  if (!a.normalise_) rest.remove_suffix(kPlain.size());
  while (!rest.empty() && rest[0] != '/') {
    Block block{Kind::plain, 0};
    if (rest[0] == 'c' || rest[0] == 'w' || rest[0] == 'r') {
      block.kind = Kind(rest[0]);
      rest.remove_prefix(1);
    }
    block.channels = take_number(rest, kMostChannels);
    if (block.channels == 0)
      refuse(text, message("a block has no channels from 1 to ", kMostChannels));
    if (block.kind == Kind::plain && !rest.empty() && (rest[0] == 'p' || rest[0] == 'v')) {
      block.kind = Kind(rest[0]);
      rest.remove_prefix(1);
    }
    if (on_row(block.kind) && rest.starts_with('d')) {
      rest.remove_prefix(1);
      block.dilation = take_number(rest, kMostDilation);
      if (block.dilation == 0)
        refuse(text, message("d is followed by a number from 1 to ", kMostDilation));
    }
    a.blocks_.push_back(block);
    if (rest.starts_with('-') && rest.size() > 1 && rest[1] != '/') {
      rest.remove_prefix(1);
    } else if (!rest.empty() && rest[0] != '/') {
      refuse(text, message("'", rest, "' is no block"));
    }
  }
  if (rest.starts_with("/x")) {
    rest.remove_prefix(2);
    a.per_position_ = int(take_number(rest, kMostWindows));
    if (a.per_position_ == 0)
      refuse(text, message("/x is followed by a number from 1 to ", kMostWindows));
  }
  if (!rest.empty()) refuse(text, message("'", rest, "' stands behind the blocks"));
  if (old) {
    if (a.blocks_.size() != 5) refuse(text, "cnn/ has five convolutions");
    const Kind kinds[] = {Kind::pool, Kind::pool, Kind::pool_rows, Kind::plain, Kind::column};
    for (std::size_t i = 0; i < 5; ++i) a.blocks_[i].kind = kinds[i];
  }
  a.check_and_count(text);
  return a;
}

bool Architecture::extends(const Architecture& base) const {
  Architecture shorter = *this;
  while (shorter.blocks_.size() > base.blocks_.size() && normalise_ &&
         shorter.blocks_.back().kind == Kind::residual) {
    shorter.blocks_.pop_back();
  }
  return shorter == base;
}

void Architecture::check_and_count(const std::string& text) {
  rows_ = kModelHeight;
  bool one_row = false;
  for (const Block& b : blocks_) {
    if (on_row(b.kind) != one_row) {
      refuse(text, one_row ? "behind the c block stand w and r blocks alone"
                           : "a w or r block stands before the c block");
    }
    one_row = one_row || b.kind == Kind::column;
    if (b.kind != Kind::pool && b.kind != Kind::pool_rows) continue;
    if (rows_ == 1) refuse(text, message("its pools halve ", kModelHeight, " rows too often"));
    rows_ /= 2;
    halvings_ += b.kind == Kind::pool;
  }
  if (!one_row) refuse(text, "it has no c block");
}

nn::Conv2dConfig Architecture::convolution(const Block& block, int64_t in) const {
  nn::Conv2dConfig config{.in = in, .out = block.channels, .pad_h = 1, .pad_w = 1};
  if (block.kind == Kind::column || on_row(block.kind)) {
    config.kh = block.kind == Kind::column ? rows_ : 1;
    config.pad_h = 0;
    config.pad_w = config.dilation_w = block.dilation;
  }
  return config;
}

int64_t parameter_count(const Architecture& architecture, int symbols) {
  int64_t count = 0, in = 1;
  for (const Architecture::Block& block : architecture.blocks_) {
    const nn::Conv2dConfig config = architecture.convolution(block, in);
    count += conv_norm_size(config, architecture.normalise_);
    if (block.kind == Architecture::Kind::residual) {
      count += conv_norm_size(way_back(config), architecture.normalise_);
    } else {
      in = block.channels;
    }
  }
  return count + int64_t(symbols) * architecture.per_position_ * (in + 1);
}

nn::Network<float> build_network(const Architecture& architecture, int symbols, Rng* rng) {
  using Kind = Architecture::Kind;
  nn::Network<float> n;
  int64_t in = 1, number = 0;
  for (const Architecture::Block& block : architecture.blocks_) {
    const Kind kind = block.kind;
    const nn::Conv2dConfig config = architecture.convolution(block, in);
    const std::string name = "block" + std::to_string(++number);
    if (kind == Kind::residual) {
      add_residual_block(n, name, config, architecture.normalise_, rng);
      continue;
    }
    add_block(n, name, config, architecture.normalise_, rng);
    if (kind == Kind::pool) n.layers.add(nn::MaxPool<float>(pool(2, 2)));
    if (kind == Kind::pool_rows) n.layers.add(nn::MaxPool<float>(pool(2, 1)));
    in = block.channels;
  }
  const nn::Conv2dConfig head{
      .in = in, .out = symbols * architecture.per_position_, .kh = 1, .kw = 1};
  add_conv(n.parameters, n.layers, kHeadName, head, rng);
  return n;
}

nn::Network<float> make_network(const Architecture& architecture, int symbols, Rng rng) {
  return build_network(architecture, symbols, &rng);
}

nn::Network<float> make_blank_network(const Architecture& architecture, int symbols) {
  return build_network(architecture, symbols, nullptr);
}

Var<float> energies(const Architecture& architecture, const nn::Network<float>& network,
                    nn::Context<float>& context, Var<float> x) {
  const Shape s = x.shape();
  expect(s.rank() == 4 && s[1] == kModelHeight && s[3] == 1, "[energies] images must be [B,",
         kModelHeight, ",W,1], found ", s, "; bring them there with prepare_image");
  const int windows = architecture.windows(int(s[2]));
  expect(windows >= 1, "[energies] an image ", s[2], " px wide holds no window of ",
         1 << architecture.halvings_, " px");
  // [B, 1, positions, M A]: the windows of a position lie one behind the other already.
  const Var<float> out = network.layers.forward(context, x);
  return reshape(out, {s[0], windows, out.shape()[3] / architecture.per_position_});
}

}  // namespace talweg::ocr
