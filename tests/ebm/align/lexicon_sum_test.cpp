#include "ebm/align/lexicon_sum.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/error.h"
#include "ebm/align/search.h"
#include "tests/ebm/align/word_energies.h"

namespace talweg::ebm {
namespace {

using brute_force::kTopologies;
using brute_force::list_of;
using brute_force::Symbols;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// F of all words of a map together.
double free_energy(const std::map<Symbols, double>& f, double beta) {
  double least = kInf, sum = 0;
  for (const auto& [word, energy] : f) least = std::min(least, energy);
  for (const auto& [word, energy] : f) sum += std::exp(-beta * (energy - least));
  return least - std::log(sum) / beta;
}

LabelList words_of(const std::map<Symbols, double>& f) {
  std::vector<Symbols> words;
  for (const auto& [word, energy] : f) words.push_back(word);
  return list_of(words);
}

TEST_CASE("the sum over a lexicon is the sum over its words, with at most what it says missing") {
  std::mt19937 random(1);
  for (const Topology topology : kTopologies) {
    // The last scale puts the words beyond what probabilities in doubles can say.
    for (const double scale : {1.0, 30.0, 1000.0}) {
      for (const double beta : {0.1, 1.0, 4.0}) {
        for (const double tolerance : {0.0, 1e-9, 0.05}) {
          const Grammar g{2, topology};
          auto e = brute_force::draw_energies<double>(7 * 4, brute_force::Kind::normal, random);
          for (double& x : e) x *= scale;
          const auto f = brute_force::pick(brute_force::word_energies(e, 7, 4, g, beta), 5, random);
          REQUIRE_FALSE(f.empty());
          const LabelList list = words_of(f);
          const Lexicon lexicon(list.view(), 4);
          const LexiconSum sum = lexicon_sum(e.data(), 7, 4, g, beta, lexicon, tolerance);
          const double all = free_energy(f, beta);
          CAPTURE(to_string(topology));
          CAPTURE(scale);
          CAPTURE(beta);
          REQUIRE(sum.status == AlignStatus::ok);
          CHECK(sum.missing <= tolerance);
          CHECK(sum.log_partition == -beta * sum.energy);
          const double rounding = 1e-12 * (1 + std::abs(beta * all));
          CHECK(sum.log_partition <= -beta * all + rounding);
          CHECK(sum.log_partition + std::log1p(sum.missing) >= -beta * all - rounding);
          if (tolerance == 0) {
            CHECK(sum.words == static_cast<int64_t>(f.size()));
            CHECK(sum.missing == 0);
          }
        }
      }
    }
  }
}

TEST_CASE("clear energies need a small part of a large lexicon") {
  std::mt19937 random(2);
  std::vector<Symbols> words;
  for (int k = 0; k < 20'000; ++k) {
    Symbols w(3 + random() % 6);
    for (int32_t& s : w) s = static_cast<int32_t>(random() % 20);
    words.push_back(w);
  }
  const LabelList list = list_of(words);
  const Lexicon lexicon(list.view(), 21);
  const Grammar g{20, Topology::classic};
  const Symbols word = words[77];
  const std::vector<int32_t> label = expand(word, 20);
  const auto frames = static_cast<int64_t>(3 * label.size());
  std::normal_distribution<float> noise(0, 1);
  std::vector<float> e(frames * 21);
  for (int64_t i = 0; i < frames; ++i) {
    for (int32_t a = 0; a < 21; ++a)
      e[i * 21 + a] = (label[i / 3] == a ? 0.0f : 12.0f) + noise(random);
  }
  const LexiconSum sum = lexicon_sum(e.data(), frames, 21, g, 1.0, lexicon);
  const LexiconSum whole = lexicon_sum(e.data(), frames, 21, g, 1.0, lexicon, 0.0);
  CHECK(sum.nodes < whole.nodes / 10);
  CHECK(sum.missing <= 1e-9);
  CHECK(whole.nodes == lexicon.nodes());
  CHECK(sum.log_partition == doctest::Approx(whole.log_partition).epsilon(2e-9));
  const FoundWords best =
      best_words(e.data(), frames, 21, g, {.beta = 1.0, .count = 2, .lexicon = &lexicon});
  CHECK(best.words[0].word == word);
  CHECK(std::exp(sum.energy - best.words[0].energy) > 0.99);
}

TEST_CASE("statuses and mistakes") {
  std::vector<double> e(4 * 3, 1.0);
  const Grammar g{2, Topology::classic};
  const LabelList words = list_of({{0}}), long_words = list_of({{0, 0, 0}});
  const Lexicon lexicon(words.view(), 3), too_long(long_words.view(), 3);
  CHECK(lexicon_sum(e.data(), 1, 3, g, 1.0, lexicon).status == AlignStatus::too_short);
  const LexiconSum none = lexicon_sum(e.data(), 4, 3, g, 1.0, too_long);
  CHECK(none.status == AlignStatus::impossible);
  CHECK(none.energy == kInf);
  CHECK(none.log_partition == -kInf);
  e[1 * 3 + 1] = kNan;  // the lexicon lacks it
  CHECK(lexicon_sum(e.data(), 4, 3, g, 1.0, lexicon).status == AlignStatus::ok);
  e[1 * 3 + 0] = kNan;
  CHECK(lexicon_sum(e.data(), 4, 3, g, 1.0, lexicon).status == AlignStatus::non_finite);
  for (const double beta : {0.0, kNan, kInf}) {
    CHECK_THROWS_AS(lexicon_sum(e.data(), 4, 3, g, beta, lexicon), Error);
  }
  CHECK_THROWS_AS(lexicon_sum(e.data(), 4, 3, g, 1.0, lexicon, -1.0), Error);
}

}  // namespace
}  // namespace talweg::ebm
