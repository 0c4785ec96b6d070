// Where the letters go: shape, frame, and the boxes that follow them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "ocr/degrade.h"
#include "tests/ocr/degrade_planes.h"
#include "tests/ocr/drawn_ink.h"

namespace talweg::ocr {
namespace {

TEST_CASE("a turn by 90 degrees stands a bar upright") {
  Ink ink = blank_ink(120, 120);
  ink.ascent = 50, ink.descent = 70;
  add_bar(ink, 20, 55, 100, 65);  // 80 wide, 10 high
  Degradation d;
  d.frame.tight = true;
  d.frame.left = d.frame.right = d.frame.top = d.frame.bottom = 0;
  d.shape.rotation = float(std::numbers::pi / 2);
  d.frame.height = 80;
  const Layout layout = layout_of(ink, d);
  CHECK(layout.height == 80);
  CHECK(layout.width == 10);
  CHECK(mean(coverage_of(ink, d)) > 0.97);
  const CharBox box = warp_boxes(ink.boxes, layout, 0)[0];
  CHECK(box.y0 == 0);
  CHECK(box.y1 == 80);
}

TEST_CASE("stretch widens, slant moves the tops to the right") {
  const Ink ink = three_bars();
  Degradation d;
  const int width = layout_of(ink, d).width;
  d.frame.left = d.frame.right = 0;
  const int bare = layout_of(ink, d).width;
  CHECK(width > bare);
  d.shape.stretch = 1.5f;
  CHECK(layout_of(ink, d).width == doctest::Approx(1.5 * bare).epsilon(0.03));
  d.shape.stretch = 1;
  d.shape.slant = 0.25f;
  const Layout slanted = layout_of(ink, d);
  const Plane coverage = coverage_of(ink, d);
  // The last bar's centre in its top and bottom rows.
  const auto centre = [&](double source_y) {
    const auto& m = slanted.forward;
    const int y = int(m[4] * source_y + m[5]);
    const int from = int(double(coverage.width) * 0.7);
    double total = 0, first = 0;
    for (int x = from; x < coverage.width; ++x) {
      total += coverage.row(y)[x], first += coverage.row(y)[x] * (x + 0.5);
    }
    return first / total;
  };
  CHECK(centre(22) - centre(60) == doctest::Approx(0.25 * 38 * slanted.scale).epsilon(0.1));
}

TEST_CASE("perspective makes the far end smaller") {
  const Ink ink = three_bars();
  Degradation d;
  d.shape.perspective_x = 0.2f;
  const Layout layout = layout_of(ink, d);
  const std::vector<CharBox> boxes = warp_boxes(ink.boxes, layout, 0);
  const double near = double(boxes[0].y1 - boxes[0].y0) / 36,
               far = (boxes[3].y1 - boxes[3].y0) / 46.0;
  CHECK(far < 0.85 * near);
}

TEST_CASE("the frame: round the line, or round the ink") {
  Ink ink = blank_ink(100, 80);
  ink.ascent = 16, ink.descent = 64;
  add_bar(ink, 40, 34, 60, 54);  // an 'x': 20 of the line's 48 rows
  Degradation d;
  d.frame.top = d.frame.bottom = d.frame.left = d.frame.right = 0;
  d.frame.height = 48;
  Layout layout = layout_of(ink, d);
  CHECK(layout.scale == doctest::Approx(1));
  CHECK(layout.width == 20);
  CHECK(layout.crop_top == doctest::Approx(16));
  d.frame.tight = true;
  layout = layout_of(ink, d);
  CHECK(layout.scale == doctest::Approx(48.0 / 20));
  CHECK(layout.width == 48);
  d.frame.bottom = 10.0f / 48;
  CHECK(layout_of(ink, d).scale == doctest::Approx(48.0 / 30));
}

TEST_CASE("ink that leaves the line is not cut, a full stop not blown up") {
  Ink ink = blank_ink(60, 80);
  ink.ascent = 20, ink.descent = 60;
  add_bar(ink, 20, 10, 30, 62);
  Degradation d;
  d.frame.top = d.frame.bottom = 0;
  Layout layout = layout_of(ink, d);
  CHECK(layout.crop_top == doctest::Approx(10));
  CHECK(layout.crop_bottom == doctest::Approx(62));
  Ink stop = blank_ink(60, 80);
  stop.ascent = 20, stop.descent = 60;
  add_bar(stop, 28, 48, 32, 52);
  d.frame.tight = true;
  layout = layout_of(stop, d);
  CHECK(layout.crop_bottom - layout.crop_top == doctest::Approx(0.35 * 40));
}

TEST_CASE("at the source's own scale the warp changes nothing; shrunk, it averages") {
  const Ink ink = three_bars();
  Degradation d;
  d.frame.top = d.frame.bottom = d.frame.left = d.frame.right = 0;
  d.frame.height = 48;
  const Plane same = coverage_of(ink, d);
  REQUIRE(same.width == 100);
  CHECK(sum(same) == doctest::Approx(10 * 36 + 30 * 24 + 10 * 46));
  // With room round the ink, which sampling smears: 72 source rows.
  d.frame.top = d.frame.bottom = d.frame.left = d.frame.right = 0.25f;
  for (const int height : {12, 18, 24, 36}) {
    d.frame.height = height;
    const Plane small = coverage_of(ink, d);
    CHECK(sum(small) * 72 * 72 / (height * height) == doctest::Approx(sum(same)).epsilon(0.02));
  }
}

TEST_CASE("an elastic field moves ink about, by little, and leaves its amount") {
  const Ink ink = three_bars();
  Degradation d, rigid;
  for (Degradation* one : {&d, &rigid}) one->frame.top = one->frame.bottom = 0.25f;
  d.shape.elastic = 0.02f;
  const Plane still = coverage_of(ink, rigid), moved = coverage_of(ink, d);
  REQUIRE(moved.values.size() == still.values.size());
  CHECK(sum(moved) == doctest::Approx(sum(still)).epsilon(0.05));
  double difference = 0;
  for (size_t i = 0; i < still.values.size(); ++i) {
    difference += std::abs(moved.values[i] - still.values[i]);
  }
  CHECK(difference > 0.02 * sum(still));
  CHECK(difference < 0.6 * sum(still));
}

TEST_CASE("letters' shifts, tilts and waves: every letter's ink stays in its box") {
  // One letter at a time has ink, all have boxes: what shows must be in that one's box.
  for (uint64_t seed = 0; seed < 60; ++seed) {
    Rng rng(seed);
    Degradation d;
    d.shape.rotation = float(rng.uniform(-0.1, 0.1));
    d.shape.slant = float(rng.uniform(-0.3, 0.3));
    d.shape.perspective_x = float(rng.uniform(-0.2, 0.2));
    d.shape.perspective_y = float(rng.uniform(-0.1, 0.1));
    d.shape.wave = float(rng.uniform(0, 0.05));
    d.shape.letter_shift = 0.06f;
    d.shape.letter_tilt = 0.08f;
    d.strokes.weight = seed % 2 == 0 ? 0.0f : 0.4f;
    d.frame.height = 16 + int(rng.below(40));
    const Ink whole = three_bars();
    for (size_t letter : {0u, 2u, 3u}) {
      Ink one = whole;
      const CharBox& b = whole.boxes[letter];
      for (int y = 0; y < one.height; ++y) {
        for (int x = 0; x < one.width; ++x) {
          if (x < b.x0 || x >= b.x1) one.coverage[size_t(y) * size_t(one.width) + size_t(x)] = 0;
        }
      }
      const Layout layout = layout_of(one, d, seed);
      Rng rng(5);
      const Plane coverage = warp(worn(one, d), layout, d.shape, rng);
      const CharBox box = warp_boxes(one.boxes, layout, std::max(0.0, layout.edges.growth))[letter];
      double outside = 0;
      for (int y = 0; y < coverage.height; ++y) {
        for (int x = 0; x < coverage.width; ++x) {
          // A pixel further: what bilinear sampling smears.
          if (x < box.x0 - 1 || x > box.x1 || y < box.y0 - 1 || y > box.y1) {
            outside += coverage.row(y)[x];
          }
        }
      }
      CHECK(outside < 0.01 * sum(coverage));
      CHECK(sum(coverage) > 0);
    }
  }
}

}  // namespace
}  // namespace talweg::ocr
