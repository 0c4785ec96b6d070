#include "ebm/align/search.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

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

/// The words are different, ascend, have the energies of the enumeration, and none was passed over.
void check_against(const FoundWords& found, const std::map<Symbols, double>& f, int64_t count,
                   bool exact) {
  REQUIRE(found.status == AlignStatus::ok);
  REQUIRE(found.complete);
  const std::vector<double> best = sorted_values(f);
  REQUIRE(found.words.size() == std::min<size_t>(count, best.size()));
  std::set<Symbols> seen;
  for (size_t k = 0; k < found.words.size(); ++k) {
    const FoundWord& w = found.words[k];
    REQUIRE(f.contains(w.word));
    REQUIRE(seen.insert(w.word).second);
    if (exact) {
      REQUIRE(w.energy == f.at(w.word));
      REQUIRE(w.energy == best[k]);
    } else {
      REQUIRE(w.energy == doctest::Approx(f.at(w.word)).epsilon(1e-12));
      REQUIRE(w.score == doctest::Approx(best[k]).epsilon(1e-12));
    }
  }
  if (best.size() > found.words.size()) {
    REQUIRE(found.rest <= best[found.words.size()] + 1e-9);
  } else if (static_cast<int64_t>(best.size()) < count) {
    REQUIRE(found.rest == kInf);
  }
}

