// The recognizer: a trained model that reads images of words. It is immutable, so that threads share it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/io/image.h"
#include "core/io/image_view.h"
#include "nn/checkpoint.h"
#include "ocr/alphabet.h"
#include "ocr/decoder.h"
#include "ocr/word_model.h"

namespace talweg::ocr {

/// The derivative of a number with respect to the pixels of a prepared image.
struct PixelGradient {
  InkImage image;
  std::vector<float> gradient;  ///< [height, width]
};

class Recognizer {
 public:
  /// From a network in training or a loaded one; batch normalisation is folded into convolutions,
  /// which are computed by `algo`.
  Recognizer(const Architecture& architecture, const Alphabet& alphabet,
             const nn::Parameters<float>& parameters,
             ebm::Topology topology = ebm::Topology::classic, ConvAlgo algo = ConvAlgo::automatic,
             double reading_beta = kReadingBeta);
  /// From a model file. Throws IoError, in one sentence, where it is missing, damaged, foreign or
  /// of another version.
  static Recognizer load(const std::filesystem::path& path, ConvAlgo algo = ConvAlgo::automatic);

  const Architecture& architecture() const { return architecture_; }
  const Alphabet& alphabet() const { return alphabet_; }
  /// What strings of windows spell a word: as it was trained.
  ebm::Topology topology() const { return topology_; }

  /// The inverse temperature at which the model's probabilities say how often it is right.
  double reading_beta() const { return reading_beta_; }

  /// The network's energies; far from all ink, where the topology allows it, BETWEEN alone
  /// (ocr/blank_ends.h).
  EnergyMap energies(const io::Gray8& image) const;
  /// The energies of images, the i-th the same, bit for bit, whatever the others are.
  std::vector<EnergyMap> energies(std::span<const io::Gray8> images) const;
  /// Each image's word, with the boxes of its characters' ink. Throws Error for an image that is empty
  /// or too wide (prepare_image), and as decode does.
  Reading read(const io::Gray8& image, const DecoderOptions& options = {}) const;
  std::vector<Reading> read(std::span<const io::Gray8> images,
                            const DecoderOptions& options = {}) const;
  /// The same for pixels in the caller's memory, which is only looked at meanwhile.
  Reading recognize(const io::ImageView& image, const DecoderOptions& options = {}) const;
  std::vector<Reading> recognize(std::span<const io::ImageView> images,
                                 const DecoderOptions& options = {}) const;
  /// The gradient of f, one number made from the energies e[1, windows, symbols] on their tape.
  /// Throws Error where the image holds no window.
  PixelGradient pixel_gradient(const io::Gray8& image,
                               const std::function<Var<float>(Var<float> e)>& f) const;

 private:
  /// Called once for each image, in any order and by several threads.
  using Visit = std::function<void(std::size_t i, EnergyMap map, const InkImage& prepared)>;
  Recognizer(const Architecture& architecture, Alphabet alphabet, nn::Network<float> folded,
             ebm::Topology topology, ConvAlgo algo, double reading_beta);
  void for_each_map(std::span<const io::Gray8> images, const Visit& visit) const;
  void fill_maps(std::span<const InkImage> images, int width, std::span<EnergyMap> maps) const;

  Architecture architecture_;
  Alphabet alphabet_;
  nn::Network<float> network_;
  ebm::Topology topology_;
  ConvAlgo algo_;
  double reading_beta_;
};

/// The metadata entry that holds Recognizer::reading_beta, a number.
inline constexpr const char* kReadingBetaKey = "reading_beta";

/// What a model file says of itself besides its tensors.
struct ModelInfo {
  Architecture architecture;
  Alphabet alphabet;
  ebm::Topology topology;  ///< classic for files older than the choice
  double reading_beta;     ///< of the metadata's "reading_beta", 1 where there is none
  nn::Metadata metadata;   ///< all of it, the training summary included
};

/// The metadata that makes a checkpoint a word model: architecture, alphabet and topology, and
/// `summary`.
nn::Metadata model_metadata(const Architecture& architecture, const Alphabet& alphabet,
                            ebm::Topology topology, nn::Metadata summary);
/// Reads them back. Throws IoError where `checkpoint` is not a word model.
ModelInfo model_info(const nn::Checkpoint& checkpoint);
/// Throws IoError where the architecture's parameters are many, and more than the file holds: before
/// room is made for what can't be there.
void check_size(const nn::Checkpoint& checkpoint, const ModelInfo& info);
/// The network inside. Throws IoError where its tensors are not those of its architecture.
nn::Network<float> network_in(const nn::Checkpoint& checkpoint, const ModelInfo& info);

}  // namespace talweg::ocr
