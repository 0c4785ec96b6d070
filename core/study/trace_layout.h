// Where the nodes of a trace stand on paper. Time runs downward: a node stands below what it reads,
// a parameter just above its reader. What a recorded backward pass made stands to the right, in the
// row of the node whose rule made it, so that gradients are seen to climb back up beside the values.
#pragma once

#include <vector>

#include "core/study/trace.h"

namespace talweg {

/// Place of one node: the top left corner of its box.
struct TracePlace {
  int node = -1;
  double x = 0, y = 0;
};

struct TraceLayout {
  static constexpr double kBoxWidth = 168, kBoxHeight = 52;
  static constexpr double kGapX = 26, kGapY = 38, kBlockGap = 90, kMargin = 18;
  std::vector<TracePlace> places;  ///< of the nodes that were kept
  double width = 0, height = 0;
};

TraceLayout lay_out(const Trace& trace);

}  // namespace talweg
