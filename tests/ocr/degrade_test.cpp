#include "ocr/degrade.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/error.h"
#include "tests/ocr/drawn_ink.h"

namespace talweg::ocr {
namespace {

TEST_CASE("without degradations a word is black on white in 32 rows, where its boxes are") {
  const Ink ink = three_bars();
  Rng rng(1);
  std::vector<CharBox> boxes;
  const io::Gray8 image = degrade(ink, Degradation{}, rng, &boxes);
  CHECK(image.height == 32);
  REQUIRE(boxes.size() == ink.boxes.size());
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const bool boxed = std::any_of(boxes.begin(), boxes.end(), [&](const CharBox& b) {
        return x >= b.x0 && x < b.x1 && y >= b.y0 && y < b.y1;
      });
      if (!boxed) CHECK(image.at(x, y) == 255);
    }
  }
  for (const CharBox& b : boxes) {
    if (b.x1 > b.x0) CHECK(image.at((b.x0 + b.x1) / 2, (b.y0 + b.y1) / 2) == 0);
  }
}

TEST_CASE("the same draws give the same image") {
  const Ink ink = three_bars();
  for (uint64_t i = 0; i < 20; ++i) {
    Rng a = Rng(5).split(i), b = Rng(5).split(i);
    const Degradation da = draw_degradation(DegradationLevel::kScan, a);
    const Degradation db = draw_degradation(DegradationLevel::kScan, b);
    CHECK(degrade(ink, da, a).pixels == degrade(ink, db, b).pixels);
  }
}

TEST_CASE("every level gives sane images of inks of any size") {
  for (const Ink& ink : {three_bars(), blank_ink(1, 1), blank_ink(300, 2), blank_ink(2, 90)}) {
    for (const auto level :
         {DegradationLevel::kNone, DegradationLevel::kLight, DegradationLevel::kScan}) {
      for (uint64_t i = 0; i < 200; ++i) {
        Rng rng = Rng(9).split(i);
        const Degradation d = draw_degradation(level, rng);
        std::vector<CharBox> boxes;
        const io::Gray8 image = degrade(ink, d, rng, &boxes);
        REQUIRE(image.height == d.frame.height);
        REQUIRE(image.width >= 1);
        REQUIRE(image.pixels.size() == size_t(image.width) * size_t(image.height));
        REQUIRE(boxes.size() == ink.boxes.size());
        for (const CharBox& b : boxes) {
          REQUIRE((0 <= b.x0 && b.x0 <= b.x1 && b.x1 <= image.width));
          REQUIRE((0 <= b.y0 && b.y0 <= b.y1 && b.y1 <= image.height));
        }
      }
    }
  }
}

TEST_CASE("a word that is no word, and a height out of range, are refused") {
  Rng rng(1);
  CHECK_THROWS_AS(degrade(Ink{}, Degradation{}, rng), Error);
  Degradation d;
  d.frame.height = 7;
  CHECK_THROWS_AS(degrade(three_bars(), d, rng), Error);
}

TEST_CASE("level names go there and back") {
  for (const auto level :
       {DegradationLevel::kNone, DegradationLevel::kLight, DegradationLevel::kScan}) {
    CHECK(parse_degradation_level(degradation_level_name(level)) == level);
  }
  CHECK_THROWS_AS(parse_degradation_level("hard"), Error);
}

}  // namespace
}  // namespace talweg::ocr
