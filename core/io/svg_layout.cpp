#include "core/io/svg_layout.h"

#include <algorithm>

namespace talweg::io {
namespace {

constexpr double kSwatch = 18, kSwatchGap = 6, kEntryGap = 18;

}  // namespace

double text_width(std::string_view text, double size) {
  const auto characters = std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // not a UTF-8 continuation byte
  });
  return 0.56 * size * double(characters);
}

Legend::Legend(const std::vector<Entry>& entries, double width) {
  double x = 0;
  for (const Entry& entry : entries) {
    if (entry.name.empty()) continue;
    const double needed = kSwatch + kSwatchGap + text_width(entry.name, kLabelSize);
    if (rows_ == 0 || (x > 0 && x + needed > width)) {
      ++rows_;
      x = 0;
    }
    places_.push_back({entry, x, (rows_ - 1) * kRowHeight});
    x += needed + kEntryGap;
  }
}

void Legend::draw(Svg& svg, double x, double y) const {
  for (const Place& place : places_) {
    const double left = x + place.x, middle = y + place.y + kRowHeight / 2 - 2;
    svg.line(left, middle, left + kSwatch, middle,
             {.color = place.entry.color, .width = 3, .dashed = place.entry.dashed});
    svg.text(left + kSwatch + kSwatchGap, middle + 4, place.entry.name, {.size = kLabelSize});
  }
}

}  // namespace talweg::io
