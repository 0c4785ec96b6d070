#include "core/io/colormap.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "tests/core/io/scratch.h"

using talweg::Error;
using namespace talweg::io;

namespace {

/// CIE L* of an sRGB colour (IEC 61966-2-1).
double lightness(Rgb color) {
  const auto linear = [](uint8_t v) {
    const double c = v / 255.0;
    return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
  };
  const double y = 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b);
  return y > 0.008856 ? 116 * std::cbrt(y) - 16 : 903.3 * y;
}

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST_CASE("the colour map gets lighter from dark blue on, in about even steps") {
  CHECK(energy_color(0).b > 2 * energy_color(0).g);
  for (int i = 1; i <= 100; ++i) {
    const double step =
        lightness(energy_color(i / 100.0)) - lightness(energy_color((i - 1) / 100.0));
    CAPTURE(i);
    CHECK(step > 0.4);
    CHECK(step < 1.4);
  }
}

TEST_CASE("the colour of a missing value is none of the map's") {
  for (int i = 0; i <= 100; ++i) {
    const Rgb c = energy_color(i / 100.0);
    CHECK(std::abs(c.r - kNotFiniteColor.r) + std::abs(c.g - kNotFiniteColor.g) +
              std::abs(c.b - kNotFiniteColor.b) >
          60);
  }
  CHECK(energy_color(kNan) == kNotFiniteColor);
}

TEST_CASE("values outside the range take the end colours") {
  CHECK(energy_color(-3) == energy_color(0));
  CHECK(energy_color(7) == energy_color(1));
}

TEST_CASE("a heat map draws each cell as a square and returns the range it used") {
  const std::vector<float> values{-1, 3, kInf, kNan, 1, -kInf};
  const HeatMap map = heat_map(values, 2, 3, 4);
  CHECK(map.low == -1);
  CHECK(map.high == 3);
  CHECK(map.image.width == 12);
  CHECK(map.image.height == 8);
  CHECK(map.image.at(0, 0) == energy_color(0));
  CHECK(map.image.at(3, 3) == energy_color(0));
  CHECK(map.image.at(4, 0) == energy_color(1));
  CHECK(map.image.at(8, 3) == kNotFiniteColor);
  CHECK(map.image.at(0, 4) == kNotFiniteColor);
  CHECK(map.image.at(7, 7) == energy_color(0.5));
  CHECK(map.image.at(11, 7) == kNotFiniteColor);
}

TEST_CASE("a given range is used, and equal or missing values do not divide by zero") {
  const HeatMap given = heat_map(std::vector<float>{5}, 1, 1, 1, std::pair(0.0, 10.0));
  CHECK(given.image.at(0, 0) == energy_color(0.5));
  CHECK(heat_map(std::vector<float>{7, 7}, 1, 2).image.at(1, 0) == energy_color(0));
  CHECK(heat_map(std::vector<float>{kNan}, 1, 1).low == 0);
  CHECK(heat_map({}, 0, 3).image.pixels.empty());
}

TEST_CASE("a heat map refuses values that do not fill the matrix") {
  CHECK(sentence<Error>([] {
          heat_map(std::vector<float>{1, 2}, 1, 3);
        }) == "[heat_map] 1 x 3 cells expected, found 2 values");
  CHECK(sentence<Error>([] { heat_map(std::vector<float>{1}, 1, 1, 0); }) ==
        "[heat_map] scale must be at least 1, found 0");
}
