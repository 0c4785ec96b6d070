#include "ebm/lab/experiments.h"

namespace talweg::ebm::lab {

const std::vector<Experiment>& experiments() {
  static const std::vector<Experiment> all = {
      // In the order of their numbers.
      cliffs(),       beta_sweep(),     noisy_labels(),    loss_planes(),
      latent_curve(), step_size_bias(), margin_collapse(),
  };
  return all;
}

}  // namespace talweg::ebm::lab
