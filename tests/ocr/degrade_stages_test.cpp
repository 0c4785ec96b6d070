// Filters, strokes, page and camera; the warp has a file of its own.
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

// ---------------------------------------------------------------------------------- filters

TEST_CASE("blur keeps the mean and adds its variance, a pixel's own included") {
  Plane plane = point(61, 41);
  blur(plane, 2.0f, 1.2f);
  CHECK(sum(plane) == doctest::Approx(1).epsilon(1e-5));
  // The integral over a pixel adds the pixel's variance 1/12; cutting at 2.6 sigma takes a little.
  CHECK(moments(plane, true).variance == doctest::Approx(4 + 1.0 / 12).epsilon(0.07));
  CHECK(moments(plane, false).variance == doctest::Approx(1.44 + 1.0 / 12).epsilon(0.07));
  CHECK(moments(plane, true).mean == doctest::Approx(30.5));
  Plane flat(7, 3, 0.4f);
  blur(flat, 5, 5);  // wider than the image
  for (float v : flat.values) CHECK(v == doctest::Approx(0.4));
}

TEST_CASE("quick_normal has mean 0, variance 1 and the kurtosis of four uniforms") {
  Rng rng(11);
  constexpr int kDraws = 200000;
  double first = 0, second = 0, fourth = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double v = quick_normal(rng);
    first += v, second += v * v, fourth += v * v * v * v;
  }
  // Five standard errors: of the mean 1 / sqrt(n), of the variance sqrt((2.7 - 1) / n).
  CHECK(std::abs(first / kDraws) < 5 / std::sqrt(kDraws));
  CHECK(std::abs(second / kDraws - 1) < 5 * std::sqrt(1.7 / kDraws));
  CHECK(fourth / kDraws == doctest::Approx(3 - 1.2 / 4).epsilon(0.03));
}

TEST_CASE("smooth noise has mean 0, deviation near 1 and no jumps") {
  Rng rng(12);
  const Plane noise = smooth_noise(600, 400, 5, rng);
  CHECK(std::abs(mean(noise)) < 0.05);
  CHECK(deviation(noise) == doctest::Approx(1).epsilon(0.06));
  float steepest = 0;
  for (int y = 0; y < noise.height; ++y) {
    for (int x = 1; x < noise.width; ++x) {
      steepest = std::max(steepest, std::abs(noise.row(y)[x] - noise.row(y)[x - 1]));
    }
  }
  // Grid values lie within 1.5 sqrt(12) either side of 0, five pixels apart.
  CHECK(steepest <= 2 * 1.5 * std::sqrt(12.0) / 5);
}

TEST_CASE("JPEG keeps flat images, loses more at low quality, and loses it only once") {
  Plane flat(19, 13, 128.0f / 255);
  jpeg_loss(flat, 10, 3, 5);
  for (float v : flat.values) CHECK(v == doctest::Approx(128.0 / 255));

  Rng rng(4);
  Plane source = smooth_noise(37, 21, 2, rng);
  for (float& v : source.values) v = std::clamp(0.5f + 0.2f * v, 0.0f, 1.0f);
  const auto loss = [&](int quality) {
    Plane copy = source;
    jpeg_loss(copy, quality, 2, 6);
    double squares = 0;
    for (size_t i = 0; i < copy.values.size(); ++i) {
      squares += std::pow(copy.values[i] - source.values[i], 2);
    }
    return std::sqrt(squares / double(copy.values.size())) * 255;
  };
  // Steps of 1: an orthonormal transform's rounding error has variance 1 / 12, edges included.
  CHECK(loss(100) < 0.4);
  CHECK(loss(75) > loss(100));
  CHECK(loss(30) > loss(75));
  CHECK(loss(5) > loss(30));

  Plane once(40, 24);
  for (size_t i = 0; i < once.values.size(); ++i) once.values[i] = source.values[i % 700];
  jpeg_loss(once, 40, 0, 0);
  Plane twice = once;
  jpeg_loss(twice, 40, 0, 0);
  for (size_t i = 0; i < once.values.size(); ++i) {
    CHECK(twice.values[i] == doctest::Approx(once.values[i]).epsilon(1e-4));
  }
  CHECK_THROWS_AS(jpeg_loss(once, 0, 0, 0), Error);
}

