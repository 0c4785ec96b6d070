#include "ocr/image_prep.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/rng.h"
#include "ocr/classic_task.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

io::Gray8 inverted(io::Gray8 image) {
  for (uint8_t& pixel : image.pixels) pixel = uint8_t(255 - pixel);
  return image;
}

// Every pixel a factor x factor square.
io::Gray8 enlarged(const io::Gray8& image, int factor) {
  io::Gray8 large(image.width * factor, image.height * factor);
  for (int y = 0; y < large.height; ++y) {
    for (int x = 0; x < large.width; ++x) large.at(x, y) = image.at(x / factor, y / factor);
  }
  return large;
}

TEST_CASE("classic images pass through bit for bit, whichever way round they are") {
  const ClassicTask task = ClassicTask::standard();
  Rng rng(1);
  for (std::string_view word : {"a", "i", "hello", "mmmmwwww"}) {
    for (Variant variant : {Variant::kPlain, Variant::kJitter, Variant::kNoise}) {
      const io::Gray8 image = task.render(word, variant, rng);
      const InkImage ink = prepare_image(image);
      REQUIRE(ink.height == 32);
      REQUIRE(ink.width == image.width);
      CHECK(ink.source_scale == 1.0);
      for (size_t i = 0; i < ink.ink.size(); ++i) {
        REQUIRE(ink.ink[i] == (image.pixels[i] == 255 ? 1.0f : 0.0f));
      }
      CHECK(prepare_image(inverted(image)).ink == ink.ink);
    }
  }
}

TEST_CASE("a picture of zeros and ones is as good as one of 0 and 255") {
  Rng rng(2);
  const io::Gray8 image = ClassicTask::standard().render("faint", Variant::kNoise, rng);
  io::Gray8 faint = image;
  for (uint8_t& pixel : faint.pixels) pixel = pixel == 255 ? 1 : 0;
  CHECK(prepare_image(faint).ink == prepare_image(image).ink);
}

TEST_CASE("a word drawn k times larger comes back as the word itself") {
  Rng rng(3);
  const io::Gray8 image = ClassicTask::standard().render("shrink", Variant::kPlain, rng);
  for (int factor : {2, 3}) {
    const InkImage ink = prepare_image(enlarged(image, factor));
    REQUIRE(ink.width == image.width);
    CHECK(ink.source_scale == factor);
    for (size_t i = 0; i < ink.ink.size(); ++i) {
      REQUIRE(ink.ink[i] == doctest::Approx(image.pixels[i] / 255.0).epsilon(1e-5));
    }
  }
}

TEST_CASE("an image that has to grow is interpolated between its pixels' centres") {
  // A bright column twice as large: its neighbours' centres lie 1/4 and 3/4 px from its own, so
  // they weigh 3/4 and 1/4; the former is the ink's level.
  io::Gray8 line(16, 16);
  for (int y = 0; y < 16; ++y) line.at(8, y) = 200;
  const InkImage ink = prepare_image(line);
  REQUIRE(ink.width == 32);
  CHECK(ink.source_scale == 0.5);
  for (int y = 0; y < 32; ++y) {
    const float* row = &ink.ink[size_t(y) * 32];
    CHECK(row[14] == 0.0f);
    CHECK(row[15] == doctest::Approx(1.0 / 3));
    CHECK(row[16] == 1.0f);
    CHECK(row[17] == 1.0f);
    CHECK(row[18] == doctest::Approx(1.0 / 3));
    CHECK(row[19] == 0.0f);
  }
}

TEST_CASE("the background is the median of all four sides, however much ink touches one") {
  constexpr int kSide = 32;
  for (int side = 0; side < 4; ++side) {
    CAPTURE(side);
    io::Gray8 image(kSide, kSide, 255);
    const int last = kSide - 1;
    for (int i = 0; i < kSide; ++i) {
      image.at(side < 2 ? i : (side == 2 ? 0 : last), side < 2 ? (side == 0 ? 0 : last) : i) = 0;
    }
    const InkImage ink = prepare_image(image);
    for (std::size_t i = 0; i < ink.ink.size(); ++i) {
      REQUIRE(ink.ink[i] == (image.pixels[i] == 0 ? 1.0f : 0.0f));
    }
  }
}

TEST_CASE("dim print on a noisy grey page is stretched to ink 1 on background 0") {
  Rng rng(4);
  const io::Gray8 word = ClassicTask::standard().render("contrast", Variant::kPlain, rng);
  io::Gray8 page(word.width, word.height);
  for (size_t i = 0; i < page.pixels.size(); ++i) {
    const double value = (word.pixels[i] == 255 ? 90 : 150) + 3 * rng.normal();
    page.pixels[i] = uint8_t(std::clamp(value, 0.0, 255.0));
  }
  page.at(1, 1) = 0;  // a speck, darker than all ink
  const InkImage ink = prepare_image(page);
  double on_ink = 0, off_ink = 0;
  int inked = 0, blank = 0;
  for (size_t i = 0; i < ink.ink.size(); ++i) {
    REQUIRE(-1.0f <= ink.ink[i]);
    REQUIRE(ink.ink[i] <= 1.5f);
    (word.pixels[i] == 255 ? on_ink : off_ink) += ink.ink[i];
    ++(word.pixels[i] == 255 ? inked : blank);
  }
  CHECK(on_ink / inked > 0.9);
  CHECK(off_ink / blank < 0.05);
}

TEST_CASE("an image of one value is all background") {
  for (uint8_t value : {0, 77, 255}) {
    const InkImage ink = prepare_image(io::Gray8(40, 20, value));
    CHECK(ink.width == 64);
    CHECK(std::all_of(ink.ink.begin(), ink.ink.end(), [](float v) { return v == 0; }));
  }
}

TEST_CASE("the grain of a blank page stays faint") {
  io::Gray8 page(200, 40, 235);
  Rng rng(3);
  for (uint8_t& p : page.pixels) p = uint8_t(235 + std::lround(2 * rng.normal()));
  double most = 0, squares = 0;
  const InkImage blank = prepare_image(page);
  for (float v : blank.ink) {
    most = std::max(most, double(std::abs(v)));
    squares += double(v) * double(v);
  }
  CHECK(most < 0.7);  // deviations of 2 grey levels, 8 at most
  CHECK(std::sqrt(squares / double(blank.ink.size())) < 0.15);
}

TEST_CASE("a full stop alone is ink") {
  io::Gray8 dot(18, 32);
  dot.at(5, 21) = 255;
  const InkImage ink = prepare_image(dot);
  CHECK(ink.ink[21 * 18 + 5] == 1.0f);
}

TEST_CASE("images of a single row, column or pixel are prepared") {
  CHECK(prepare_image(io::Gray8(1, 1, 9)).ink.size() == 32 * 32);
  CHECK(prepare_image(io::Gray8(5, 1, 9)).width == 160);
  CHECK(prepare_image(io::Gray8(1, 500, 9)).width == 1);
}

TEST_CASE("an image without pixels or far too wide is refused with its size") {
  CHECK(contains(thrown<Error>([] { prepare_image(io::Gray8()); }), "0 x 0 px"));
  CHECK(contains(thrown<Error>([] { model_width(0, 32); }), "0 x 32 px"));
  CHECK(contains(thrown<Error>([] { model_width(40000, 32); }), "40000 x 32 px"));
  CHECK(model_width(32000, 32) == 32000);
  CHECK(model_width(2000000000, 2000000000) == 32);
  CHECK_THROWS_AS(model_width(2000000000, 1), Error);
}

}  // namespace
}  // namespace talweg::ocr
