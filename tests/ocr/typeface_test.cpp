#include "ocr/typeface.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "ocr/alphabet.h"
#include "ocr/typeface_check.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

const std::u32string kAscii = letters_of_spec(" -~");

const Typeface& anonymous() {
  static const Typeface face(Font::load(find_font()), kAscii);
  return face;
}

CharBox ink_of(const Ink& ink) {
  CharBox box{ink.width, ink.height, 0, 0};
  for (int y = 0; y < ink.height; ++y) {
    for (int x = 0; x < ink.width; ++x) {
      if (ink.coverage[size_t(y) * size_t(ink.width) + size_t(x)] == 0) continue;
      box = {std::min(box.x0, x), std::min(box.y0, y), std::max(box.x1, x + 1),
             std::max(box.y1, y + 1)};
    }
  }
  return box;
}

double total(const Ink& ink) {
  return std::accumulate(ink.coverage.begin(), ink.coverage.end(), 0.0);
}

TEST_CASE("'Ahgjp' fills the line's frame, on its baseline, with a third of it empty all round") {
  const Ink ink = anonymous().set(U"Ahgjp");
  const CharBox box = ink_of(ink);
  const int frame = ink.descent - ink.ascent, margin = (Typeface::kFrame + 2) / 3;
  CHECK(std::abs(frame - Typeface::kFrame) <= 1);
  CHECK(box.y0 == ink.ascent);
  CHECK(box.y1 == ink.descent);
  CHECK(ink.ascent == margin);
  CHECK(ink.height == frame + 2 * margin);
  CHECK(box.x0 == margin);
  CHECK(box.x1 == ink.width - margin);
  CHECK(ink.boxes[0].y1 == ink.baseline);
  const Ink x = anonymous().set(U"x");
  CHECK(x.boxes[0].y1 - x.boxes[0].y0 == x.x_height);
  CHECK(x.ascent == ink.ascent);
  CHECK(x.baseline == ink.baseline);
}

TEST_CASE("every letter's ink lies in its box, and there is none outside the boxes") {
  Ink ink = anonymous().set(U"Qu|ck [j_]");
  REQUIRE(ink.boxes.size() == 10);
  CHECK(ink.boxes[5].x0 == ink.boxes[5].x1);  // the blank
  for (size_t i = 0; i < ink.boxes.size(); ++i) {
    const CharBox& b = ink.boxes[i];
    double sum = 0;
    for (int y = b.y0; y < b.y1; ++y) {
      for (int x = b.x0; x < b.x1; ++x) {
        float& value = ink.coverage[size_t(y) * size_t(ink.width) + size_t(x)];
        sum += value;
        value = 0;
      }
    }
    if (i != 5) CHECK(sum > 10);
  }
  CHECK(total(ink) == 0);
}

TEST_CASE("a letter is drawn as its glyph is, unhinted") {
  const Font font = Font::load(find_font());
  const Ink ink = anonymous().set(U"g");
  const CharBox box = ink_of(ink);
  double best = 1e9;  // the em is not known from outside: one near it must give the same bitmap
  for (double em = 30; em < 60; em += 1.0 / 64) {
    const Glyph glyph = font.rasterise_unhinted(U'g', em);
    if (glyph.width != box.x1 - box.x0 || glyph.height != box.y1 - box.y0) continue;
    double difference = 0;
    for (int y = 0; y < glyph.height; ++y) {
      for (int x = 0; x < glyph.width; ++x) {
        const size_t at = size_t(box.y0 + y) * size_t(ink.width) + size_t(box.x0 + x);
        difference += std::abs(double(ink.coverage[at]) -
                               glyph.coverage[size_t(y) * size_t(glyph.width) + size_t(x)] / 255.0);
      }
    }
    best = std::min(best, difference);
  }
  CHECK(best < 1e-3);
}

