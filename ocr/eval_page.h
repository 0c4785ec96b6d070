// An evaluation as one self-contained HTML page: scores, calibration, groups, confusions, worst words.
#pragma once

#include <string>

#include "core/io/html.h"
#include "ocr/eval_report.h"
#include "ocr/recognizer.h"

namespace talweg::ocr {

struct EvalPageOptions {
  std::string lead;     ///< under the title: what was read, and by what
  int confusions = 20;  ///< lines of the table
  int worst = 20;       ///< words, of the worst and of the surest mistakes each
};

/// Each of the words shown comes with its image, what is written, what was read, how sure the reader was, and
/// the energies of its letters with the paths of both; without energies where there is no recognizer, as for
/// another program's readings. Loads the images again. Throws IoError where one has gone.
io::HtmlPage eval_page(const EvalReport& report, const Recognizer* recognizer,
                       const EvalPageOptions& options);

}  // namespace talweg::ocr
