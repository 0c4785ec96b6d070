// How an arrow goes from one box of a trace's drawing to another without crossing a third.
#pragma once

#include <string>

#include "core/study/trace_layout.h"

namespace talweg {

/// The arrow as an SVG path. Boxes in neighbouring rows, and neighbours in one row, are joined by a
/// curve. Any other arrow leaves into the free strip beside its row, changes rows where no box of the
/// rows between stands in its way, and arrives through the strip beside the other row.
std::string route(const TraceLayout& layout, const TracePlace& from, const TracePlace& to);

}  // namespace talweg