TEST_CASE("tracking widens a word by its letters but one, and blanks by their factor") {
  const auto width = [](std::u32string_view text, TypeStyle style) {
    const CharBox box = anonymous().extent(text, style);
    return box.x1 - box.x0;
  };
  const int plain = width(U"llllll", {});
  const int tracked = width(U"llllll", {.tracking = 0.5});
  const int twice = width(U"llllll", {.tracking = 1});
  CHECK(std::abs((twice - plain) - 2 * (tracked - plain)) <= 1);
  CHECK(tracked > plain);
  const int blank = width(U"l l", {}) - width(U"ll", {});
  const int wide = width(U"l l", {.word_space = 3}) - width(U"ll", {});
  CHECK(std::abs(wide - 3 * blank) <= 2);
  CHECK(width(U" l ", {}) == width(U"l", {}));
}

TEST_CASE("letters on top of each other are no blacker than ink") {
  const Ink ink = anonymous().set(U"HHHH", {.tracking = -0.5});
  CHECK(*std::max_element(ink.coverage.begin(), ink.coverage.end()) == 1);
  CHECK(total(ink) < 4 * total(anonymous().set(U"H")));
}

TEST_CASE("a text that leaves the line gets its margins above and below itself") {
  const Typeface face(Font::load(find_font()), kAscii + U"Å");
  const Ink ink = face.set(U"Å_");
  const CharBox box = ink_of(ink);
  CHECK(box.y0 < ink.ascent);
  CHECK(box.y0 >= Typeface::kFrame / 3);
  CHECK(ink.height - box.y1 >= Typeface::kFrame / 3);
}

TEST_CASE("letters that a face lacks, and texts without ink, are refused") {
  CHECK(anonymous().has(U' '));
  CHECK(anonymous().covers(U"a b"));
  CHECK_FALSE(anonymous().has(U'\u4e2d'));
  CHECK_FALSE(anonymous().has(U'ß'));  // the font has it, but it was not asked for
  CHECK(contains(thrown<Error>([] { anonymous().set(U"aß"); }), "has no 'ß' (U+00DF)"));
  CHECK_THROWS_AS(anonymous().set(U"  "), Error);
  CHECK_THROWS_AS(anonymous().set(U""), Error);
  const Typeface digits(Font::load(find_font()), U"0123456789");
  CHECK(digits.covers(U"10"));
  CHECK_FALSE(digits.has(U'A'));
}

TEST_CASE("kerning pairs move letters, where a font has a table of them") {
  std::string path;
  try {
    path = find_font("DejaVuSans.ttf");
  } catch (const IoError&) {
    MESSAGE("no font with kerning pairs is installed");
    return;
  }
  const Font font = Font::load(path);
  CHECK(font.kerning(U'A', U'V', 100) < -2);
  CHECK(font.kerning(U'A', U'V', 50) == doctest::Approx(font.kerning(U'A', U'V', 100) / 2));
  const Typeface face(font, kAscii);
  const CharBox kerned = face.extent(U"AV", {}), plain = face.extent(U"AV", {.kerning = false});
  CHECK(kerned.x1 < plain.x1);
  CHECK(face.extent(U"HH", {}) == face.extent(U"HH", {.kerning = false}));
}

// --- faults -----------------------------------------------------------------------------------------

std::map<char32_t, Glyph> glyphs() {
  const Font font = Font::load(find_font());
  std::map<char32_t, Glyph> all;
  for (char32_t c : kAscii) {
    if (c != U' ') all.emplace(c, font.rasterise_unhinted(c, 48));
  }
  return all;
}

// The glyph at `share` of its size, each pixel taken from the nearest one.
Glyph scaled(const Glyph& glyph, double share) {
  Glyph small = glyph;
  small.width = int(glyph.width * share);
  small.height = int(glyph.height * share);
  small.top = int(glyph.top * share);
  small.coverage.clear();
  for (int y = 0; y < small.height; ++y) {
    for (int x = 0; x < small.width; ++x) {
      const int from_x = int(x / share), from_y = int(y / share);
      small.coverage.push_back(
          glyph.coverage[size_t(from_y) * size_t(glyph.width) + size_t(from_x)]);
    }
  }
  return small;
}

