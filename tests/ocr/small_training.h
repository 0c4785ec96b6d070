// A training small enough for tests: few channels, few steps, the classic words in a font.
#pragma once

#include "ocr/training.h"

namespace talweg::ocr {

inline TrainingPlan small_plan(int64_t character_steps, int64_t word_steps) {
  TrainingPlan plan;
  plan.architecture = Architecture::parse("net/4p-8p-8v-8-c16");
  plan.character_steps = character_steps;
  plan.word_steps = word_steps;
  return plan;
}

inline FontSource font_source() {
  FontSourceOptions options;
  options.letters_per_batch = 16;
  return FontSource({ClassicTask::standard()}, Alphabet(), options);
}

}  // namespace talweg::ocr