TEST_CASE("JPEG's coarsest step on one cosine is the table's") {
  // A pure cosine (0, 1) of amplitude a has coefficient a * 4 sqrt(2) in levels; at quality 50 its
  // step is 11, so 5.4 (below half a step) vanishes and 5.6 becomes 11.
  for (const double coefficient : {5.4, 5.6}) {
    Plane wave(8, 8);
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 8; ++x) {
        const double c = std::cos((2 * x + 1) * std::numbers::pi / 16);
        wave.row(y)[x] = float((128 + coefficient * std::sqrt(0.125) * 0.5 * c) / 255);
      }
    }
    jpeg_loss(wave, 50, 0, 0);
    const double left = wave.row(0)[0] * 255 - 128;
    const double expected = coefficient < 5.5 ? 0 : 11 * std::sqrt(0.125) * 0.5;
    CHECK(left == doctest::Approx(expected * std::cos(std::numbers::pi / 16)).epsilon(1e-3));
  }
}

// ---------------------------------------------------------------------------------- strokes

TEST_CASE("weight changes a stroke's width by the part asked for") {
  Ink ink = blank_ink(60, 80);
  add_bar(ink, 26, 0, 34, 80);  // 8 wide, without ends
  for (const float weight : {-0.5f, -0.2f, 0.2f}) {
    Degradation d;
    d.strokes.weight = weight;
    const Plane plane = worn(ink, d);
    const float* row = plane.row(40);
    CHECK(std::accumulate(row, row + 60, 0.0) == doctest::Approx(8 * (1 + weight)).epsilon(0.02));
  }
  Ink hairline = blank_ink(60, 80);
  for (int y = 0; y < 80; ++y) hairline.coverage[size_t(y) * 60 + 30] = 0.5f;  // half a pixel wide
  Degradation least;
  least.strokes.least_stroke = 0.03f;
  const Plane thickened = worn(hairline, least);
  CHECK(std::accumulate(thickened.row(40), thickened.row(41), 0.0) ==
        doctest::Approx(0.03 * 80).epsilon(0.1));
  Degradation::Strokes s;
  CHECK(plan_edges(ink, s).growth == 0);
  s.weight = 1;
  CHECK(plan_edges(ink, s).growth ==
        doctest::Approx((0.16 * 80 - 8) / 2));  // not beyond a bold face's
  s.weight = -0.5f, s.least_stroke = 0.09f;
  CHECK(plan_edges(ink, s).growth == doctest::Approx((0.09 * 80 - 8) / 2));  // no thinner than that
}

TEST_CASE("losses only take ink away, and no more than they may") {
  const Ink ink = three_bars();
  const double full = sum(worn(ink, {}));
  const auto kept = [&](const Degradation& d) {
    const Plane plane = worn(ink, d);
    for (size_t i = 0; i < plane.values.size(); ++i) {
      REQUIRE((plane.values[i] >= -1e-6f && plane.values[i] <= ink.coverage[i] + 1e-6f));
    }
    return sum(plane) / full;
  };
  Degradation strike, slope, lattice, rows, columns, holes;
  strike.strokes.strike = 0.5f;
  slope.strokes.strike_slope = 0.8f;
  lattice.strokes.lattice = 0.8f;
  rows.strokes.row_loss = 0.9f;
  columns.strokes.column_loss = 0.9f;
  holes.strokes.pinholes = 10;
  for (const Degradation& d : {strike, slope, lattice, rows, columns, holes}) {
    CHECK(kept(d) < 0.999);
    CHECK(kept(d) > 0.3);
  }
  CHECK(kept(strike) >= 0.5);
}

