// Probabilities that can be taken at their word: of the words read with probability 0.8, eight of ten
// should be right. Networks are surer than they should be; one number, fitted on words that they were
// not trained on, mends most of it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ebm/align/grammar.h"
#include "ocr/decoder.h"

namespace talweg::ocr {

/// A word as it was read, and whether that is what is written.
struct JudgedWord {
  const EnergyMap* map = nullptr;
  std::vector<int32_t> word;  ///< letters
  bool right = false;
};

/// The inverse temperature beta at which the exact probabilities p_beta(word | x) of what was read say
/// best how often it is right: the minimum of the mean of
///
///   -log p_beta   where it is right,   -log (1 - p_beta)   where it is wrong,
///
/// for beta from 1/8 to 8, found to 0.1 % by golden section in log beta. With every word right, or
/// every word wrong, an end of that range is best. Computed by all threads; the same for any number of
/// them. Throws Error where there is no word.
/// Source: Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks"
/// (temperature scaling), here of whole words: their sum over all words is exact (ebm/align/partition.h).
double fit_reading_beta(std::span<const JudgedWord> words, const ebm::Grammar& grammar);

}  // namespace talweg::ocr
