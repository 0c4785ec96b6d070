// Probabilities that can be taken at their word: of the words read with probability 0.8, eight of ten
// should be right. Networks are surer than they should be; one number, fitted on words that they were
// not trained on, mends most of it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ebm/align/grammar.h"
#include "ocr/decoder.h"
#include "ocr/held_out.h"
#include "ocr/recognizer.h"

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
///   -t log p_beta - (1 - t) log (1 - p_beta),
///
///   t = (n_right + 1) / (n_right + 2)  where it is right,   1 / (n_wrong + 2)  where it is wrong,
///
/// for beta from 1/8 to 8, found to 0.1 % by golden section in log beta. The targets t stop short of 1
/// and 0, so that a hundred words read without a mistake don't promise that there will never be one.
/// Computed by all threads; the same for any number of them. Throws Error where there is no word.
/// Sources: Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks"
/// (temperature scaling), here of whole words: their sum over all words is exact (ebm/align/partition.h);
/// Platt 1999, "Probabilistic Outputs for Support Vector Machines", for the targets.
double fit_reading_beta(std::span<const JudgedWord> words, const ebm::Grammar& grammar);

/// The same for words that `recognizer` was not trained on, of which at most `most` are taken, spread over
/// all of them: what to make of it is Recognizer's reading_beta.
double fit_reading_beta(const Recognizer& recognizer, const HeldOut& words, int64_t most = 2000);

}  // namespace talweg::ocr
