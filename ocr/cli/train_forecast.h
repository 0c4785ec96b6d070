// How long a training will take and how much memory it will need, from a few steps that are thrown away.
#pragma once

#include <cstdint>
#include <string>

#include "ocr/batch.h"
#include "ocr/training.h"

namespace talweg::ocr::cli {

struct Forecast {
  double seconds_a_step = 0;
  double bytes = 0;  ///< the most that the program will hold, about
};

/// Trains a model of its own for `steps` steps, single characters and words in the plan's proportion, after
/// a few to warm up: the run to come is left as it is. Memory is what the program held at most by then,
/// with its tape grown to the largest batch of an epoch, and what a checkpoint takes while it is written.
/// All of `ranks` try together, and all get what process 0 found.
Forecast forecast(TrainingPlan plan, const BatchSource& source, int64_t steps,
                  nn::Communicator& ranks);

/// "about 4:10 (0.25 s a step), about 210 MB": for `steps` steps.
std::string to_string(const Forecast& forecast, int64_t steps);

}  // namespace talweg::ocr::cli
