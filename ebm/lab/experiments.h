// The laboratory's experiments, one a file of this folder.
#pragma once

#include <vector>

#include "ebm/lab/experiment.h"

namespace talweg::ebm::lab {

Experiment collapse();
Experiment cliffs();
Experiment beta_sweep();
Experiment noisy_labels();
Experiment loss_planes();
Experiment one_to_many();
Experiment latent_curve();
Experiment margin_collapse();
Experiment sampled_gradients();
Experiment score_estimators();
Experiment step_size_bias();
Experiment gradient_penalty_effect();

/// All of them, in the order of the report.
const std::vector<Experiment>& experiments();

}  // namespace talweg::ebm::lab
