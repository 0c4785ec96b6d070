// What follows from the sums over all words: the probability of a word, samples, expectations.
#include "ebm/align/partition.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "core/edit_distance.h"
#include "core/error.h"
#include "tests/ebm/align/word_posteriors.h"

namespace talweg::ebm {
namespace {

using brute_force::Kind;
using brute_force::kTopologies;
using Energies = std::vector<double>;
using Symbols = std::vector<int32_t>;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST_CASE("the probabilities of all words sum to 1, and each is the enumeration's") {
  std::mt19937 random(14);
  AlignScratch scratch;
  for (Topology topology : kTopologies) {
    for (double beta : {0.5, 2.0}) {
      const Grammar grammar{1, topology};
      const auto e = brute_force::draw_energies<double>(6 * 3, Kind::normal, random);
      const auto strings = brute_force::all_spellings(e, 6, 3, grammar);
      const WordPosterior p = posterior_of(e, 3, grammar, beta);
      double total = 0;
      for (const auto& [word, expected] : brute_force::word_probabilities(strings, beta)) {
        const double found = std::exp(p.log_probability(e.data(), word, scratch));
        CHECK(found == doctest::Approx(expected).epsilon(1e-12));
        total += found;
      }
      CHECK(total == doctest::Approx(1).epsilon(1e-13));
    }
  }
}

TEST_CASE("no word is more probable than certain, at any scale, and impossible ones never") {
  std::mt19937 random(15);
  AlignScratch scratch;
  for (Topology topology : kTopologies) {
    for (double scale : {1.0, 1e4, 1e30}) {
      auto e = brute_force::draw_energies<double>(30 * 5, Kind::normal, random);
      for (double& x : e) x *= scale;
      const WordPosterior p = posterior_of(e, 5, {4, topology}, 1.0);
      const WordReading best = least_energy_word(e.data(), 30, 5, {4, topology});
      const double log_p = p.log_probability(e.data(), best.word, scratch);
      CHECK(log_p <= 0);
      if (scale > 1) CHECK(log_p == 0);
      CHECK(p.log_probability(e.data(), Symbols(31, 0), scratch) == -kInf);
      const WordPosterior cold = posterior_of(e, 5, {4, topology}, kInf);
      CHECK(cold.log_probability(e.data(), best.word, scratch) == 0);
      CHECK(cold.log_probability(e.data(), Symbols{}, scratch) == -kInf);
    }
  }
  const Energies e(4 * 3, 0.0);
  const WordPosterior p = posterior_of(e, 3, {2}, 1.0);
  CHECK(p.log_probability(e.data(), Symbols{}, scratch) == -kInf);  // classic has no empty word
  CHECK_THROWS_AS(p.log_probability(e.data(), Symbols{2}, scratch), Error);
  CHECK_THROWS_AS(p.log_probability(e.data(), Symbols{3}, scratch), Error);
}

/// Pearson's statistic of counts against probabilities, and the count of its cells less one.
struct ChiSquare {
  double statistic = 0, freedom = -1;
  /// How many standard deviations above its mean, by Wilson and Hilferty's cube root.
  double z() const {
    const double spread = 2 / (9 * freedom);
    return (std::cbrt(statistic / freedom) - (1 - spread)) / std::sqrt(spread);
  }
};

TEST_CASE("samples are drawn as often as they are probable: strings, and so words") {
  std::mt19937 random(8);
  constexpr int kDraws = 40000;
  for (Topology topology : kTopologies) {
    const Grammar grammar{1, topology};
    auto e = brute_force::draw_energies<double>(5 * 3, Kind::normal, random);
    const auto strings = brute_force::all_spellings(e, 5, 3, grammar);
    const auto p = brute_force::probabilities(strings, 0.3);
    const WordPosterior posterior = posterior_of(e, 3, grammar, 0.3);
    std::map<Symbols, int> counts;
    Rng rng(9);
    Symbols s(5);
    for (int k = 0; k < kDraws; ++k) {
      posterior.sample(rng, s);
      ++counts[s];
    }
    ChiSquare chi;
    double rare = 0;
    int rare_count = 0, seen = 0;
    for (size_t k = 0; k < strings.size(); ++k) {
      const double expected = p[k] * kDraws;
      const int count = counts.contains(strings[k].symbols) ? counts[strings[k].symbols] : 0;
      seen += count;
      if (expected < 5) {
        rare += expected;
        rare_count += count;
        continue;
      }
      chi.statistic += (count - expected) * (count - expected) / expected;
      ++chi.freedom;
    }
    if (rare > 5) {
      chi.statistic += (rare_count - rare) * (rare_count - rare) / rare;
      ++chi.freedom;
    }
    CAPTURE(to_string(topology));
    CHECK(seen == kDraws);  // no string outside the grammar
    CHECK(chi.freedom > 8);
    CHECK(std::abs(chi.z()) < 3.5);
  }
}

TEST_CASE("at zero temperature the posterior is the string of least energy alone") {
  std::mt19937 random(10);
  for (Topology topology : kTopologies) {
    const Grammar grammar{3, topology};
    const auto e = brute_force::draw_energies<double>(8 * 4, Kind::normal, random);
    WordPosterior p = posterior_of(e, 4, grammar, kInf);
    const WordReading best = least_energy_word(e.data(), 8, 4, grammar);
    CHECK(p.result().energy == best.energy);
    const Energies m = marginals(p, 4);
    for (int64_t i = 0; i < 8; ++i) {
      for (int32_t a = 0; a < 4; ++a) CHECK(m[i * 4 + a] == (best.symbols[i] == a ? 1.0 : 0.0));
    }
    Energies product(e.size(), 1.0);
    p.hessian_product(e.data(), product.data());
    for (double h : product) CHECK(h == 0.0);
    Rng rng(1);
    Symbols s(8);
    p.sample(rng, s);
    CHECK(s == best.symbols);
    CHECK(p.expected_frame_errors(s) == 0);
    CHECK_THROWS_WITH_AS(p.log_partition(),
                         "[align] log Z has no limit at beta = infinity; use the free energy",
                         Error);
  }
}

TEST_CASE("expected frame errors and edit distance are those of the enumeration") {
  std::mt19937 random(11);
  for (Topology topology : kTopologies) {
    const Grammar grammar{2, topology};
    const auto e = brute_force::draw_energies<double>(6 * 3, Kind::normal, random);
    const auto strings = brute_force::all_spellings(e, 6, 3, grammar);
    const auto p = brute_force::probabilities(strings, 0.4);
    WordPosterior posterior = posterior_of(e, 3, grammar, 0.4);
    const Symbols guess{0, 2, 1, 2, 0, 2}, word{0, 1, 0};
    double errors = 0, edits = 0;
    for (size_t k = 0; k < strings.size(); ++k) {
      for (int i = 0; i < 6; ++i) errors += p[k] * (strings[k].symbols[i] != guess[i]);
      edits += p[k] * EditDistanceTable<int32_t>(strings[k].word, word).distance();
    }
    CHECK(posterior.expected_frame_errors(guess) == doctest::Approx(errors).epsilon(1e-12));
    Rng rng(12);
    const SampledMean found = expected_edit_distance(posterior, word, 4000, rng);
    CHECK(found.standard_error > 0);
    CHECK(found.standard_error < 0.03);
    CHECK(std::abs(found.mean - edits) < 4 * found.standard_error);
  }
}

TEST_CASE("what has no posterior, or no sense, is refused in a sentence") {
  WordPosterior p;
  const Energies e(4 * 3, 0.0);
  CHECK_THROWS_WITH_AS(
      p.observe(e.data(), 4, 3, {2}, 0.0),
      "[align] beta is 0; it must be above 0 (infinity is the limit of zero temperature)", Error);
  CHECK_THROWS_AS(p.observe(e.data(), 4, 3, {2}, -1.0), Error);
  CHECK_THROWS_AS(p.observe(e.data(), 4, 3, {2}, kNan), Error);
  CHECK_THROWS_WITH_AS(p.observe(e.data(), 4, 3, {3}, 1.0),
                       "[align] BETWEEN is symbol 3, outside the alphabet [0,3)", Error);
  p.observe(e.data(), 1, 3, {2}, 1.0);
  Rng rng(1);
  Symbols one(1), four(4);
  CHECK_THROWS_WITH_AS(p.sample(rng, one),
                       "[align] a sample needs a posterior, but the energies are too short", Error);
  p.observe(e.data(), 4, 3, {2}, 1.0);
  CHECK_THROWS_WITH_AS(p.sample(rng, one),
                       "[align] a sample: 1 symbols for 4 windows; give one a window", Error);
  four[2] = 3;
  CHECK_THROWS_AS(p.expected_frame_errors(four), Error);
  CHECK_THROWS_AS(expected_edit_distance(p, four, 1, rng), Error);
}

}  // namespace
}  // namespace talweg::ebm
