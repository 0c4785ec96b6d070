// The laboratory's experiments, one a file of this folder.
#pragma once

#include <vector>

#include "ebm/lab/experiment.h"

namespace talweg::ebm::lab {

Experiment beta_sweep();
Experiment cliffs();
Experiment noisy_labels();

/// All of them, in the order of the report.
const std::vector<Experiment>& experiments();

}  // namespace talweg::ebm::lab
