#include "ocr/char_boxes.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ocr/box_score.h"
#include "ocr/degrade.h"
#include "ocr/recognizer.h"
#include "ocr/text.h"
#include "ocr/typeface.h"

namespace talweg::ocr {
namespace {

constexpr int kWidth = 100;

/// Prepared images made of bars.
class Sheet {
 public:
  Sheet() {
    image_.width = kWidth;
    image_.ink.assign(std::size_t(kModelHeight) * kWidth, 0.0F);
  }
  Sheet& bar(int x0, int y0, int x1, int y1, float ink = 1) {
    for (int y = y0; y < y1; ++y) {
      for (int x = x0; x < x1; ++x) image_.ink[std::size_t(y * kWidth + x)] = ink;
    }
    return *this;
  }
  Sheet& scaled(double source_scale) {
    image_.source_scale = source_scale;
    return *this;
  }
  /// Characters by the columns of their windows, in pixels of the source, moved to their ink.
  std::vector<CharReading> fit(std::vector<CharReading> characters, int source_height = 32) const {
    fit_to_ink(image_, source_height, characters);
    return characters;
  }

 private:
  InkImage image_;
};

CharReading seen(const char* text, double x0, double x1) { return {text, x0, x1, 0, 0, 1, {}}; }

void check_box(const CharReading& c, double x0, double y0, double x1, double y1) {
  CAPTURE(c.text);
  CHECK(c.x0 == doctest::Approx(x0));
  CHECK(c.y0 == doctest::Approx(y0));
  CHECK(c.x1 == doctest::Approx(x1));
  CHECK(c.y1 == doctest::Approx(y1));
}

}  // namespace

TEST_CASE("a letter's box is its ink, however narrow or early its windows are") {
  const auto c =
      Sheet().bar(10, 8, 20, 24).bar(30, 4, 36, 28).fit({seen("a", 14, 16), seen("b", 32, 34)});
  check_box(c[0], 10, 8, 20, 24);
  check_box(c[1], 30, 4, 36, 28);
}

TEST_CASE("boxes are in pixels of the source image") {
  const auto c = Sheet()
                     .scaled(3)
                     .bar(10, 8, 20, 24)
                     .bar(30, 4, 36, 28)
                     .fit({seen("a", 42, 48), seen("b", 96, 102)}, 64);
  check_box(c[0], 30, 16, 60, 48);
  check_box(c[1], 90, 8, 108, 56);
}

TEST_CASE("letters that touch are cut where the ink between them is least") {
  // Two blocks joined by a bridge of two rows, thinnest in column 27.
  const auto c = Sheet()
                     .bar(10, 8, 25, 24)
                     .bar(25, 15, 30, 17)
                     .bar(27, 15, 28, 17, 0.3F)
                     .bar(30, 8, 45, 24)
                     .fit({seen("a", 16, 18), seen("b", 36, 38)});
  CHECK(c[0].x0 == 10);
  CHECK(c[0].x1 >= 27);
  CHECK(c[0].x1 <= 28);
  CHECK(c[1].x0 == doctest::Approx(c[0].x1).epsilon(0.05));
  CHECK(c[1].x1 == 45);
}

TEST_CASE("letters whose columns overlap keep their own ink: an f that leans over an a") {
  // A stem with a roof to the right, and under that roof a low block. No straight cut parts them.
  const auto c = Sheet()
                     .bar(20, 2, 24, 28)
                     .bar(20, 2, 31, 6)
                     .bar(28, 12, 42, 28)
                     .fit({seen("f", 21, 23), seen("a", 34, 36)});
  check_box(c[0], 20, 2, 31, 28);
  check_box(c[1], 28, 12, 42, 28);
}

TEST_CASE("a leaning pair overlaps as AV does") {
  // Two parallel slanted strokes, each four columns wide, ten columns apart, leaning over sixteen columns.
  Sheet sheet;
  for (int y = 2; y < 30; ++y) {
    const int shift = (30 - y) * 16 / 28;
    sheet.bar(20 + shift, y, 24 + shift, y + 1).bar(32 + shift, y, 36 + shift, y + 1);
  }
  const auto c = sheet.fit({seen("/", 29, 31), seen("/", 41, 43)});
  check_box(c[0], 20, 2, 40, 30);
  check_box(c[1], 32, 2, 52, 30);
}

TEST_CASE("the dot of an i is its letter's, a speck behind a gap nobody's") {
  const auto c = Sheet()
                     .bar(20, 12, 24, 28)
                     .bar(20, 4, 24, 8)  // the dot
                     .bar(2, 20, 4, 22)  // a speck far off
                     .bar(50, 12, 60, 28)
                     .bar(63, 12, 65, 28)  // a part of the last letter, a small gap away
                     .bar(80, 0, 84, 32)   // the next line's sliver
                     .fit({seen("i", 21, 23), seen("n", 54, 56)});
  check_box(c[0], 20, 4, 24, 28);
  check_box(c[1], 50, 12, 65, 28);
}

TEST_CASE("spaces reach from ink to ink, and share that room") {
  const auto c =
      Sheet()
          .bar(10, 8, 20, 24)
          .bar(50, 8, 60, 24)
          .fit({seen("a", 14, 16), seen(" ", 30, 32), seen(" ", 34, 36), seen("b", 54, 56)});
  CHECK(c[1].x0 == 20);
  CHECK(c[1].x1 == 35);
  CHECK(c[2].x0 == 35);
  CHECK(c[2].x1 == 50);
  CHECK(c[1].y0 == 0);
  CHECK(c[1].y1 == 32);
}

TEST_CASE("without ink a character keeps its windows and all rows") {
  const auto c = Sheet().bar(10, 8, 20, 24).fit({seen("a", 14, 16), seen("b", 70, 74)}, 48);
  CHECK(c[0].x1 == 20);
  check_box(c[1], 70, 0, 74, 48);
  const auto spaces = Sheet().fit({seen(" ", 10, 12)}, 48);
  check_box(spaces[0], 10, 0, 12, 48);
  CHECK(Sheet().fit({}).empty());
}

TEST_CASE("windows beyond the image's edges are no danger") {
  const auto c =
      Sheet().bar(0, 0, 4, 32).bar(96, 0, 100, 32).fit({seen("l", -4, 0), seen("l", 100, 108)});
  CHECK(c[0].x0 == 0);
  CHECK(c[0].x1 == 4);
  CHECK(c[1].x1 == 100);
}

TEST_CASE("the shipped reader finds the letters of drawn words: mean IoU of columns above 0.9") {
  const Recognizer reader = Recognizer::load(TALWEG_SHIPPED_MODEL);
  const Typeface face(Font::load(find_font()), U"abcdefghijklmnopqrstuvwxyzAHIOX0123456789 .-");
  const std::vector<std::string> words{"valley", "hiking", "fjord", "quick fox", "Annex", "2.75"};
  BoxTable table;
  std::vector<io::Gray8> images;
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (const auto level : {DegradationLevel::kNone, DegradationLevel::kLight}) {
      Rng rng = Rng(6).split(i).split(uint64_t(level));
      const Degradation how = draw_degradation(level, rng);
      const Ink ink = face.set(decode_utf8(words[i]));
      std::vector<CharBox>& boxes = table[std::to_string(images.size())];
      images.push_back(degrade(ink, how, rng, &boxes));
    }
  }
  BoxScorer scorer(table);
  const std::vector<Reading> readings = reader.read(images);
  for (std::size_t i = 0; i < readings.size(); ++i) {
    scorer.add(std::to_string(i), readings[i].characters, readings[i].text == words[i / 2]);
    CAPTURE(readings[i].text);
    CAPTURE(words[i / 2]);
    for (const CharReading& c : readings[i].characters) {
      CHECK(c.x0 < c.x1);
      CHECK(c.y0 < c.y1);
      CHECK(c.x0 >= 0);
      CHECK(c.y1 <= images[i].height + 1e-9);
    }
  }
  const BoxScore score = scorer.score();
  CHECK(score.words >= 10);  // of 12
  CHECK(score.columns > 0.9);
  CHECK(score.areas > 0.85);
}

}  // namespace talweg::ocr
