// The network that turns the image of a word into energies: a sliding window, run as a convolution.
#pragma once

#include <string>
#include <vector>

#include "nn/fold.h"
#include "ocr/alphabet.h"
#include "ocr/image_prep.h"

namespace talweg::ocr {

/// Channels of the convolutions, from the image to the last feature map, and the normalisation.
///
///   image [32, W, 1]
///   3x3 -> channels[0], norm, ReLU, pool 2x2      [16, W/2]
///   3x3 -> channels[1], norm, ReLU, pool 2x2      [ 8, W/4]
///   3x3 -> channels[2], norm, ReLU, pool 2x1      [ 4, W/4]
///   3x3 -> channels[3], norm, ReLU                [ 4, W/4]
///   4x3 -> channels[4], norm, ReLU                [ 1, W/4]
///   1x1 -> energies [W/4, A]
///
/// The normalisation is BatchNorm, folded into the convolutions for reading. Measured on the classic
/// task, seed 1, 900 validation words after 750 steps: CER 0.025 % with it, 0.322 % without
/// (talweg train --steps 750 -o m.safetensors, and the same with --architecture .../plain).
///
/// A window is a step of 4 px and sees 17 px to either side: the letter in its middle and half of
/// each neighbour.
struct Architecture {
  std::vector<int64_t> channels{16, 32, 64, 96, 128};
  bool normalise = true;

  /// "cnn/16-32-64-96-128" and, where not normalised, "/plain": as a model file keeps it.
  std::string to_string() const;
  /// The inverse. Throws Error, naming the string, where it is none of ours.
  static Architecture parse(const std::string& text);
};

inline constexpr int kWindowStride = 4;  ///< columns of the image between two windows

/// How many windows (positions with energies) an image `width` columns wide has: width / 4.
inline int window_count(int width) { return width / 2 / 2; }

/// The layers of an architecture for `symbols` symbols, with fresh parameters drawn from `rng`.
nn::Network<float> make_network(const Architecture& architecture, int symbols, Rng rng);

/// Energies l[B, L, A] of images x[B, 32, W, 1], L = window_count(W). Low = compatible.
/// Throws Error where the images are not 32 rows high or hold no window.
Var<float> energies(const nn::Network<float>& network, nn::Context<float>& context, Var<float> x);

}  // namespace talweg::ocr
