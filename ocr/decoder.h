// From energies to text: four ways to find a word, and what is said of it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ebm/align/grammar.h"
#include "ebm/align/lexicon.h"
#include "ebm/align/ngram.h"
#include "ocr/alphabet.h"

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

/// How a word is found.
///   exact    the word of least energy F(x, word), of all words
///   classic  window by window, with a majority vote between gaps: the coursework's way
///   lexicon  the word of least energy in a list
///   beam     the word of least F(x, word) + weight * -log p(word) under a letter model: of all words
///            by a beam, or, where one is given too, of a lexicon, exactly
enum class Decoder { exact, classic, lexicon, beam };

struct DecoderOptions {
  Decoder way = Decoder::exact;
  int alternatives = 0;                          ///< how many best words to list
  std::shared_ptr<const ebm::Lexicon> lexicon;   ///< of lexicon; of beam where given
  std::shared_ptr<const ebm::NgramModel> model;  ///< of beam
  std::vector<int32_t> to_model;  ///< the model's own number of each symbol (SearchOptions)
  double model_weight = 1;
  int64_t beam = 32;  ///< prefixes that the beam keeps at each window
  /// The only letters that may be read; all of the alphabet where there is none. The others cost
  /// +inf at every window, so that probabilities are over the words that are left.
  std::optional<std::u32string> letters;
  /// Inverse temperature of all probabilities, above 0; the model's own where there is none
  /// (Recognizer::reading_beta). What is read does not depend on it.
  std::optional<double> beta;
};

/// A symbol that a window may show, and how probable it is.
struct SymbolChoice {
  std::string text;
  double probability = 0;
};

/// A character of a reading: where it stands in the source image, and what the window that shows it
/// best shows: this character with probability `confidence`, each of the others, the most probable
/// first, with its own. These are exact sums over all words (ebm/align/partition.h), and with BETWEEN
/// they make one.
struct CharReading {
  std::string text;
  /// Columns [x0, x1) and rows [y0, y1). From energies alone (decode), the columns of its windows and
  /// no rows; from a Recognizer, those of its ink (ocr/char_boxes.h).
  double x0 = 0, x1 = 0, y0 = 0, y1 = 0;
  double confidence = 0;
  std::vector<SymbolChoice> alternatives;
};

/// The character `symbol` as the windows of its span show it. `marginals` are the probabilities of each
/// symbol at each window, [windows, symbols] (ebm::WordPosterior::marginals).
CharReading read_character(const EnergyMap& map, const Alphabet& alphabet,
                           std::span<const double> marginals, int32_t symbol,
                           const ebm::WindowSpan& span);

/// A word that was considered.
struct WordChoice {
  std::string text;
  double energy = 0;  ///< F(x, text), of its best path
  /// p(text | x), summed over all paths and divided by the sum over all words: those that may be
  /// read at all, where letters or a lexicon were given. The letter model takes no part in it.
  double probability = 0;
};

/// A word as read. `energy` is that of a WordChoice, `confidence` its probability.
struct Reading {
  ebm::AlignStatus status = ebm::AlignStatus::ok;
  std::string text;
  double energy = 0;
  double confidence = 0;
  std::vector<CharReading> characters;
  std::vector<WordChoice> alternatives;  ///< best first, as the decoder ranks words
  /// False where the beam cut prefixes or a search gave up: then there may be better words.
  bool complete = true;
};

/// The inverse temperature of probabilities where a model has none of its own: it is trained so that
/// exp(-energy) are the probabilities of a window's symbols.
inline constexpr double kReadingBeta = 1;

/// Reads energies of a model of this alphabet and topology. Throws Error where a lexicon or letter
/// model is missing, or is of another alphabet, where `letters` has some that are not the alphabet's,
/// or none, and where beta is not above 0.
Reading decode(const EnergyMap& map, const Alphabet& alphabet, ebm::Topology topology,
               const DecoderOptions& options = {});

}  // namespace talweg::ocr
