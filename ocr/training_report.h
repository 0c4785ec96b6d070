// A finished training as one self-contained HTML page.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/io/html.h"
#include "ocr/held_out.h"
#include "ocr/learning_record.h"
#include "ocr/recognizer.h"

namespace talweg::ocr {

struct TrainingReportPage {
  std::string model;  ///< file
  std::string
      ended;  ///< one sentence or two: what was kept, and whether it was stopped; may be empty
  std::vector<std::pair<std::string, std::string>> facts;  ///< name, value: a table about the run
  int confusions = 20;                                     ///< lines of the table
  int worst = 12;                                          ///< words shown
};

/// The plan, the learning curves, how well `recognizer`, the model that was kept, reads `words`, its most
/// frequent confusions, and the worst words with their energies and the paths of what is written and what
/// was read. Without words to measure on, the page says so. Throws as Recognizer::read does.
io::HtmlPage training_page(const TrainingReportPage& report, const LearningRecord& record,
                           const Recognizer& recognizer, const HeldOut& words, uint64_t seed);

}  // namespace talweg::ocr
