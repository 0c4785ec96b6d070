#include "core/io/image_view.h"

#include <cstdlib>
#include <cstring>

#include "core/error.h"
#include "core/io/pnm.h"

namespace talweg::io {

namespace {

uint8_t gray_of(const uint8_t* pixel, PixelFormat format) {
  switch (format) {
    case PixelFormat::gray8:
      return pixel[0];
    case PixelFormat::rgb8:
      return luma(pixel[0], pixel[1], pixel[2]);
    case PixelFormat::rgba8:
      return over_white(luma(pixel[0], pixel[1], pixel[2]), pixel[3]);
    case PixelFormat::gray16: {
      uint16_t value = 0;
      std::memcpy(&value, pixel, sizeof value);
      return uint8_t(value >> 8);
    }
  }
  throw Error(message("[to_gray] there is no pixel format ", int(format)));
}

}  // namespace

std::size_t pixel_bytes(PixelFormat format) {
  switch (format) {
    case PixelFormat::gray8:
      return 1;
    case PixelFormat::gray16:
      return 2;
    case PixelFormat::rgb8:
      return 3;
    case PixelFormat::rgba8:
      return 4;
  }
  throw Error(message("[to_gray] there is no pixel format ", int(format)));
}

Gray8 to_gray(const ImageView& view) {
  const std::size_t bytes = pixel_bytes(view.format);
  expect(view.width > 0 && view.height > 0 && view.width <= kMaxPixels / view.height,
         "[to_gray] an image of ", view.width, " x ", view.height, " px can't be read; expected ",
         "1 to ", kMaxPixels, " pixels");
  expect(view.pixels != nullptr, "[to_gray] the pixels are a null pointer");
  const auto row_bytes = std::ptrdiff_t(bytes) * view.width;
  const std::ptrdiff_t stride = view.stride == 0 ? row_bytes : view.stride;
  expect(std::abs(stride) >= row_bytes, "[to_gray] rows of ", row_bytes, " bytes overlap at ",
         stride, " bytes from row to row; give the stride in bytes");
  Gray8 image(view.width, view.height);
  uint8_t* to = image.pixels.data();
  for (int y = 0; y < view.height; ++y) {
    const auto* from = static_cast<const uint8_t*>(view.pixels) + y * stride;
    for (int x = 0; x < view.width; ++x, from += bytes) *to++ = gray_of(from, view.format);
  }
  return image;
}

}  // namespace talweg::io
