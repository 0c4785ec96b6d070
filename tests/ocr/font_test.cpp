#include "ocr/font.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <utility>

#include "core/error.h"
#include "core/io/file.h"
#include "core/rng.h"
#include "ocr/alphabet.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

TEST_CASE("the default font is found by file name, by stem and by path") {
  const std::string path = find_font();
  CHECK(path.ends_with("Anonymous Pro.ttf"));
  CHECK(find_font("Anonymous Pro") == path);
  CHECK(find_font(path) == path);
  CHECK(Font::load(path).name() == "Anonymous Pro Regular");
}

TEST_CASE("a font that is not installed is refused with the places looked in") {
  const std::string refusal = thrown<IoError>([] { find_font("No Such Font.ttf"); });
  CHECK(contains(refusal, "there is no font 'No Such Font.ttf' here or in /usr/share/fonts"));
}

TEST_CASE("a file that is missing, no font, or cut short is refused by name") {
  const ScratchFolder folder;
  CHECK(contains(thrown<IoError>([&] { Font::load(folder / "none.ttf"); }), "none.ttf"));
  const std::string text = folder.write("text.ttf", "this is no font");
  CHECK(contains(thrown<IoError>([&] { Font::load(text); }), "text.ttf is not a font of a kind"));
  const std::string sign = folder.write("sign.ttf", "OTTO and no more");
  CHECK(
      contains(thrown<IoError>([&] { Font::load(sign); }), "sign.ttf is not a font, or a damaged"));
  const std::string empty = folder.write("empty.ttf", "");
  CHECK_THROWS_AS(Font::load(empty), IoError);
  const std::string whole = io::read_file(find_font());
  const std::string cut = folder.write("cut.ttf", whole.substr(0, 2000));
  CHECK_THROWS_AS(Font::load(cut).rasterise(U'a', 20), IoError);
}

TEST_CASE("a font with damaged bytes draws its letters or throws, and nothing else") {
  const ScratchFolder folder;
  const std::string whole = io::read_file(find_font());
  Rng rng(1);
  for (int trial = 0; trial < 40; ++trial) {
    std::string bytes = whole;
    for (int i = 0; i < 200; ++i) bytes[rng.below(bytes.size())] = char(rng.below(256));
    const std::string path = folder.write("damaged.ttf", bytes);
    try {
      const Font font = Font::load(path);
      for (char32_t c : letters_of_spec("a-z")) {
        const Glyph glyph = font.rasterise(c, 20);
        REQUIRE(glyph.coverage.size() == size_t(glyph.width) * size_t(glyph.height));
      }
    } catch (const IoError& error) {
      REQUIRE(contains(error.what(), "damaged.ttf"));
    }
  }
}

TEST_CASE("letters that a font lacks are named with their code points") {
  const Font font = Font::load(find_font());
  CHECK(font.has(U'a'));
  CHECK_FALSE(font.has(U'\u4e2d'));
  const std::string refusal = thrown<IoError>([&] { font.require(U"a\u4e2d\u6587\u4e2d"); });
  CHECK(contains(refusal, "has no glyph for '\u4e2d' (U+4E2D), '\u6587' (U+6587);"));
  CHECK_THROWS_AS(font.rasterise(U'\u4e2d', 20), IoError);
}

TEST_CASE("Anonymous Pro at 20 px steps 699/64 = 10.92 px a letter") {
  const Font font = Font::load(find_font());
  for (char32_t c : letters_of_spec("a-zA-Z0-9")) CHECK(font.rasterise(c, 20).advance == 699);
}

TEST_CASE("a glyph twice as large is about twice as large, and a space is empty") {
  const Font font = Font::load(find_font());
  const Glyph small = font.rasterise(U'h', 20), large = font.rasterise(U'h', 40);
  CHECK(std::abs(large.height - 2 * small.height) <= 1);
  CHECK(std::abs(large.width - 2 * small.width) <= 2);
  CHECK(font.rasterise(U' ', 20).coverage.empty());
  CHECK_THROWS_AS(font.rasterise(U'h', 0), Error);
  CHECK_THROWS_AS(font.rasterise(U'h', 5000), Error);
}

TEST_CASE("a font still draws after it was moved") {
  Font first = Font::load(find_font());
  const Glyph before = first.rasterise(U'g', 20);
  const Font second = std::move(first);
  CHECK(second.rasterise(U'g', 20).coverage == before.coverage);
}

TEST_CASE("the fonts of a folder are listed with its subfolders, sorted") {
  const ScratchFolder folder;
  CHECK_THROWS_AS(fonts_in(folder.path()), IoError);
  CHECK_THROWS_AS(fonts_in(folder / "none"), IoError);
  const std::string b = folder.write("b.TTF", ""), a = folder.write("sub/a.otf", "");
  folder.write("readme.txt", "");
  CHECK(fonts_in(folder.path()) == std::vector<std::string>{b, a});
}

}  // namespace
}  // namespace talweg::ocr
