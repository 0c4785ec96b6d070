#include "ocr/metrics.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/rng.h"

namespace talweg::ocr {
namespace {

// The definition itself, exponential in the lengths.
int brute_force_distance(std::u32string_view a, std::u32string_view b) {
  if (a.empty() || b.empty()) return int(a.size() + b.size());
  const auto a_rest = a.substr(1), b_rest = b.substr(1);
  if (a[0] == b[0]) return brute_force_distance(a_rest, b_rest);
  return 1 + std::min({brute_force_distance(a_rest, b_rest), brute_force_distance(a_rest, b),
                       brute_force_distance(a, b_rest)});
}

std::u32string random_text(Rng& rng, int max_length, int letters) {
  std::u32string text(rng.below(uint64_t(max_length) + 1), U'a');
  for (char32_t& c : text) c += char32_t(rng.below(uint64_t(letters)));
  return text;
}

TEST_CASE("the edit distance is that of the recursive definition") {
  Rng rng(7);
  for (int i = 0; i < 2000; ++i) {
    const std::u32string a = random_text(rng, 6, 3), b = random_text(rng, 6, 3);
    REQUIRE(align_texts(a, b).counts.edits() == brute_force_distance(a, b));
  }
}

TEST_CASE("an alignment spells both texts and its steps are what the counts say") {
  Rng rng(8);
  for (int i = 0; i < 500; ++i) {
    const std::u32string a = random_text(rng, 9, 4), b = random_text(rng, 9, 4);
    const TextAlignment alignment = align_texts(a, b);
    std::u32string reference, hypothesis;
    EditCounts counts;
    for (const EditStep& step : alignment.steps) {
      if (step.reference != kNoCharacter) reference += step.reference;
      if (step.hypothesis != kNoCharacter) hypothesis += step.hypothesis;
      counts.matches += step.reference == step.hypothesis;
      counts.insertions += step.reference == kNoCharacter;
      counts.deletions += step.hypothesis == kNoCharacter;
      counts.substitutions += step.reference != step.hypothesis && step.reference != kNoCharacter &&
                              step.hypothesis != kNoCharacter;
    }
    REQUIRE(reference == a);
    REQUIRE(hypothesis == b);
    REQUIRE(counts == alignment.counts);
    REQUIRE(counts.reference_length() == int64_t(a.size()));
  }
}

TEST_CASE("kitten becomes sitting by two substitutions and an insertion") {
  const TextAlignment alignment = align_texts(U"kitten", U"sitting");
  CHECK(alignment.counts == EditCounts{4, 2, 1, 0});
  CHECK(alignment.steps.front() == EditStep{U'k', U's'});
  CHECK(alignment.steps.back() == EditStep{kNoCharacter, U'g'});
}

TEST_CASE("empty texts and a NUL character align like any others") {
  CHECK(align_texts(U"", U"").steps.empty());
  CHECK(align_texts(U"ab", U"").counts == EditCounts{0, 0, 0, 2});
  CHECK(align_texts(U"", U"ab").counts == EditCounts{0, 0, 2, 0});
  const std::u32string nul(1, U'\0');
  CHECK(align_texts(nul, U"a").counts == EditCounts{0, 1, 0, 0});
  CHECK(align_texts(nul, nul).counts == EditCounts{1, 0, 0, 0});
}

TEST_CASE("Wilson's interval is that of Newcombe's tables") {
  // Newcombe 1998, Statistics in Medicine 17:857-872, table I, method 3 (score).
  const struct {
    int64_t successes, total;
    double low, high;
  } cases[] = {{81, 263, 0.2553, 0.3662},
               {15, 148, 0.0624, 0.1605},
               {0, 20, 0.0, 0.1611},
               {1, 29, 0.0061, 0.1718}};
  for (const auto& known : cases) {
    const Interval interval = wilson_interval(known.successes, known.total);
    CHECK(std::abs(interval.low - known.low) < 5.1e-5);
    CHECK(std::abs(interval.high - known.high) < 5.1e-5);
  }
  CHECK(wilson_interval(20, 20).high == 1.0);
  CHECK(wilson_interval(0, 0).high == 1.0);
  CHECK_THROWS_AS(wilson_interval(3, 2), Error);
}

TEST_CASE("an evaluation sums edits over all words and sorts them by length") {
  const std::vector<WordPair> words = {
      {"abc", "abc"}, {"abc", "abd"}, {"x", ""}, {"\u00e9t\u00e9", "et\u00e9s"}};
  const Evaluation result = evaluate(words);
  CHECK(result.total.words == 4);
  CHECK(result.total.exact == 1);
  CHECK(result.total.edits == EditCounts{7, 2, 1, 1});
  CHECK(result.total.cer() == doctest::Approx(4.0 / 10));
  CHECK(result.total.exact_rate() == doctest::Approx(1.0 / 4));
  REQUIRE(result.by_length.size() == 2);
  CHECK(result.by_length.at(3).words == 3);
  CHECK(result.by_length.at(1).cer() == doctest::Approx(1.0));
}

TEST_CASE("letters and digits alone are compared without case, where there are any") {
  CHECK(letters_and_digits("Caf\u00e9 \u2019No. 7-B") == "cafno7b");
  const std::vector<WordPair> words = {
      {"$1.10", "S1.10"}, {"ITEM", "Item:"}, {"---", "-"}, {"Qty", "Oty"}, {"a-b", "ab"}};
  const Score score = score_words(words);
  CHECK(score.words == 5);
  CHECK(score.exact == 0);
  CHECK(score.alnum_words == 4);  // "---" has none
  CHECK(score.alnum == 2);        // "s110" is not "110"
  CHECK(score.alnum_rate() == doctest::Approx(0.5));
  CHECK(score.alnum_interval.low == wilson_interval(2, 4).low);
}

TEST_CASE("a set's score is that of its evaluation") {
  const std::vector<WordPair> words = {{"abc", "abc"}, {"abc", "abd"}, {"xy", ""}};
  const Score alone = score_words(words, 4), within = evaluate(words, 4).total;
  CHECK(alone.cer_interval.low == within.cer_interval.low);
  CHECK(alone.cer_interval.high == within.cer_interval.high);
  CHECK(alone.edits == within.edits);
  CHECK(alone.alnum == within.alnum);
}

TEST_CASE("confusions are listed most frequent first") {
  const std::vector<WordPair> words = {{"oo", "cc"}, {"o", "c"}, {"ab", "b"}, {"b", "bz"}};
  const Evaluation result = evaluate(words);
  REQUIRE(result.confusions.size() == 3);
  CHECK(result.confusions[0].reference == U'o');
  CHECK(result.confusions[0].hypothesis == U'c');
  CHECK(result.confusions[0].count == 3);
  CHECK(result.confusions[1].reference == U'a');
  CHECK(result.confusions[1].hypothesis == kNoCharacter);
  CHECK(result.confusions[2].reference == kNoCharacter);
}

TEST_CASE("the bootstrap interval is the same for the same seed and as wide as theory says") {
  // 400 words of 10 letters, each wrong in 1 letter with probability 0.3: the mean of 400
  // independent numbers with deviation sqrt(0.3 * 0.7) / 10, so +-1.96 * 0.0458 / 20 = 0.00449.
  Rng rng(5);
  std::vector<WordPair> words;
  for (int i = 0; i < 400; ++i) {
    words.push_back({"aaaaaaaaaa", rng.uniform() < 0.3 ? "baaaaaaaaa" : "aaaaaaaaaa"});
  }
  const Interval one = evaluate(words, 1).total.cer_interval;
  const Interval again = evaluate(words, 1).total.cer_interval;
  CHECK(one.low == again.low);
  CHECK(one.high == again.high);
  const double width = one.high - one.low;
  CHECK(width > 0.8 * 2 * 0.00449);
  CHECK(width < 1.2 * 2 * 0.00449);
  CHECK(one.low < evaluate(words).total.cer());
  CHECK(one.high > evaluate(words).total.cer());
}

TEST_CASE("nothing to score gives zero rates and no certainty") {
  const Evaluation result = evaluate({});
  CHECK(result.total.cer() == 0);
  CHECK(result.total.exact_rate() == 0);
  CHECK(result.total.exact_interval.high == 1);
  CHECK(result.by_length.empty());
}

}  // namespace
}  // namespace talweg::ocr
