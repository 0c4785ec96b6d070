// The demonstration's report: one self-contained page.
#pragma once

#include "core/io/html.h"
#include "ocr/demo.h"

namespace talweg::ocr {

/// Sample words, energies before and after training, paths, learning curves, accuracy by length, and
/// one word read both ways. Nothing on it depends on the clock.
io::HtmlPage demo_page(const DemoRun& run, const ClassicTask& task);

}  // namespace talweg::ocr
