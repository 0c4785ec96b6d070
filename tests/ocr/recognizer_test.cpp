// The shipped reader on what is wider than any word it was trained on.
#include "ocr/recognizer.h"

#include <doctest/doctest.h>

#include <string>

#include "ocr/metrics.h"
#include "ocr/text.h"
#include "ocr/typeface.h"

namespace talweg::ocr {
namespace {

/// The line's frame alone, black on white.
io::Gray8 picture_of(const Ink& ink) {
  constexpr int kEdge = 4;
  const int top = ink.ascent - kEdge, bottom = ink.descent + kEdge;
  io::Gray8 image(ink.width, bottom - top, 255);
  for (int y = top; y < bottom; ++y) {
    for (int x = 0; x < ink.width; ++x) {
      const float coverage = ink.coverage[std::size_t(y) * std::size_t(ink.width) + std::size_t(x)];
      image.at(x, y - top) = uint8_t(255 - 255 * coverage);
    }
  }
  return image;
}

}  // namespace

TEST_CASE("a line of 20,000 px is read as its words, and its characters stand in order") {
  const Recognizer reader = Recognizer::load(TALWEG_SHIPPED_MODEL);
  const Typeface face(Font::load(find_font()), U"abcdefghijklmnopqrstuvwxyzAHIOX ");
  std::string text = "the valley";
  while (text.size() < 900) text += " below the hidden ridge holds water";
  const io::Gray8 line = picture_of(face.set(decode_utf8(text)));
  REQUIRE(line.width > 18'000);
  const Reading r = reader.read(line);
  CHECK(score_words(std::vector<WordPair>{{text, r.text}}).cer() < 0.01);
  for (std::size_t k = 1; k < r.characters.size(); ++k) {
    REQUIRE(r.characters[k - 1].x0 <= r.characters[k].x0);
  }
  CHECK(r.characters.back().x1 <= line.width);
}

}  // namespace talweg::ocr
