#include "core/io/image.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "core/error.h"

namespace talweg::io {
namespace {

size_t area(int width, int height) {
  expect(width >= 0 && height >= 0, "[image] sides must not be negative, found ", width, " x ",
         height);
  return size_t(width) * size_t(height);
}

template <class Image, class ColorAt>
void blit_scaled(Rgb8& canvas, const Image& source, int x, int y, int scale, ColorAt color_at) {
  expect(scale >= 1, "[image] scale must be at least 1, found ", scale);
  for (int row = 0; row < source.height; ++row) {
    for (int col = 0; col < source.width; ++col) {
      canvas.fill_rect(x + col * scale, y + row * scale, scale, scale, color_at(col, row));
    }
  }
}

}  // namespace

Gray8::Gray8(int width, int height, uint8_t value)
    : width(width), height(height), pixels(area(width, height), value) {}

Rgb8::Rgb8(int width, int height, Rgb color)
    : width(width), height(height), pixels(3 * area(width, height)) {
  fill_rect(0, 0, width, height, color);
}

Rgb Rgb8::at(int x, int y) const {
  const uint8_t* p = &pixels[3 * (size_t(y) * size_t(width) + size_t(x))];
  return {p[0], p[1], p[2]};
}

void Rgb8::set(int x, int y, Rgb color) {
  if (x < 0 || x >= width || y < 0 || y >= height) return;
  uint8_t* p = &pixels[3 * (size_t(y) * size_t(width) + size_t(x))];
  p[0] = color.r;
  p[1] = color.g;
  p[2] = color.b;
}

void Rgb8::fill_rect(int x, int y, int w, int h, Rgb color) {
  for (int row = std::max(y, 0); row < std::min(y + h, height); ++row) {
    for (int col = std::max(x, 0); col < std::min(x + w, width); ++col) set(col, row, color);
  }
}

void Rgb8::blit(const Gray8& source, int x, int y, int scale) {
  blit_scaled(*this, source, x, y, scale, [&](int col, int row) {
    const uint8_t v = source.at(col, row);
    return Rgb{v, v, v};
  });
}

void Rgb8::blit(const Rgb8& source, int x, int y, int scale) {
  blit_scaled(*this, source, x, y, scale, [&](int col, int row) { return source.at(col, row); });
}

void Rgb8::line(int x0, int y0, int x1, int y1, Rgb color, int thickness) {
  // One pen stamp a step along the longer side leaves no gap (digital differential analyser).
  const int steps = std::max({std::abs(x1 - x0), std::abs(y1 - y0), 1});
  const int offset = (thickness - 1) / 2;
  for (int i = 0; i <= steps; ++i) {
    const double part = double(i) / steps;
    const int x = x0 + int(std::lround(part * (x1 - x0)));
    const int y = y0 + int(std::lround(part * (y1 - y0)));
    fill_rect(x - offset, y - offset, thickness, thickness, color);
  }
}

}  // namespace talweg::io
