// The recognizer: a trained model that reads images of words. Threads share it: to its users it is
// immutable; inside, it keeps the memory that reading needs for the next time.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/io/image.h"
#include "ebm/align/grammar.h"
#include "nn/checkpoint.h"
#include "ocr/alphabet.h"
#include "ocr/word_model.h"

namespace talweg::ocr {

/// Energies l[L, A] of one image, row-major; row i belongs to the source's columns
/// [i, i + 1) * window_width.
struct EnergyMap {
  int windows = 0, symbols = 0;
  double window_width = 0;  ///< in pixels of the source image
  std::vector<float> values;
  std::span<const float> row(int i) const {
    return std::span(values).subspan(std::size_t(i) * std::size_t(symbols), std::size_t(symbols));
  }
};

/// A character of a reading and the source columns [x0, x1) of its windows.
struct CharSpan {
  std::string text;
  double x0 = 0, x1 = 0;
};

/// A word as read. `confidence` is the geometric mean over windows of the softmax probability of
/// the symbol read there, in [0, 1]: 1 / confidence is the per-window perplexity of the reading.
struct Reading {
  ebm::AlignStatus status = ebm::AlignStatus::ok;
  std::string text;
  double energy = 0;
  double confidence = 0;
  std::vector<CharSpan> characters;
};

/// How a word is found from energies: the exact minimum-energy word under the grammar
/// (letter+ BETWEEN+)+, or the classic way, window by window with a majority vote.
enum class Decoder { exact, classic };

class Recognizer {
 public:
  /// From a network in training or a loaded one; batch normalisation is folded into convolutions,
  /// which are computed by `algo`.
  Recognizer(const Architecture& architecture, Alphabet alphabet,
             const nn::Parameters<float>& parameters,
             ebm::Topology topology = ebm::Topology::classic, ConvAlgo algo = ConvAlgo::automatic);
  /// From a model file. Throws IoError, in one sentence, where it is missing, damaged, foreign or
  /// of another version.
  static Recognizer load(const std::filesystem::path& path, ConvAlgo algo = ConvAlgo::automatic);

  const Alphabet& alphabet() const { return alphabet_; }
  /// What strings of windows spell a word: as it was trained.
  ebm::Topology topology() const { return topology_; }

  EnergyMap energies(const io::Gray8& image) const;
  /// The energies of images, the i-th the same, bit for bit, whatever the others are.
  std::vector<EnergyMap> energies(std::span<const io::Gray8> images) const;
  Reading read(const io::Gray8& image, Decoder decoder = Decoder::exact) const;
  std::vector<Reading> read(std::span<const io::Gray8> images,
                            Decoder decoder = Decoder::exact) const;
  Reading decode(const EnergyMap& map, Decoder decoder) const;

 private:
  class Tapes;

  Alphabet alphabet_;
  nn::Network<float> network_;
  ebm::Topology topology_;
  ConvAlgo algo_;
  std::shared_ptr<Tapes> tapes_;  // shared by copies
};

/// What a model file says of itself besides its tensors.
struct ModelInfo {
  Architecture architecture;
  Alphabet alphabet;
  ebm::Topology topology;  ///< classic for files older than the choice
  nn::Metadata metadata;   ///< all of it, the training summary included
};

/// The metadata that makes a checkpoint a word model: architecture, alphabet and topology, and
/// `summary`.
nn::Metadata model_metadata(const Architecture& architecture, const Alphabet& alphabet,
                            ebm::Topology topology, nn::Metadata summary);
/// Reads them back. Throws IoError where `checkpoint` is not a word model.
ModelInfo model_info(const nn::Checkpoint& checkpoint);

}  // namespace talweg::ocr
