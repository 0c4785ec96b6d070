// An image under a model, looked at from all sides: what figures and pages about a word show.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ebm/align/partition.h"
#include "ocr/image_prep.h"
#include "ocr/recognizer.h"

namespace talweg::ocr {

/// A text set against an image.
struct Spelling {
  std::string text;
  double energy = 0;                    ///< F of its best path
  double probability = 0;               ///< exact, over all words and paths
  std::vector<int32_t> symbols;         ///< [windows] what the best path shows at each window
  std::vector<ebm::WindowSpan> spans;   ///< of each character on that path
  std::vector<CharReading> characters;  ///< with the boxes of their ink
};

/// One image, its energies and what is probable at each window; the model must outlive it.
class WordView {
 public:
  /// Throws as Recognizer::read does.
  WordView(const Recognizer& recognizer, io::Gray8 image, int alternatives = 0);

  const io::Gray8& image() const { return image_; }
  const InkImage& prepared() const { return prepared_; }
  const EnergyMap& map() const { return map_; }
  const Alphabet& alphabet() const { return recognizer_.alphabet(); }
  /// As Recognizer::read gives it.
  const Reading& reading() const { return reading_; }
  /// The probability of each symbol at each window, [windows, symbols]; all 0 where nothing can be read.
  std::span<const double> marginals() const { return marginals_; }

  /// Any text; none where the alphabet lacks one of its characters or there are too few windows.
  std::optional<Spelling> spell(const std::string& text) const;

  /// The symbols by which the image is told: those of the texts, in order of appearance, and others that
  /// some window shows with a probability of 5 % or more, the likeliest first, `most` in all; BETWEEN,
  /// which always is among them, last.
  std::vector<int32_t> telling_symbols(std::span<const std::string> texts, int most) const;
  /// As the rows of a map are named: the letter, or "gap" for BETWEEN, which "_" would not tell from '_'.
  std::string row_name(int32_t symbol) const;

 private:
  const Recognizer& recognizer_;
  io::Gray8 image_;
  InkImage prepared_;
  EnergyMap map_;
  Reading reading_;
  ebm::WordPosterior posterior_;
  std::vector<double> marginals_;
};

}  // namespace talweg::ocr
