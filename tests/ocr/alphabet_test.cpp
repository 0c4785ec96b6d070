#include "ocr/alphabet.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

TEST_CASE("the classic alphabet has the 26 letters and BETWEEN last") {
  const Alphabet alphabet;
  CHECK(alphabet.size() == 27);
  CHECK(alphabet.between() == 26);
  CHECK(alphabet.to_string() == "abcdefghijklmnopqrstuvwxyz");
  CHECK(alphabet.encode("cab") == std::vector<int32_t>{2, 0, 1});
  CHECK(alphabet.decode(std::vector<int32_t>{2, 0, 1}) == "cab");
  CHECK(alphabet.symbol_name(25) == "z");
  CHECK(alphabet.symbol_name(26) == "_");
}

TEST_CASE("a word with an unknown letter is refused with the letter, its code point and the word") {
  CHECK(thrown<Error>([] { Alphabet().encode("caf\u00e9"); }) ==
        "[alphabet] '\u00e9' (U+00E9) in 'caf\u00e9' is not one of the 26 letters of the alphabet");
}

TEST_CASE("BETWEEN and symbols out of range are no letters") {
  const Alphabet alphabet;
  CHECK_THROWS_AS(alphabet.decode(std::vector<int32_t>{26}), Error);
  CHECK_THROWS_AS(alphabet.decode(std::vector<int32_t>{-1}), Error);
  CHECK_THROWS_AS(alphabet.symbol_name(27), Error);
}

TEST_CASE("a spec lists letters and ranges, with '-' itself at either end") {
  CHECK(letters_of_spec("a-cX0-2") == U"abcX012");
  CHECK(letters_of_spec("-a") == U"-a");
  CHECK(letters_of_spec("a-") == U"a-");
  CHECK(letters_of_spec("\u03b1-\u03b3") == U"\u03b1\u03b2\u03b3");
  CHECK(letters_of_spec("\uD7FF-\uE000") == U"\uD7FF\uE000");
  CHECK(contains(thrown<Error>([] { letters_of_spec("z-a"); }), "runs backwards"));
  CHECK(contains(thrown<Error>([] { letters_of_spec("a-ca"); }), "'a' (U+0061) occurs twice"));
  CHECK(contains(thrown<Error>([] { letters_of_spec(""); }), "no letters given"));
}

TEST_CASE("a spec may span all of Unicode, in no more time than that takes") {
  CHECK(letters_of_spec("\x01-\U0010ffff").size() == 0x10ffff - 0x800);
}

TEST_CASE("letters of a spec are composed ones, ends of ranges too") {
  CHECK(letters_of_spec("ae\u0301") == U"a\u00e9");
  CHECK(letters_of_spec("\u00e9-i\u0302").size() == 6);
}

TEST_CASE("an alphabet survives the way through a model file") {
  const Alphabet alphabet(U"zy\u00e9 \U0001F600-");
  CHECK(Alphabet::from_string(alphabet.to_string()) == alphabet);
  CHECK(alphabet.decode(alphabet.encode("\u00e9 \U0001F600")) == "\u00e9 \U0001F600");
  CHECK_FALSE(alphabet == Alphabet());
}

TEST_CASE("an alphabet is not empty and names each letter once") {
  CHECK_THROWS_AS(Alphabet(U""), Error);
  CHECK(contains(thrown<Error>([] { Alphabet(U"aba"); }), "'a' (U+0061) occurs twice"));
}

TEST_CASE("unknown characters are listed once each, in order of appearance") {
  CHECK(Alphabet().unknown(U"Hello World") == U"H W");
  CHECK(Alphabet().unknown(U"hello").empty());
}

}  // namespace
}  // namespace talweg::ocr
