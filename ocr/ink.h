// A word as it was drawn, before it met any page, light or camera.
#pragma once

#include <vector>

namespace talweg::ocr {

/// The ink of one character: columns x0 <= x < x1, rows y0 <= y < y1. Empty (x0 = x1) for a space.
struct CharBox {
  int x0 = 0, y0 = 0, x1 = 0, y1 = 0;
  bool operator==(const CharBox&) const = default;
};

/// How much ink covers each pixel of a word, drawn large and with wide empty margins so that
/// whatever is done to it afterwards has room.
struct Ink {
  int width = 0, height = 0;
  std::vector<float> coverage;     ///< row-major [height, width], 0 ... 1
  int ascent = 0, descent = 0;     ///< the line's frame ('Ahgjp'): top row, row behind the lowest
  int baseline = 0, x_height = 0;  ///< the row below the letters' feet; height of 'x' in rows
  std::vector<CharBox> boxes;      ///< one a character of the text, in pixels of `coverage`
};

}  // namespace talweg::ocr