TEST_CASE("the n best words are those of the enumeration of all strings") {
  std::mt19937 random(1);
  for (const Topology topology : kTopologies) {
    for (const double beta : {kInf, 0.1, 1.0, 5.0}) {
      for (const Kind kind : {Kind::normal, Kind::tied, Kind::equal}) {
        for (const int64_t alphabet : {2, 3, 4}) {
          for (int64_t frames = least_frames(topology); frames <= (alphabet == 4 ? 5 : 7);
               ++frames) {
            const Grammar g{static_cast<int32_t>(random() % alphabet), topology};
            const auto e = brute_force::draw_energies<double>(frames * alphabet, kind, random);
            const auto f = word_energies(e, frames, alphabet, g, beta);
            for (const int64_t count : {int64_t{1}, int64_t{3}, int64_t{10'000}}) {
              CAPTURE(to_string(topology));
              CAPTURE(beta);
              CAPTURE(frames);
              CAPTURE(alphabet);
              const FoundWords found =
                  best_words(e.data(), frames, alphabet, g, {.beta = beta, .count = count});
              check_against(found, f, count, beta == kInf);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("all words of an image: their probabilities sum to one") {
  std::mt19937 random(2);
  for (const Topology topology : kTopologies) {
    const Grammar g{0, topology};
    const auto e = brute_force::draw_energies<double>(7 * 3, Kind::normal, random);
    const auto strings = brute_force::all_spellings(e, 7, 3, g);
    const double all = brute_force::free_energy_of(strings, 0.7);
    const FoundWords found = best_words(e.data(), 7, 3, g, {.beta = 0.7, .count = 100'000});
    double sum = 0;
    for (const FoundWord& w : found.words) sum += std::exp(-0.7 * (w.energy - all));
    CHECK(sum == doctest::Approx(1).epsilon(1e-12));
  }
}

TEST_CASE("within a lexicon the best words are the best of its words") {
  std::mt19937 random(3);
  for (const Topology topology : kTopologies) {
    for (const double beta : {kInf, 1.0}) {
      for (int repeat = 0; repeat < 30; ++repeat) {
        const Grammar g{2, topology};
        const auto e = brute_force::draw_energies<double>(
            7 * 4, repeat % 3 == 0 ? Kind::tied : Kind::normal, random);
        const auto f = word_energies(e, 7, 4, g, beta);
        std::vector<Symbols> words;
        std::map<Symbols, double> listed;
        for (const auto& [word, energy] : f) {
          if (random() % 4 != 0) continue;
          words.push_back(word);
          listed[word] = energy;
        }
        words.push_back({0, 1, 3, 0, 1, 3, 0, 1, 3});  // too long for seven windows
        std::ranges::shuffle(words, random);
        const LabelList list = list_of(words);
        const Lexicon lexicon(list.view(), 4);
        const FoundWords found =
            best_words(e.data(), 7, 4, g, {.beta = beta, .count = 5, .lexicon = &lexicon});
        if (listed.empty()) continue;
        check_against(found, listed, 5, beta == kInf);
        for (const FoundWord& w : found.words) REQUIRE(words[w.entry] == w.word);
      }
    }
  }
}

TEST_CASE("with a letter model the score adds its cost, and the order is by score") {
  std::mt19937 random(4);
  const LabelList learned = list_of({{0, 1}, {0, 1, 1}, {3, 0}, {1}});
  const NgramModel model = NgramModel::train(learned.view(), 4, 3);
  for (const Topology topology : kTopologies) {
    for (const double beta : {kInf, 1.0}) {
      const Grammar g{2, topology};
      const auto e = brute_force::draw_energies<double>(6 * 4, Kind::normal, random);
      auto f = word_energies(e, 6, 4, g, beta);
      const FoundWords found = best_words(
          e.data(), 6, 4, g, {.beta = beta, .count = 50, .model = &model, .model_weight = 2.5});
      for (auto& [word, energy] : f) energy += 2.5 * model.word_cost(word);
      const std::vector<double> best = sorted_values(f);
      REQUIRE(found.words.size() == std::min<size_t>(50, best.size()));
      for (size_t k = 0; k < found.words.size(); ++k) {
        const FoundWord& w = found.words[k];
        CHECK(w.score == doctest::Approx(best[k]).epsilon(1e-12));
        CHECK(w.score == doctest::Approx(f.at(w.word)).epsilon(1e-12));
        CHECK(w.score == doctest::Approx(w.energy + 2.5 * model.word_cost(w.word)).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("the best word at zero temperature is least_energy_word's, at any scale and offset") {
  std::mt19937 random(5);
  for (const Topology topology : kTopologies) {
    for (const double scale : {1.0, 1e-30, 1e30}) {
      for (int repeat = 0; repeat < 20; ++repeat) {
        const Grammar g{26, topology};
        auto e = brute_force::draw_energies<double>(40 * 27, Kind::normal, random);
        for (double& x : e) x = x * scale - 3 * scale;
        const WordReading least = least_energy_word(e.data(), 40, 27, g);
        const FoundWords found = best_words(e.data(), 40, 27, g);
        REQUIRE(found.words.size() == 1);
        CHECK(found.words[0].word == least.word);
        CHECK(found.words[0].energy == least.energy);
        CHECK(found.prefixes <= 2 * static_cast<int64_t>(least.word.size() + 1));
      }
    }
  }
}

TEST_CASE("a search that gives up says so, and what it can promise") {
  std::mt19937 random(6);
  const Grammar g{0, Topology::ctc};
  const auto e = brute_force::draw_energies<double>(8 * 4, Kind::equal, random);
  const FoundWords found = best_words(e.data(), 8, 4, g, {.beta = 0.5, .max_prefixes = 30});
  CHECK_FALSE(found.complete);
  CHECK(found.prefixes == 30);
  const std::vector<double> best = sorted_values(word_energies(e, 8, 4, g, 0.5));
  CHECK(found.rest <= best[0]);
  for (const FoundWord& w : found.words) CHECK(w.energy >= best[0] - 1e-9);
}

TEST_CASE("statuses: too short, non-finite, impossible; unusable cells are not judged") {
  std::vector<double> e(4 * 3, 1.0);
  const Grammar classic{2, Topology::classic};
  CHECK(best_words(e.data(), 1, 3, classic).status == AlignStatus::too_short);
  CHECK(best_words(e.data(), 0, 3, {2, Topology::ctc}).status == AlignStatus::too_short);
  e[0 * 3 + 2] = kNan;   // BETWEEN first
  e[3 * 3 + 1] = -kInf;  // a letter last
  CHECK(best_words(e.data(), 4, 3, classic).status == AlignStatus::ok);
  CHECK(best_words(e.data(), 4, 3, {2, Topology::margins}).status == AlignStatus::non_finite);

  const LabelList zeros = list_of({{0}, {0, 0}}), long_word = list_of({{0, 0, 0}});
  const Lexicon lexicon(zeros.view(), 3), too_long(long_word.view(), 3);
  e[1 * 3 + 1] = kNan;  // a letter that the lexicon lacks
  CHECK(best_words(e.data(), 4, 3, classic).status == AlignStatus::non_finite);
  const FoundWords found = best_words(e.data(), 4, 3, classic, {.count = 9, .lexicon = &lexicon});
  CHECK(found.status == AlignStatus::ok);
  CHECK(found.words.size() == 2);
  const FoundWords none = best_words(e.data(), 4, 3, classic, {.lexicon = &too_long});
  CHECK(none.status == AlignStatus::impossible);
  CHECK(none.words.empty());

  std::vector<double> walls(4 * 3, 1.0);
  for (int a : {0, 1, 2}) walls[1 * 3 + a] = kInf;
  for (const Topology t : kTopologies) {
    CHECK(best_words(walls.data(), 4, 3, {2, t}).status == AlignStatus::impossible);
  }
}

TEST_CASE("mistakes in the options throw and say what to do") {
  const std::vector<double> e(4 * 3, 1.0);
  const Grammar g{2, Topology::classic};
  CHECK_THROWS_WITH_AS(best_words(e.data(), 4, 3, g, {.beta = 0}),
                       "[search] beta is 0; an inverse temperature is above 0", Error);
  CHECK_THROWS_AS(best_words(e.data(), 4, 3, g, {.beta = kNan}), Error);
  CHECK_THROWS_AS(best_words(e.data(), 4, 3, g, {.count = 0}), Error);
  CHECK_THROWS_AS(best_words(e.data(), 4, 3, g, {.max_prefixes = 0}), Error);
  CHECK_THROWS_AS(best_words(e.data(), 4, 3, g, {.model_weight = -1}), Error);
  CHECK_THROWS_AS(best_words(e.data(), 4, 3, {3, Topology::classic}), Error);
  const LabelList words = list_of({{0}, {0, 2}});
  const Lexicon with_between(words.view(), 3), larger(words.view(), 4);
  CHECK_THROWS_WITH_AS(
      best_words(e.data(), 4, 3, g, {.lexicon = &with_between}),
      "[search] the lexicon holds words with BETWEEN (symbol 2); a word is made of "
      "letters only",
      Error);
  CHECK_THROWS_WITH_AS(best_words(e.data(), 4, 3, g, {.lexicon = &larger}),
                       "[search] the lexicon has an alphabet of 4 symbols, the energies one of 3",
                       Error);
  const NgramModel model = NgramModel::train(words.view(), 4, 2);
  CHECK_THROWS_AS(best_words(e.data(), 4, 3, g, {.model = &model}), Error);
}

}  // namespace
}  // namespace talweg::ebm
