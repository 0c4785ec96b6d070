// Netpbm pictures, read by hand: the format is twenty lines, and stb's reader of it neither notices
// a truncated file nor scales by the maximal value. Source:
// https://netpbm.sourceforge.net/doc/pnm.html
#pragma once

#include <string>
#include <string_view>

#include "core/io/image.h"

namespace talweg::io {

/// Whether `bytes` begin as a binary PBM, PGM or PPM does (P4, P5, P6).
bool looks_like_pnm(std::string_view bytes);

/// The first picture in `bytes`, its maximal value scaled to 255, colours reduced to luma. Throws
/// IoError naming `origin` when the header is damaged, the picture too large or truncated.
Gray8 decode_pnm(std::string_view bytes, const std::string& origin);

/// Luma of an sRGB colour, ITU-R BT.601: 0.299 r + 0.587 g + 0.114 b in 1/256 steps.
inline uint8_t luma(int r, int g, int b) { return uint8_t((77 * r + 150 * g + 29 * b) >> 8); }

/// A grey value seen through `alpha` on white paper, rounded.
inline uint8_t over_white(int gray, int alpha) {
  return uint8_t((gray * alpha + 255 * (255 - alpha) + 127) / 255);
}

/// Throws IoError naming `origin` unless the sides are positive and the area at most kMaxPixels.
void check_picture_size(int64_t width, int64_t height, const std::string& origin);

}  // namespace talweg::io
