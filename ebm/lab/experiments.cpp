#include "ebm/lab/experiments.h"

namespace talweg::ebm::lab {

const std::vector<Experiment>& experiments() {
  static const std::vector<Experiment> all = {
      collapse(),                 // E1
      cliffs(),                   // E2
      beta_sweep(),               // E3
      noisy_labels(),             // E4
      loss_planes(),              // E5
      one_to_many(),              // E6
      latent_curve(),             // E7
      sampled_gradients(),        // E8
      score_estimators(),         // E9
      step_size_bias(),           // E10
      margin_collapse(),          // E12
      gradient_penalty_effect(),  // E13
  };
  return all;
}

}  // namespace talweg::ebm::lab
