#include "ocr/word_source.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>

#include "core/error.h"
#include "ocr/text.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

TEST_CASE("a random-word spec gives letters and lengths") {
  const RandomWords words = parse_random_words("a-c0:2-5");
  CHECK(words.letters == U"abc0");
  CHECK(words.min_length == 2);
  CHECK(words.max_length == 5);
  CHECK(parse_random_words("a-z:4").min_length == 4);
  CHECK(parse_random_words("a-z:4").max_length == 4);
  CHECK(parse_random_words(":-;:1-2").letters == U":;");
}

TEST_CASE("a random-word spec that makes no sense says what is wrong") {
  const auto refusal = [](std::string_view spec) {
    return thrown<Error>([&] { parse_random_words(spec); });
  };
  CHECK(contains(refusal("a-z"), "lacks letters or lengths"));
  CHECK(contains(refusal(":1-8"), "lacks letters or lengths"));
  CHECK(contains(refusal("a-z:1-x"), "'x' in 'a-z:1-x' is not a length"));
  CHECK(contains(refusal("a-z:"), "'' in 'a-z:' is not a length"));
  CHECK(contains(refusal("a-z:8-1"), "lengths 8 to 1"));
  CHECK(contains(refusal("a-z:0-3"), "lengths 0 to 3"));
  CHECK(contains(refusal("a-z:1-99999999999"), "is not a length"));
}

TEST_CASE("random words use every letter and every length about equally often") {
  const RandomWords words = parse_random_words("a-d\u00e9:1-4");
  Rng rng(11);
  constexpr int kWords = 8000;
  std::map<size_t, int> lengths;
  std::map<char32_t, int> letters;
  int total = 0;
  for (int i = 0; i < kWords; ++i) {
    const std::u32string word = decode_utf8(random_word(words, rng));
    ++lengths[word.size()];
    for (char32_t c : word) ++letters[c], ++total;
  }
  // Five standard deviations of a binomial count, sqrt(n p (1 - p)), around its mean.
  REQUIRE(lengths.size() == 4);
  for (const auto& [length, n] : lengths) CHECK(std::abs(n - kWords / 4) < 5 * 39);
  REQUIRE(letters.size() == 5);
  for (const auto& [c, n] : letters) CHECK(std::abs(n - total / 5) < 5 * 57);
}

TEST_CASE("equal seeds give equal words") {
  Rng a(3), b(3), c(4);
  const RandomWords words{U"abc", 20, 20};
  const std::string word = random_word(words, a);
  CHECK(word == random_word(words, b));
  CHECK(word != random_word(words, c));
}

TEST_CASE("a word list drops blank lines, surrounding spaces and Windows line ends") {
  const ScratchFolder folder;
  const std::string path = folder.write("words.txt", "one\r\n\r\n  two \n\nna\u00efve");
  CHECK(load_word_list(path) == std::vector<std::string>{"one", "two", "na\u00efve"});
}

TEST_CASE("a word list that is missing, empty or not UTF-8 is refused with file and line") {
  const ScratchFolder folder;
  CHECK_THROWS_AS(load_word_list(folder / "none.txt"), IoError);
  const std::string blank = folder.write("blank.txt", "\n \n");
  CHECK(contains(thrown<IoError>([&] { load_word_list(blank); }), "blank.txt holds no word"));
  const std::string latin = folder.write("latin.txt", "one\ncaf\xE9\n");
  CHECK(contains(thrown<IoError>([&] { load_word_list(latin); }), "latin.txt:2: [text]"));
}

}  // namespace
}  // namespace talweg::ocr
