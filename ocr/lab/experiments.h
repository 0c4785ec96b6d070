// The laboratory's experiments on words and images; those of the theory alone are in ebm/lab/.
#pragma once

#include <vector>

#include "ebm/lab/experiment.h"
#include "ocr/word_model.h"

namespace talweg::ocr::lab {

/// How long the words' experiment trains and reads. Tests take less.
struct WordLossSize {
  int64_t character_steps, word_steps;
  int words_per_variant;
  Architecture architecture = {};
};

/// E11: words read after training with each loss. Needs the font Anonymous Pro.
ebm::lab::Experiment word_losses();
/// The same at a size of one's own.
ebm::lab::Findings compare_word_losses(const ebm::lab::RunOptions& options,
                                       const WordLossSize& size);

/// All of them, in the order of the report.
const std::vector<ebm::lab::Experiment>& experiments();

}  // namespace talweg::ocr::lab
