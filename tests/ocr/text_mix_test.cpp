#include "ocr/text_mix.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>

#include "core/error.h"
#include "ocr/alphabet.h"
#include "ocr/text.h"
#include "ocr/text_numbers.h"
#include "ocr/typeface_set.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

const std::vector<std::string> kWords = {"house", "river", "Zürich", "café", "don't"};

TEST_CASE("texts hold the letters asked for alone, ink at both ends, and all letters in time") {
  const TextMix mix(kWords, reader_letters());
  const Alphabet alphabet(reader_letters());
  Rng rng(1);
  std::set<char32_t> seen;
  for (int i = 0; i < 20000; ++i) {
    const std::string text = mix.draw(rng);
    const std::u32string letters = decode_utf8(text);
    REQUIRE(!letters.empty());
    REQUIRE(letters.front() != U' ');
    REQUIRE(letters.back() != U' ');
    REQUIRE_MESSAGE(alphabet.unknown(letters).empty(), text);
    seen.insert(letters.begin(), letters.end());
  }
  CHECK(seen.size() == reader_letters().size());
}

TEST_CASE("the same seed gives the same texts, another one others") {
  const TextMix mix(kWords, reader_letters());
  Rng a(7), b(7), c(8);
  int same = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string text = mix.draw(a);
    REQUIRE(text == mix.draw(b));
    same += text == mix.draw(c);
  }
  CHECK(same < 20);
}

TEST_CASE("words come as they are, Capitalised and in UPPER CASE; 6 % of texts are lines") {
  const TextMix mix({"river"}, reader_letters());
  Rng rng(2);
  std::map<std::string, int> count;
  constexpr int kDraws = 20000;
  int lines = 0;
  for (int i = 0; i < kDraws; ++i) {
    const std::string text = mix.draw(rng);
    ++count[text];
    lines += text.find(' ') != std::string::npos;
  }
  CHECK(count["river"] > 2.7 * count["River"]);
  CHECK(count["river"] < 3.3 * count["River"]);
  CHECK(count["RIVER"] > 0.8 * count["River"]);
  CHECK(count["RIVER"] < 1.25 * count["River"]);
  // Some dates, receipts' words and telephone numbers hold a blank too.
  CHECK(lines > 0.06 * kDraws);
  CHECK(lines < 0.12 * kDraws);
}

TEST_CASE("an alphabet of its own is kept to, even one that no word has") {
  Rng rng(3);
  const TextMix digits(kWords, letters_of_spec("0-9"));
  const TextMix strange(kWords, U"ж");
  for (int i = 0; i < 300; ++i) {
    REQUIRE(digits.draw(rng).find_first_not_of("0123456789") == std::string::npos);
    for (char32_t c : decode_utf8(strange.draw(rng))) REQUIRE(c == U'ж');
  }
  CHECK_THROWS_AS(TextMix(kWords, U" "), Error);
}

TEST_CASE("numbers are of ASCII, £ and €, and hold a digit, but for addresses") {
  const Alphabet allowed(letters_of_spec(" -~") + U"£€");
  Rng rng(4);
  int digits = 0;
  constexpr int kDraws = 5000;
  for (int i = 0; i < kDraws; ++i) {
    const std::u32string text = random_number_text(rng);
    REQUIRE(!text.empty());
    REQUIRE(allowed.unknown(text).empty());
    digits += text.find_first_of(U"0123456789") != std::u32string::npos;
  }
  CHECK(digits > 0.93 * kDraws);
}

TEST_CASE("a list of words that is not there is named") {
  CHECK(contains(thrown<IoError>([] { TextMix::from_file("no-such-list", U"abc"); }),
                 "no-such-list"));
  const ScratchFolder folder;
  Rng rng(5);
  const TextMix mix = TextMix::from_file(folder.write("words", "xyzzy\n"), reader_letters());
  bool found = false;
  for (int i = 0; i < 200; ++i) found |= contains(mix.draw(rng), "xyzzy");
  CHECK(found);
}

}  // namespace
}  // namespace talweg::ocr
