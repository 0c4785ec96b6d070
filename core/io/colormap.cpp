#include "core/io/colormap.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/error.h"

namespace talweg::io {
namespace {

// Control points, evenly spaced: night blue, blue, teal, green, sand, cream. Chosen so that CIE L*
// rises in about equal steps (10 29 46 62 80 96), which is what the eye reads as "higher".
constexpr std::array<Rgb, 6> kControl{{
    {10, 24, 72},
    {28, 66, 130},
    {22, 119, 140},
    {76, 168, 122},
    {204, 203, 110},
    {255, 244, 214},
}};

uint8_t mix(uint8_t a, uint8_t b, double t) { return uint8_t(std::lround(a + (b - a) * t)); }

}  // namespace

Rgb energy_color(double t) {
  if (std::isnan(t)) return kNotFiniteColor;
  const double position = std::clamp(t, 0.0, 1.0) * double(kControl.size() - 1);
  const size_t i = std::min(size_t(position), kControl.size() - 2);
  const double part = position - double(i);
  const Rgb a = kControl[i], b = kControl[i + 1];
  return {mix(a.r, b.r, part), mix(a.g, b.g, part), mix(a.b, b.b, part)};
}

std::pair<double, double> finite_range(std::span<const float> values) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double v : values) {
    if (!std::isfinite(v)) continue;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  return low <= high ? std::pair(low, high) : std::pair(0.0, 0.0);
}

HeatMap heat_map(std::span<const float> values, int rows, int cols, int scale,
                 std::optional<std::pair<double, double>> range) {
  expect(rows >= 0 && cols >= 0 && values.size() == size_t(rows) * size_t(cols), "[heat_map] ",
         rows, " x ", cols, " cells expected, found ", values.size(), " values");
  expect(scale >= 1, "[heat_map] scale must be at least 1, found ", scale);
  const auto [low, high] = range ? *range : finite_range(values);
  // Where all values are equal they are all the valley.
  const double per_unit = high > low ? 1 / (high - low) : 0;
  HeatMap map{Rgb8(cols * scale, rows * scale), low, high};
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c) {
      const double v = values[size_t(r) * size_t(cols) + size_t(c)];
      const Rgb color = std::isfinite(v) ? energy_color((v - low) * per_unit) : kNotFiniteColor;
      map.image.fill_rect(c * scale, r * scale, scale, scale, color);
    }
  }
  return map;
}

}  // namespace talweg::io
