// An evaluation as `talweg eval` prints it.
#pragma once

#include "ocr/eval_report.h"

namespace talweg::ocr::cli {

/// How much of an evaluation's lists is printed.
struct EvalPrinting {
  int confusions = 10, worst = 10;
};

/// Tables for people.
void print_eval_text(const EvalReport& report, const EvalPrinting& printing);
/// One JSON object. It holds nothing that depends on the clock.
void print_eval_json(const EvalReport& report, const EvalPrinting& printing);

}  // namespace talweg::ocr::cli
