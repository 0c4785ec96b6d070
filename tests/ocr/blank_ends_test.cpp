#include "ocr/blank_ends.h"

#include <doctest/doctest.h>

#include <cmath>

#include "ocr/recognizer.h"

namespace talweg::ocr {
namespace {

InkImage sheet(int width) {
  InkImage image;
  image.width = width;
  image.ink.assign(std::size_t(kModelHeight) * std::size_t(width), 0.0F);
  return image;
}

bool settled(const EnergyMap& map, int window) { return std::isinf(map.row(window)[0]); }

}  // namespace

TEST_CASE("ink reaches from its first to its last column, and faint specks are none") {
  InkImage image = sheet(50);
  CHECK(inked_columns(image).first == inked_columns(image).last);
  image.ink[5 * 50 + 3] = 0.1F;
  image.ink[7 * 50 + 20] = 1;
  image.ink[9 * 50 + 31] = 0.5F;
  CHECK(inked_columns(image).first == 20);
  CHECK(inked_columns(image).last == 32);
}

TEST_CASE("windows a line's height away from all ink show BETWEEN, those nearer what they show") {
  EnergyMap map{60, 3, 4.0, std::vector<float>(180, 1.0F)};
  settle_blank_ends({100, 120}, 4, 2, map);
  // Columns 0 to 68 are more than 32 before column 100, and columns from 152 on behind 120.
  CHECK(settled(map, 16));
  CHECK_FALSE(settled(map, 17));
  CHECK_FALSE(settled(map, 37));
  CHECK(settled(map, 38));
  for (int i = 0; i < 60; ++i) CHECK(map.row(i)[2] == 1);
}

TEST_CASE("nothing is written on an empty sheet: the empty word is certain, however wide") {
  const Recognizer reader = Recognizer::load(TALWEG_SHIPPED_MODEL);
  for (const int width : {1, 60, 400, 20'000}) {
    const Reading r = reader.read(io::Gray8(width, 40, 255));
    CAPTURE(width);
    CHECK(r.text.empty());
    if (r.status == ebm::AlignStatus::ok) CHECK(r.confidence == doctest::Approx(1));
    CHECK(r.characters.empty());
  }
}

TEST_CASE("a word is as sure on a wide sheet as on a narrow one") {
  const Recognizer reader = Recognizer::load(TALWEG_SHIPPED_MODEL);
  const auto bars = [](int width) {  // three strokes with feet and a roof: m, or near it
    io::Gray8 image(width, 32, 255);
    for (const int x : {60, 68, 76}) {
      for (int y = 12; y < 26; ++y) image.at(x, y) = image.at(x + 1, y) = 0;
    }
    for (int x = 60; x < 78; ++x) image.at(x, 12) = 0;
    return image;
  };
  const Reading narrow = reader.read(bars(160)), wide = reader.read(bars(12'000));
  CHECK(wide.text == narrow.text);
  CHECK(wide.confidence == doctest::Approx(narrow.confidence).epsilon(0.05));
}

}  // namespace talweg::ocr
