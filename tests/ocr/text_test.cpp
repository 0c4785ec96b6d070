#include "ocr/text.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

TEST_CASE("UTF-8 of every length decodes and encodes back to the same bytes") {
  const std::string bytes = "a\u00e9\u20ac\U0001F600";
  const std::u32string text = decode_utf8(bytes);
  CHECK(text == U"a\u00e9\u20ac\U0001F600");
  CHECK(encode_utf8(text) == bytes);
}

TEST_CASE("every code point of a wide sweep survives a round trip") {
  for (char32_t c = 0; c <= 0x10FFFF; c += (c < 0x900 ? 1 : 37)) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    REQUIRE(decode_utf8(encode_utf8(c)) == std::u32string(1, c));
  }
}

TEST_CASE("bytes that are not UTF-8 are refused with their offset") {
  const auto refusal = [](std::string_view bytes) {
    return thrown<Error>([&] { decode_utf8(bytes); });
  };
  CHECK(refusal("ab\xFFz") ==
        "[text] byte 0xFF at offset 2 (character 3) can't start a UTF-8 character; save the text "
        "as UTF-8");
  CHECK(contains(refusal("\xE9t\xE9"), "byte 0x74 at offset 1"));  // Latin-1
  CHECK(contains(refusal("abc\xE2\x82"), "needs 3 bytes, but the text ends after 2"));
  CHECK(contains(refusal("\xC0\xAF"), "byte 0xC0 at offset 0"));  // overlong '/'
  CHECK(
      contains(refusal("x\xE0\x80\xAF"), "offset 1 (character 2) encode U+002F"));  // overlong '/'
  CHECK(contains(refusal("\xED\xA0\x80"), "U+D800"));                               // a surrogate
  CHECK(contains(refusal("\xF4\x90\x80\x80"), "U+110000"));  // beyond the last
  CHECK(contains(thrown<Error>([] { encode_utf8(char32_t{0xD800}); }), "U+D800"));
}

TEST_CASE("composed and decomposed letters are one in Normalization Form C") {
  CHECK(to_nfc("cafe\u0301") == "caf\u00e9");
  CHECK(to_nfc("caf\u00e9") == "caf\u00e9");
  CHECK(to_nfc("plain") == "plain");
  CHECK(to_nfc("") == "");
  CHECK(to_nfc("\u212b") == "\u00c5");                // the sign for angstrom is a letter
  CHECK(to_nfc("x\u0302") == "x\u0302");              // there is no composed one
  CHECK(to_nfc("q\u0307\u0323") == "q\u0323\u0307");  // marks in their canonical order
  CHECK(to_nfc("\ufb01") == "\ufb01");                // compatible is not equal
  CHECK(to_nfc(std::string_view("a\0e\u0301", 5)) == std::string_view("a\0\u00e9", 4));
  CHECK(contains(thrown<Error>([] { to_nfc("a\xff"); }), "byte 0xFF at offset 1"));
}

TEST_CASE("what no image shows is corrupt; spaces and private letters are not") {
  for (char32_t c : {U'\x07', U'\x85', U'\u00ad', U'\u200b', U'\ufeff', U'\ufffd', U'\uffff'}) {
    CAPTURE(code_point_name(c));
    CHECK(is_corrupt(c));
  }
  for (char32_t c : {U' ', U'a', U'\u00e9', U'\u00a0', U'\u0301', U'\ue000', U'\U0001F600'}) {
    CAPTURE(code_point_name(c));
    CHECK_FALSE(is_corrupt(c));
  }
}

TEST_CASE("a character is described by itself and its code point, an invisible one by the latter") {
  CHECK(describe(U'\u00e9') == "'\u00e9' (U+00E9)");
  CHECK(describe(U'\U0001F600') == "'\U0001F600' (U+1F600)");
  CHECK(describe(U'\n') == "U+000A");
  CHECK(describe(U'\u00a0') == "U+00A0");
  CHECK(describe(0xD800) == "U+D800");
  CHECK(describe_all(U"baab") == "'b' (U+0062), 'a' (U+0061)");
  CHECK(describe_all(U"abcd", 2) == "'a' (U+0061), 'b' (U+0062) and 2 more");
  CHECK(describe_all(U"") == "");
}

TEST_CASE("lines are numbered from 1, without byte order mark and carriage returns") {
  const auto lines = lines_of("\xEF\xBB\xBFone\r\n\ntwo");
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].text == "one");
  CHECK(lines[1].text == "");
  CHECK(lines[2].text == "two");
  CHECK(lines[2].number == 3);
  CHECK(lines_of("").empty());
  CHECK(lines_of("one\n").size() == 1);
  CHECK(trim(" \ta b ") == "a b");
  CHECK(trim(" \t ") == "");
}

TEST_CASE("a line of a table has one cell more than tabs") {
  CHECK(cells_of("a\t\tb") == std::vector<std::string_view>{"a", "", "b"});
  CHECK(cells_of("a\t") == std::vector<std::string_view>{"a", ""});
  CHECK(cells_of("") == std::vector<std::string_view>{""});
}

}  // namespace
}  // namespace talweg::ocr
