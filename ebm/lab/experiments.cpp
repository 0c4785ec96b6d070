#include "ebm/lab/experiments.h"

namespace talweg::ebm::lab {

const std::vector<Experiment>& experiments() {
  static const std::vector<Experiment> all = {
      cliffs(),
      beta_sweep(),
      noisy_labels(),
  };
  return all;
}

}  // namespace talweg::ebm::lab
