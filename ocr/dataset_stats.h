// What is in a set of labelled images, in numbers.
#pragma once

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

}  // namespace talweg::ocr
