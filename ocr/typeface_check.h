// Whether a face draws what its code points say.
#pragma once

#include <array>
#include <map>
#include <string>

#include "ocr/font.h"

namespace talweg::ocr {

/// A glyph's ink over its own box, size and proportions left out: mean coverage, 0 ... 1, on a grid
/// of kShapeSide x kShapeSide.
inline constexpr int kShapeSide = 12;
using Shape12 = std::array<float, kShapeSide * kShapeSide>;
Shape12 shape_of(const Glyph& glyph);

/// Pearson's correlation of two shapes, -1 ... 1; 0 where one of them is flat.
double likeness(const Shape12& a, const Shape12& b);

/// Why words drawn with these letters would carry wrong labels, in words that go behind "because";
/// empty where they would not. See Typeface for what is looked at.
std::string typeface_fault(const std::map<char32_t, Glyph>& glyphs);

}  // namespace talweg::ocr
