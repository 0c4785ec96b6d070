// One drawing, two kinds of file: what the figures of the program draw on.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/io/image.h"

namespace talweg::ocr {

/// Pixels from the top left. Text is drawn in the default font as a PNG (none where it is not
/// installed: a figure without names is still a figure), in the reader's as an SVG.
class Canvas {
 public:
  enum class Anchor { kStart, kMiddle, kEnd };

  virtual ~Canvas() = default;
  virtual void rect(int x, int y, int w, int h, io::Rgb color) = 0;
  virtual void line(int x0, int y0, int x1, int y1, io::Rgb color, int thickness) = 0;
  /// `y` is the baseline.
  virtual void text(int x, int y, std::string_view text, int size, Anchor anchor) = 0;
  /// The part of a picture that is `source_w` columns wide, stretched to w x h.
  virtual void picture(int x, int y, int w, int h, const io::Gray8& image, double source_w) = 0;
  /// values[rows, cols] as colours from the lowest of `range`, dark, to the highest; each cell a
  /// square.
  virtual void heat(int x, int y, int cell, int rows, int cols, std::span<const float> values,
                    std::pair<double, double> range) = 0;
  /// The file.
  virtual std::string bytes() const = 0;
};

/// On white paper.
std::unique_ptr<Canvas> png_canvas(int width, int height);
std::unique_ptr<Canvas> svg_canvas(int width, int height, const std::string& description);

}  // namespace talweg::ocr