TEST_CASE("each letter is struck evenly, letters differ") {
  const Ink ink = three_bars();
  Degradation d;
  d.strokes.strike = 0.8f;
  const Plane plane = worn(ink, d);
  CHECK(plane.row(40)[22] == plane.row(50)[28]);
  CHECK(plane.row(40)[22] != plane.row(40)[70]);
}

TEST_CASE("what else lies in the frame adds ink where it belongs and leaves the letters") {
  const Ink ink = three_bars();
  const auto added = [&](const Degradation& d, int y0, int y1) {
    const Plane plane = worn(ink, d);
    double total = 0, elsewhere = 0;
    for (int y = 0; y < plane.height; ++y) {
      for (int x = 0; x < plane.width; ++x) {
        const size_t i = size_t(y) * size_t(plane.width) + size_t(x);
        const double more = plane.values[i] - ink.coverage[i];
        REQUIRE(more >= 0);
        (y >= y0 && y < y1 ? total : elsewhere) += more;
      }
    }
    CHECK(elsewhere == 0);
    return total;
  };
  Degradation above, below, underline, specks;
  above.frame.top = below.frame.bottom = 0.3f;
  above.strokes.neighbour_above = 0.2f;
  CHECK(added(above, 0, ink.boxes[0].y0) > 0);
  below.strokes.neighbour_below = 0.2f;
  CHECK(added(below, 64, 80) > 0);
  underline.strokes.underline = 0.05f;
  CHECK(added(underline, 54, 66) > 0);
  specks.strokes.specks = 5;
  CHECK(added(specks, 0, 80) > 0);
}

TEST_CASE("ink fades by at most the depth, and breaks on about the share asked for") {
  Degradation::Strokes fade, breaks;
  fade.fade = 0.5f;
  breaks.breaks = 0.2f;
  Rng rng(5);
  Plane plane(900, 40, 1);
  fade_ink(plane, fade, rng);
  CHECK(*std::min_element(plane.values.begin(), plane.values.end()) >= 0.5f);
  CHECK(mean(plane) == doctest::Approx(0.75).epsilon(0.1));
  Plane broken(900, 40, 1);
  fade_ink(broken, breaks, rng);
  const auto gone =
      std::count_if(broken.values.begin(), broken.values.end(), [](float v) { return v < 0.5f; });
  CHECK(double(gone) / double(broken.values.size()) == doctest::Approx(0.2).epsilon(0.5));
}

// ---------------------------------------------------------------------------------- page, camera

TEST_CASE("paper and ink have their levels, in either polarity") {
  Plane coverage(4, 1);
  coverage.values = {0, 0.5f, 1, 0};
  Rng rng(1);
  Degradation::Page page;
  page.paper = 0.8f, page.ink = 0.2f;
  CHECK(print_on_page(coverage, page, rng).values[0] == doctest::Approx(0.8));
  CHECK(print_on_page(coverage, page, rng).values[1] == doctest::Approx(0.5));
  CHECK(print_on_page(coverage, page, rng).values[2] == doctest::Approx(0.2));
  std::swap(page.paper, page.ink);
  CHECK(print_on_page(coverage, page, rng).values[0] == doctest::Approx(0.2));
  CHECK(print_on_page(coverage, page, rng).values[2] == doctest::Approx(0.8));
}

TEST_CASE("textures leave the mean of the paper and have their strength") {
  const Plane blank(640, 64);
  Degradation::Page grain, ripple, screen;
  grain.paper = ripple.paper = screen.paper = 0.6f;
  grain.grain = 0.05f;
  ripple.ripple = 0.06f;
  screen.halftone = 0.1f;
  Rng rng(2);
  const Plane a = print_on_page(blank, grain, rng), b = print_on_page(blank, ripple, rng),
              c = print_on_page(blank, screen, rng);
  for (const Plane& page : {a, b, c}) CHECK(mean(page) == doctest::Approx(0.6).epsilon(0.01));
  CHECK(deviation(a) == doctest::Approx(0.05).epsilon(0.1));
  CHECK(deviation(b) == doctest::Approx(0.06 / std::numbers::sqrt2).epsilon(0.03));
  CHECK(deviation(c) == doctest::Approx(0.1 / 2).epsilon(0.03));
}

