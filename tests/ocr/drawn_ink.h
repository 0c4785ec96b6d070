// Words simple enough to know what must become of them.
#pragma once

#include "ocr/ink.h"

namespace talweg::ocr {

/// A sheet without ink or letters.
inline Ink blank_ink(int width, int height) {
  Ink ink;
  ink.width = width, ink.height = height;
  ink.coverage.assign(size_t(width) * size_t(height), 0.0f);
  ink.descent = height, ink.baseline = height, ink.x_height = height;
  return ink;
}

/// A bar from x0 to x1 and y0 to y1, and its box.
inline void add_bar(Ink& ink, int x0, int y0, int x1, int y1) {
  for (int y = y0; y < y1; ++y) {
    for (int x = x0; x < x1; ++x) ink.coverage[size_t(y) * size_t(ink.width) + size_t(x)] = 1;
  }
  ink.boxes.push_back({x0, y0, x1, y1});
}

/// A tall bar, a space, a low broad one and a tall one, on a line from row 16 to row 64 of 80.
inline Ink three_bars() {
  Ink ink = blank_ink(150, 80);
  ink.ascent = 16, ink.descent = 64, ink.baseline = 54, ink.x_height = 24;
  add_bar(ink, 20, 18, 30, 54);
  ink.boxes.push_back({45, 54, 45, 54});
  add_bar(ink, 60, 30, 90, 54);
  add_bar(ink, 110, 18, 120, 64);
  return ink;
}

}  // namespace talweg::ocr
