#include "ocr/lab/experiments.h"

namespace talweg::ocr::lab {

const std::vector<ebm::lab::Experiment>& experiments() {
  static const std::vector<ebm::lab::Experiment> all{word_losses()};
  return all;
}

}  // namespace talweg::ocr::lab
