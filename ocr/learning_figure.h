// A run's learning curve as a picture: loss and errors against steps.
#pragma once

#include <string>
#include <vector>

#include "core/io/svg.h"
#include "ocr/align_figure.h"
#include "ocr/learning_record.h"

namespace talweg::ocr {

/// The mean loss between two measurements, and the errors measured on validation words (CER and the
/// share of words that are not exact) in %; the state that is kept is marked. An axis is logarithmic
/// where its values span more than a factor of twenty. The second chart is left out where nothing was
/// measured on words.
std::vector<io::LineChart> learning_charts(const LearningRecord& record);

/// These charts, one below the other. The bytes of a file.
std::string learning_figure(const LearningRecord& record, FigureFormat format);

}  // namespace talweg::ocr
