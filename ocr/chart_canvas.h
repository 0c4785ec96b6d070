// Line charts on a canvas, for pictures that are no SVG.
#pragma once

#include "core/io/svg.h"
#include "ocr/canvas.h"

namespace talweg::ocr {

/// Draws lines, points, round ticks, the axes' labels and a legend into the rectangle at (x, y).
/// Intervals, dashes, y_min and y_max are left to io::draw. Values that a chart can't show (not finite,
/// or not above 0 on a logarithmic axis) break their line.
void draw_chart(Canvas& canvas, const io::LineChart& chart, int x, int y, int width, int height);

}  // namespace talweg::ocr
