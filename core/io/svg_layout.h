// What the chart and the matrix panel share: text sizes, and a legend that wraps. Private to
// core/io.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/io/svg.h"

namespace talweg::io {

inline constexpr double kTitleSize = 15, kLabelSize = 12, kTickSize = 11;
inline constexpr double kTitleHeight = 28;  ///< a title's line, with the air around it

/// About the width of `text`: a sans serif averages 0.56 em a character. SVG can't measure.
double text_width(std::string_view text, double size);

/// Coloured strokes with names, from left to right, in as many rows as `width` asks for.
class Legend {
 public:
  struct Entry {
    std::string name, color;
    bool dashed = false;
  };

  /// Entries without a name are left out.
  Legend(const std::vector<Entry>& entries, double width);

  double height() const { return rows_ * kRowHeight; }
  void draw(Svg& svg, double x, double y) const;

 private:
  static constexpr double kRowHeight = 20;
  struct Place {
    Entry entry;
    double x, y;
  };
  std::vector<Place> places_;
  int rows_ = 0;
};

}  // namespace talweg::io
