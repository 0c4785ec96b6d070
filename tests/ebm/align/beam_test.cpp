#include "ebm/align/beam.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/error.h"
#include "tests/ebm/align/word_energies.h"

namespace talweg::ebm {
namespace {

using brute_force::Kind;
using brute_force::kTopologies;
using brute_force::list_of;
using brute_force::sorted_values;
using brute_force::Symbols;
using brute_force::word_energies;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kWide = 1'000'000;

TEST_CASE("a beam as wide as all prefixes finds the best words of the enumeration") {
  std::mt19937 random(1);
  const LabelList learned = list_of({{0, 1}, {0, 1, 1}, {3, 0}, {1}});
  const NgramModel model = NgramModel::train(learned.view(), 4, 3);
  for (const Topology topology : kTopologies) {
    for (const double beta : {kInf, 0.2, 1.0}) {
      for (const Kind kind : {Kind::normal, Kind::tied, Kind::equal}) {
        for (int64_t frames = least_frames(topology); frames <= 6; ++frames) {
          const Grammar g{static_cast<int32_t>(random() % 4), topology};
          const auto e = brute_force::draw_energies<double>(frames * 4, kind, random);
          const bool with_model = random() % 2 == 0;
          const double bonus = random() % 2 == 0 ? 0.0 : 1.5;
          auto scores = word_energies(e, frames, 4, g, beta);
          const auto energies = scores;
          for (auto& [word, score] : scores) {
            score -= bonus * static_cast<double>(word.size());
            if (with_model) score += 0.7 * model.word_cost(word);
          }
          const FoundWords found = beam_words(e.data(), frames, 4, g,
                                              {.beta = beta,
                                               .width = kWide,
                                               .count = 20,
                                               .model = with_model ? &model : nullptr,
                                               .model_weight = 0.7,
                                               .letter_bonus = bonus});
          CAPTURE(to_string(topology));
          REQUIRE(found.status == AlignStatus::ok);
          REQUIRE(found.complete);
          const std::vector<double> best = sorted_values(scores);
          REQUIRE(found.words.size() == std::min<size_t>(20, best.size()));
          for (size_t k = 0; k < found.words.size(); ++k) {
            const FoundWord& w = found.words[k];
            REQUIRE(w.energy == doctest::Approx(energies.at(w.word)).epsilon(1e-12));
            REQUIRE(w.score == doctest::Approx(scores.at(w.word)).epsilon(1e-12));
            REQUIRE(w.score == doctest::Approx(best[k]).epsilon(1e-12));
          }
        }
      }
    }
  }
}

TEST_CASE("a narrow beam says that it cut, has exact energies, and is never better than the best") {
  std::mt19937 random(2);
  constexpr int64_t kFrames = 12;
  int missed = 0;
  for (int repeat = 0; repeat < 60; ++repeat) {
    const Grammar g{26, kTopologies[repeat % 3]};
    const double beta = repeat % 2 == 0 ? kInf : 1.0;
    const auto e = brute_force::draw_energies<float>(kFrames * 27, Kind::normal, random);
    const FoundWords exact = best_words(e.data(), kFrames, 27, g, {.beta = beta});
    REQUIRE(exact.complete);
    double before = kInf;
    for (const int64_t width : {4, 64}) {
      const FoundWords found = beam_words(e.data(), kFrames, 27, g, {.beta = beta, .width = width});
      if (found.words.empty()) continue;  // noise can lead a narrow beam to nothing that ends
      CHECK_FALSE(found.complete);
      CHECK(found.rest == -kInf);
      CHECK(found.words[0].score >= exact.words[0].score - 1e-9);
      missed += width == 4 && found.words[0].word != exact.words[0].word;
      before = std::min(before, found.words[0].score);
    }
    CHECK(before < kInf);
  }
  CHECK(missed > 0);
}

TEST_CASE("the beam's model may number its letters in another way") {
  const LabelList learned = list_of({{1, 0}, {1, 0, 0}});
  const NgramModel model = NgramModel::train(learned.view(), 2, 2);
  std::mt19937 random(3);
  const auto e = brute_force::draw_energies<double>(5 * 4, Kind::normal, random);
  const std::vector<int32_t> to_model{1, 0, NgramModel::kUnknown, NgramModel::kUnknown};
  const Grammar g{3, Topology::margins};
  const FoundWords beam = beam_words(
      e.data(), 5, 4, g, {.width = kWide, .count = 9, .model = &model, .to_model = to_model});
  const FoundWords best =
      best_words(e.data(), 5, 4, g, {.count = 9, .model = &model, .to_model = to_model});
  REQUIRE(beam.words.size() == best.words.size());
  for (size_t k = 0; k < beam.words.size(); ++k) {
    CHECK(beam.words[k].score == doctest::Approx(best.words[k].score).epsilon(1e-12));
    Symbols mapped;
    for (const int32_t s : beam.words[k].word) mapped.push_back(to_model[s]);
    CHECK(beam.words[k].score ==
          doctest::Approx(beam.words[k].energy + model.word_cost(mapped)).epsilon(1e-12));
  }
}

TEST_CASE("statuses and mistakes") {
  std::vector<double> e(4 * 3, 1.0);
  const Grammar g{2, Topology::classic};
  CHECK(beam_words(e.data(), 1, 3, g).status == AlignStatus::too_short);
  e[0 * 3 + 2] = kNan;   // BETWEEN first
  e[3 * 3 + 1] = -kInf;  // a letter last
  CHECK(beam_words(e.data(), 4, 3, g).status == AlignStatus::ok);
  CHECK(beam_words(e.data(), 4, 3, {2, Topology::ctc}).status == AlignStatus::non_finite);
  for (int a : {0, 1, 2}) e[1 * 3 + a] = kInf;
  CHECK(beam_words(e.data(), 4, 3, g).status == AlignStatus::impossible);
  CHECK_THROWS_WITH_AS(beam_words(e.data(), 4, 3, g, {.beta = -1}),
                       "[beam] beta is -1; an inverse temperature is above 0", Error);
  CHECK_THROWS_WITH_AS(beam_words(e.data(), 4, 3, g, {.width = 0}),
                       "[beam] the width is 0; a beam keeps at least one prefix", Error);
  CHECK_THROWS_AS(beam_words(e.data(), 4, 3, g, {.count = 0}), Error);
  CHECK_THROWS_AS(beam_words(e.data(), 4, 3, g, {.letter_bonus = kInf}), Error);
}

}  // namespace
}  // namespace talweg::ebm
