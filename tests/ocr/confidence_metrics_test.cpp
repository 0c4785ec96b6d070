#include "ocr/confidence_metrics.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "core/error.h"
#include "core/rng.h"

namespace talweg::ocr {
namespace {

/// Words whose confidence holds exactly in the long run: right with the probability they claim.
std::vector<JudgedConfidence> honest_words(int count, uint64_t seed) {
  Rng rng(seed);
  std::vector<JudgedConfidence> words;
  for (int i = 0; i < count; ++i) {
    const double p = rng.uniform();
    words.push_back({p, rng.uniform() < p});
  }
  return words;
}

TEST_CASE("the calibration error is the mean gap between sureness and truth, bin by bin") {
  // Two bins. Below: 0.2 and 0.4, one right: |1/2 - 0.3| = 0.2. Above: 0.8, 0.9, 1.0, two right:
  // |2/3 - 0.9| = 0.2333. Together 2/5 0.2 + 3/5 0.2333 = 0.22.
  const std::vector<JudgedConfidence> words{
      {0.9, false}, {0.2, true}, {1.0, true}, {0.4, false}, {0.8, true}};
  const ConfidenceScore score = score_confidences(words, 1, 2);
  CHECK(score.words == 5);
  CHECK(score.ece == doctest::Approx(0.22));
  REQUIRE(score.bins.size() == 2);
  CHECK(score.bins[0].words == 2);
  CHECK(score.bins[0].confidence == doctest::Approx(0.3));
  CHECK(score.bins[0].accuracy == doctest::Approx(0.5));
  CHECK(score.bins[1].words == 3);
  CHECK(score.bins[1].low == 0.5);
}

TEST_CASE("a confidence on the edge of two bins belongs to the lower one, 0 to the first") {
  const std::vector<JudgedConfidence> words{{0, false}, {0.5, true}, {1, true}};
  const ConfidenceScore score = score_confidences(words, 1, 2);
  CHECK(score.bins[0].words == 2);
  CHECK(score.bins[1].words == 1);
}

TEST_CASE("a right word is surer than a wrong one as often as all pairs say") {
  // Right 0.9 0.6 0.5, wrong 0.7 0.5: of 6 pairs 0.9 wins two, 0.6 one, 0.5 has half of one.
  const std::vector<JudgedConfidence> words{
      {0.9, true}, {0.7, false}, {0.6, true}, {0.5, true}, {0.5, false}};
  CHECK(*score_confidences(words).auroc == doctest::Approx(3.5 / 6));
}

TEST_CASE("an omniscient reader has no calibration error and tells every right word") {
  const std::vector<JudgedConfidence> words{
      {1, true}, {1, true}, {0, false}, {1, true}, {0, false}};
  const ConfidenceScore score = score_confidences(words);
  CHECK(score.ece == 0);
  CHECK(score.ece_by_chance == 0);
  CHECK(*score.auroc == 1);
}

TEST_CASE("a constant confidence tells nothing, and holds where it is the share of right words") {
  std::vector<JudgedConfidence> words;
  for (int i = 0; i < 100; ++i) words.push_back({0.7, i % 10 < 7});
  const ConfidenceScore score = score_confidences(words);
  CHECK(*score.auroc == 0.5);
  CHECK(score.auroc_interval.low == 0.5);
  CHECK(score.auroc_interval.high == 0.5);
  CHECK(score.ece == doctest::Approx(0));
}

TEST_CASE("where all words are right nothing can be told from them, and sureness alone counts") {
  const std::vector<JudgedConfidence> words{{0.8, true}, {0.8, true}};
  const ConfidenceScore score = score_confidences(words);
  CHECK_FALSE(score.auroc.has_value());
  CHECK(score.ece == doctest::Approx(0.2));
}

TEST_CASE("honest confidences have a small error, theirs squared a large one, with one order") {
  // Of p^2 where p holds: the mean of |p - p^2| over [0, 1] is 1/6. Order, and so AUROC, is the same:
  // P(c > c' | right, wrong) of densities 2c and 2(1 - c) is 5/6.
  std::vector<JudgedConfidence> words = honest_words(20'000, 3);
  const ConfidenceScore honest = score_confidences(words, 1, 15, 200);
  CHECK(honest.ece < honest.ece_by_chance);
  CHECK(honest.ece_by_chance < 0.02);
  CHECK(*honest.auroc == doctest::Approx(5.0 / 6).epsilon(0.01));
  for (JudgedConfidence& w : words) w.confidence *= w.confidence;
  const ConfidenceScore timid = score_confidences(words, 1, 15, 200);
  CHECK(timid.ece == doctest::Approx(1.0 / 6).epsilon(0.05));
  CHECK(timid.ece > 5 * timid.ece_by_chance);
  CHECK(*timid.auroc == *honest.auroc);
}

TEST_CASE("an honest reader's error stays below what chance allows, nineteen times in twenty") {
  int above = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const ConfidenceScore score = score_confidences(honest_words(100, seed), seed, 15, 200);
    above += score.ece > score.ece_by_chance;
  }
  CHECK(above >= 2);  // 10 expected, with a deviation of 3
  CHECK(above <= 20);
}

TEST_CASE("intervals are those of the seed") {
  const std::vector<JudgedConfidence> words = honest_words(200, 4);
  const ConfidenceScore one = score_confidences(words, 7), again = score_confidences(words, 7);
  CHECK(one.ece_by_chance == again.ece_by_chance);
  CHECK(one.auroc_interval.high == again.auroc_interval.high);
  CHECK(one.auroc_interval.low < *one.auroc);
  CHECK(*one.auroc < one.auroc_interval.high);
}

TEST_CASE("what is no probability is refused") {
  CHECK_THROWS_AS(score_confidences({}), Error);
  for (const double bad : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    const JudgedConfidence word{bad, true};
    CHECK_THROWS_AS(score_confidences({&word, 1}), Error);
  }
}

}  // namespace
}  // namespace talweg::ocr
