// Labelled images divided into those to train on and those to validate on.
#pragma once

#include <cstdint>
#include <vector>

#include "ocr/dataset.h"

namespace talweg::ocr {

struct DataSplit {
  std::vector<Sample> train, validation;
};

/// Keeps a random share `part` of the samples for training, rounded, and gives the others to
/// validation: at least one to each, where there are two and `part` is below 1. The same samples and
/// seed give the same split, in the same order.
DataSplit split(std::vector<Sample> samples, double part, uint64_t seed);

}  // namespace talweg::ocr
