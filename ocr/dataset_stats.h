// What is in a set of labelled images, in numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ocr/dataset.h"

namespace talweg::ocr {

/// A letter of the labels, and where it is met.
struct LetterUse {
  char32_t letter = 0;
  int64_t times = 0;
  int64_t samples = 0;  ///< labels that hold it
  std::string first;    ///< the first of them: "list.tsv:3"
};

/// Every letter of the labels, by code point.
std::vector<LetterUse> letter_uses(const std::vector<Sample>& samples);

/// Only those that `alphabet` lacks.
std::vector<LetterUse> foreign_letters(const std::vector<Sample>& samples,
                                       const Alphabet& alphabet);

/// The least, the middle and the greatest of some numbers; all 0 where there are none. Of an even number,
/// the lower of the two in the middle.
struct Spread {
  int64_t least = 0, median = 0, most = 0;
};
Spread spread_of(std::vector<int64_t> numbers);

struct DatasetStats {
  int64_t samples = 0;
  int64_t different = 0;        ///< texts
  Spread letters;               ///< of a label
  Spread width, height;         ///< of an image, px
  Spread model_width;           ///< of an image, columns that the model sees
  int64_t spaces_at_ends = 0;   ///< labels that begin or end with one, which no image shows
  std::vector<LetterUse> uses;  ///< by code point
};

/// Opens every image. Throws IoError where one can't be read; check_samples finds those beforehand.
DatasetStats dataset_stats(const std::vector<Sample>& samples);

}  // namespace talweg::ocr
