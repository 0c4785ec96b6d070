// The network that turns the image of a word into energies: a sliding window, run as a convolution.
#pragma once

#include <string>
#include <vector>

#include "nn/fold.h"
#include "ocr/alphabet.h"
#include "ocr/image_prep.h"

namespace talweg::ocr {

/// What a network is made of, from the image to the energies. Written down, as a model file keeps it,
/// it is a line of blocks such as
///
///   net/16p-32p-64v-96-c128/x2
///
///   N      3x3 convolution to N channels, normalisation, ReLU; the size stays
///   Np     the same, then the largest of each 2x2 pixels: half as high, half as wide
///   Nv     the same, then the largest of each 2x1 pixels: half as high
///   cN     convolution over all the rows that are left and 3 columns to N channels, normalisation,
///          ReLU: one row from here on. There is exactly one
///   wN     1x3 convolution along that row to N channels, normalisation, ReLU: a wider view
///   rN     residual: wN, then a 1x1 convolution to as many channels as come in, normalisation; what
///          comes in is added before a last ReLU. A wider view for few parameters (He et al. 2016,
///          "Deep residual learning for image recognition", section 4.1: bottleneck) that begins as
///          the identity
///   dK     behind a w or r block: the three columns of its convolution lie K apart (dilation)
///   /xM    every position of that row gives M windows side by side (left out where M = 1)
///   /plain without the normalisation (BatchNorm, folded into the convolutions for reading)
///
/// and behind the blocks a 1x1 convolution gives the energies. "cnn/A-B-C-D-E" is an older way to write
/// "net/Ap-Bp-Cv-D-cE", with the same parameters.
///
/// A window is a step of 2^p columns, p the number of p blocks, over M.
class Architecture {
 public:
  /// The classic task's: net/16p-32p-64v-96-c128. A window sees 17 px to either side of its 4: the
  /// letter in its middle and half of each neighbour. Measured on the classic task, seed 1, 900
  /// validation words after 750 steps: CER 0.025 % with the normalisation, 0.322 % without (talweg train
  /// --steps 750 -o m.safetensors, and the same with --architecture .../plain).
  Architecture();
  /// Throws Error that quotes the text and says what is wrong, where it is no architecture of a network
  /// for images of kModelHeight rows.
  static Architecture parse(const std::string& text);
  /// The inverse.
  std::string to_string() const;

  /// How many windows (positions with energies) an image `width` columns wide has.
  int windows(int width) const { return (width >> halvings_) * per_position_; }
  /// Columns of the image between two windows.
  double window_stride() const { return double(1 << halvings_) / per_position_; }

  bool operator==(const Architecture&) const = default;
  /// Whether this is `base` with r blocks behind its last: a network that begins with what `base` has
  /// learned then reads the same to begin with.
  bool extends(const Architecture& base) const;

 private:
  friend nn::Network<float> build_network(const Architecture&, int symbols, Rng* rng);
  friend int64_t parameter_count(const Architecture&, int symbols);
  friend Var<float> energies(const Architecture&, const nn::Network<float>&, nn::Context<float>&,
                             Var<float> x);

  enum class Kind : char {
    plain = 0,
    pool = 'p',
    pool_rows = 'v',
    column = 'c',
    row = 'w',
    residual = 'r'
  };
  struct Block {
    Kind kind;
    int64_t channels;
    int64_t dilation = 1;  // of row and residual
    bool operator==(const Block&) const = default;
  };

  /// The convolution of a block behind `in` channels.
  nn::Conv2dConfig convolution(const Block& block, int64_t in) const;
  static bool on_row(Kind kind) { return kind == Kind::row || kind == Kind::residual; }
  explicit Architecture(std::vector<Block> blocks) : blocks_(std::move(blocks)) {}
  void check_and_count(const std::string& text);

  std::vector<Block> blocks_;
  bool normalise_ = true;
  int per_position_ = 1;
  int halvings_ = 0;  // of the width
  int rows_ = 0;      // that the column block sees
};

/// The last layer, which has a row for each window of a position and each symbol of that window.
inline constexpr const char* kHeadName = "energies";

/// The layers of an architecture for `symbols` symbols, with fresh parameters drawn from `rng`.
nn::Network<float> make_network(const Architecture& architecture, int symbols, Rng rng);
/// The same with weights of 0, for whoever fills them from a file: drawing a million normal numbers
/// takes longer than reading them.
nn::Network<float> make_blank_network(const Architecture& architecture, int symbols);

/// How many numbers those parameters are, running averages included: counted without making them.
int64_t parameter_count(const Architecture& architecture, int symbols);

/// Energies l[B, L, A] of images x[B, 32, W, 1], L = architecture.windows(W). Low = compatible.
/// `network` is what make_network gave for `architecture`, or that folded. Throws Error where the
/// images are not 32 rows high or hold no window.
Var<float> energies(const Architecture& architecture, const nn::Network<float>& network,
                    nn::Context<float>& context, Var<float> x);

}  // namespace talweg::ocr
