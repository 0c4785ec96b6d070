// Pixels in somebody else's memory: how a program hands its pictures over.
#pragma once

#include <cstddef>

#include "core/io/image.h"

namespace talweg::io {

/// How one pixel lies in memory. 16-bit values are the machine's own, 0 = black, 65535 = white; alpha
/// is not premultiplied.
enum class PixelFormat { gray8, rgb8, rgba8, gray16 };

/// Row by row from the top left.
struct ImageView {
  const void* pixels = nullptr;
  int width = 0, height = 0;
  std::ptrdiff_t stride = 0;  ///< bytes from row to row, negative where rows go up; 0: none between
  PixelFormat format = PixelFormat::gray8;
};

/// Bytes of a pixel.
std::size_t pixel_bytes(PixelFormat format);

/// The picture in grey, as decode_gray makes it: luma, transparent pixels over white, 16 bits reduced
/// to 8. Throws Error where there are no pixels, more than kMaxPixels, or rows overlap.
Gray8 to_gray(const ImageView& view);

}  // namespace talweg::io
