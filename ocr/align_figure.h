// A word aligned with its image, and a picture of it.
#pragma once

#include <cstdint>
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
  std::vector<int32_t> label;      ///< letters with BETWEEN after each
  std::vector<std::string> names;  ///< of the label's positions
  ebm::Alignment best;
  std::vector<int32_t>
      bad_path;  ///< a path as legal as the best one: it advances as late as it can
  double bad_energy = 0;
};

/// Aligns `image` with `text`. Throws Error where the text does not fit the image.
AlignedWord align_word(const Recognizer& recognizer, const io::Gray8& image,
                       const std::string& text);

/// From top to bottom: the image, a coloured bar under each character's windows; the energies of every
/// symbol; the energies of every label position, with the best path across them. Names of symbols stand
/// at the left where the default font is installed.
io::Rgb8 align_figure(const AlignedWord& word, const Alphabet& alphabet);

}  // namespace talweg::ocr
