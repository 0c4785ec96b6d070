// Two whole networks, to time a training step and reading as a user has them: convolutions and all
// that stands between.
//
//   tiny  the classic sliding classifier of characters, 726 parameters: conv 4x8 1->1, ReLU,
//         max-pool 3x6, then for each of 4 windows Linear 9->18, ReLU, Linear 18->27; images
//         32 x 36; loss: cross_entropy
//   crnn  the convolutional trunk of a text reader, 691,424 parameters: seven convolutions to 32
//         windows of 96 energies; images 32 x 128; loss: path_cross_entropy, the aligner's, over
//         words of six letters, each followed by BETWEEN
//
// A training step is forward, loss, backward, the checks of nn::train and Adam (AdamW without
// decay). Data are noise and made once: what a step costs does not depend on them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ebm/align/batch.h"
#include "nn/layers.h"
#include "nn/trainer.h"

namespace talweg::bench {

/// Multiply-adds of a net's convolutions and products for a batch, counted as two: in a whole
/// training step (where the images get no gradient), or forward only.
double net_flop(const std::string& name, int64_t batch, bool train);

/// A step's loss and gradients, with what its loss asked for.
struct NetGradients {
  double loss = 0;
  std::vector<Tensor<float>> by_parameter;  ///< in the order of the parameters
  std::vector<int32_t> answers;             ///< the right symbol of each window
};

class Net {
 public:
  /// `name` is tiny or crnn, `batch` how many images a step. Throws Error for another name.
  Net(const std::string& name, int64_t batch);

  /// One step. Returns its loss.
  double train();
  /// Logits (tiny) or log-probabilities (crnn) of every window, [batch, windows, symbols], without
  /// gradients. They stay good until the next call.
  std::span<const float> infer();

  /// Those of the next step, without taking it: what other engines can be compared with.
  NetGradients gradients();
  const nn::Parameters<float>& parameters() const { return parameters_; }
  const Tensor<float>& images() const { return images_; }

  int64_t parameter_count() const { return parameters_.trained_scalars(); }
  /// Taken from the system for values, gradients and work space, ever.
  std::size_t pool_bytes() { return tape_.pool().reserved_bytes(); }

 private:
  Var<float> forward(nn::Context<float>& context);
  Var<float> loss(nn::Context<float>& context);
  std::vector<int32_t> labels() const;

  bool tiny_;
  Rng rng_{1};
  nn::Parameters<float> parameters_;
  nn::Sequential<float> windows_, classifier_;
  Tensor<float> images_;
  std::vector<int32_t> letters_;  // tiny: one a window
  std::vector<int64_t> frames_;   // crnn
  ebm::LabelList words_;
  ebm::BatchAlignment alignment_;
  Tape<float> tape_;
  nn::Context<float> learning_, reading_;
  std::unique_ptr<nn::AdamW<float>> adam_;
  nn::Training<float> training_;
  std::optional<TapeScope<float>> read_;  // holds what infer() returned
  int64_t step_ = 0;
  double loss_ = 0;
};

}  // namespace talweg::bench