template <class Change> std::string fault_after(const Change& change) {
  std::map<char32_t, Glyph> all = glyphs();
  for (auto& [code, glyph] : all) change(code, glyph);
  return typeface_fault(all);
}

TEST_CASE("a face that draws what it says has no fault") { CHECK(typeface_fault(glyphs()) == ""); }

TEST_CASE("capitals for lower case are a fault, also as small capitals") {
  const std::map<char32_t, Glyph> all = glyphs();
  for (double share : {1.0, 0.75}) {
    const std::string fault = fault_after([&](char32_t c, Glyph& glyph) {
      if (c >= U'a' && c <= U'z') glyph = scaled(all.at(c - 32), share);
    });
    CHECK(contains(fault, "it draws capitals for 'a' (U+0061), 'b'"));
  }
}

TEST_CASE("letters in outline, in stripes, as blocks and as hairlines are faults") {
  CHECK(contains(fault_after([](char32_t, Glyph& g) {
                   Glyph inner = g;  // ink all of whose neighbours are ink is taken out
                   const auto ink = [&](int x, int y) {
                     return x >= 0 && y >= 0 && x < g.width && y < g.height &&
                            g.coverage[size_t(y) * size_t(g.width) + size_t(x)] >= 128;
                   };
                   for (int y = 0; y < g.height; ++y) {
                     for (int x = 0; x < g.width; ++x) {
                       if (ink(x - 1, y) && ink(x + 1, y) && ink(x, y - 1) && ink(x, y + 1)) {
                         inner.coverage[size_t(y) * size_t(g.width) + size_t(x)] = 0;
                       }
                     }
                   }
                   g = inner;
                 }),
                 "outlines"));
  CHECK(contains(fault_after([](char32_t, Glyph& g) {
                   for (int y = 0; y < g.height; ++y) {
                     if (y % 4 < 2) continue;
                     std::fill_n(g.coverage.begin() + ptrdiff_t(y) * g.width, g.width, 0);
                   }
                 }),
                 "dots or stripes"));
  CHECK(contains(
      fault_after([](char32_t, Glyph& g) { std::fill(g.coverage.begin(), g.coverage.end(), 255); }),
      "fill 100 % of their boxes"));
}

TEST_CASE("too few letters, and capitals lower than small letters, are faults") {
  std::map<char32_t, Glyph> all = glyphs();
  for (char32_t c : U"ABCDEFGKLMNPQRSTUVWYZ") all.erase(c);
  CHECK(contains(typeface_fault(all), "it lacks 'A'"));
  all = glyphs();
  for (char32_t c : U"0123456789BCDE") all.erase(c);
  CHECK(contains(typeface_fault(all), "it lacks 'B'"));
  CHECK(contains(fault_after([](char32_t c, Glyph& glyph) {
                   if (c >= U'A' && c <= U'Z') glyph = scaled(glyph, 0.4);
                 }),
                 "its capitals are"));
}

TEST_CASE("a shape is like itself at any size, and unlike its negative") {
  const std::map<char32_t, Glyph> all = glyphs();
  const Shape12 g = shape_of(all.at(U'g'));
  CHECK(likeness(g, g) == doctest::Approx(1));
  CHECK(likeness(g, shape_of(scaled(all.at(U'g'), 0.7))) > 0.7);
  CHECK(likeness(g, shape_of(all.at(U'H'))) < 0.5);
  Glyph negative = all.at(U'g');
  for (uint8_t& value : negative.coverage) value = uint8_t(255 - value);
  CHECK(likeness(g, shape_of(negative)) == doctest::Approx(-1));
  CHECK(likeness(g, Shape12{}) == 0);
}

}  // namespace
}  // namespace talweg::ocr
