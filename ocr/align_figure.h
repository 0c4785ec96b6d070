// A word aligned with its image, and a picture of it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/io/image.h"
#include "ebm/align/alignment.h"
#include "ocr/alphabet.h"
#include "ocr/recognizer.h"

namespace talweg::ocr {

/// A word's image aligned with its text: all that the path figures show.
struct AlignedWord {
  std::string text;
  io::Gray8 image;
  EnergyMap map;
  int32_t between = 0;
  std::vector<int32_t> label;      ///< the states of the text in the model's topology
  std::vector<std::string> names;  ///< of the label's positions
  ebm::PathRule rule;              ///< of the topology
  ebm::Alignment best;
  /// A path as legal as the best one in the classic rule: it advances as late as it can.
  std::vector<int32_t> bad_path;
  double bad_energy = 0;
};

/// Aligns `image` with `text` as the model's topology has it. Throws Error where the text does not
/// fit the image.
AlignedWord align_word(const Recognizer& recognizer, const io::Gray8& image,
                       const std::string& text);

/// A character of the text and the columns [x0, x1) of the image that its windows on the best path
/// cover.
struct AlignedSpan {
  int32_t position;  ///< in the label
  int first, last;   ///< windows
  double x0, x1;
};
std::vector<AlignedSpan> spans_of(const AlignedWord& word);

/// All paths of the word at one temperature.
struct PathsAt {
  double beta;
  double energy;                  ///< F_beta
  std::vector<double> matrix;     ///< D[windows, positions], see ebm::dp_matrix
  std::vector<double> posterior;  ///< [windows, positions] that a path is there at that window
};
PathsAt paths_at(const AlignedWord& word, double beta);

enum class FigureFormat { png, svg };

/// At the left the image, with a coloured bar under each character's windows, and the energies of
/// every symbol, those on the best path marked. Then for each temperature, side by side, the matrix
/// of the dynamic programme with the best path on it, and how probable each label position is at each
/// window. Windows stand under windows. The bytes of a file.
std::string align_figure(const AlignedWord& word, const Alphabet& alphabet,
                         std::span<const PathsAt> temperatures, FigureFormat format);

}  // namespace talweg::ocr