TEST_CASE("the back shows through mirrored, a shadow lies beside its letter") {
  Plane coverage(80, 20);
  for (int y = 0; y < 20; ++y) {
    for (int x = 5; x < 15; ++x) coverage.row(y)[x] = 1;
  }
  Degradation::Page bleed, shadow, outline;
  bleed.bleed = 0.3f;
  Rng rng(2);
  const Plane through = print_on_page(coverage, bleed, rng);
  CHECK(through.row(10)[69] < 0.75f);
  CHECK(through.row(10)[40] > 0.99f);
  shadow.halo = 1, shadow.halo_level = 0.5f, shadow.halo_x = 4;
  const Plane beside = print_on_page(coverage, shadow, rng);
  CHECK(beside.row(10)[17] == doctest::Approx(0.5));
  CHECK(beside.row(10)[3] == 1);
  CHECK(beside.row(10)[10] == 0);
  outline.halo = 1, outline.halo_level = 0.5f, outline.halo_width = 1;
  const Plane ringed = print_on_page(coverage, outline, rng);
  CHECK(ringed.row(10)[4] == doctest::Approx(0.5).epsilon(0.05));
  CHECK(ringed.row(10)[15] == doctest::Approx(0.5).epsilon(0.05));
}

TEST_CASE("light, contrast, gamma, noise and threshold do what they say") {
  const Plane gray(200, 40, 0.5f);
  const auto picture = [&](const Degradation::Camera& c) {
    Rng rng(6);
    return take_picture(gray, c, 1, 0, rng);
  };
  const auto mean_level = [](const io::Gray8& image) {
    return std::accumulate(image.pixels.begin(), image.pixels.end(), 0.0) /
           double(image.pixels.size()) / 255;
  };
  Degradation::Camera c;
  CHECK(picture(c).at(3, 3) == 128);
  c.gradient = 0.4f;
  CHECK(picture(c).at(0, 20) == doctest::Approx(0.3 * 255).epsilon(0.02));
  CHECK(picture(c).at(199, 20) == doctest::Approx(0.7 * 255).epsilon(0.02));
  c = {}, c.shadow = 0.4f;
  const io::Gray8 shaded = picture(c);
  const auto [dark, bright] = std::minmax_element(shaded.pixels.begin(), shaded.pixels.end());
  CHECK(*bright <= 128);
  CHECK(*dark >= 76);
  c = {}, c.gamma = 2;
  CHECK(mean_level(picture(c)) == doctest::Approx(0.25).epsilon(0.02));
  c = {}, c.noise = 0.1f;
  CHECK(mean_level(picture(c)) == doctest::Approx(0.5).epsilon(0.01));
  c.threshold = 0.5f;
  const io::Gray8 two = picture(c);
  CHECK(std::all_of(two.pixels.begin(), two.pixels.end(),
                    [](uint8_t p) { return p == 0 || p == 255; }));
  CHECK(mean_level(two) == doctest::Approx(0.5).epsilon(0.1));
  Plane step(40, 10, 0.3f);
  for (int y = 0; y < 10; ++y) std::fill(step.row(y) + 20, step.row(y) + 40, 0.7f);
  Rng rng(1);
  c = {}, c.contrast = 2;
  const io::Gray8 steep = take_picture(step, c, 1, 0, rng);
  CHECK(steep.at(2, 2) == doctest::Approx(0.1 * 255).epsilon(0.02));
  c = {}, c.sharpen = 1;
  const io::Gray8 sharp = take_picture(step, c, 1, 0, rng);
  CHECK(sharp.at(19, 5) < 0.25 * 255);  // dips before the edge,
  CHECK(sharp.at(20, 5) > 0.75 * 255);  // overshoots behind it
}

}  // namespace
}  // namespace talweg::ocr
