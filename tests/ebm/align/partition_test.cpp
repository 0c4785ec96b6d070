#include "ebm/align/partition.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>

#include "core/edit_distance.h"
#include "core/error.h"
#include "core/kernels/kernels.h"
#include "tests/ebm/align/brute_words.h"

namespace talweg::ebm {
namespace {

using brute_force::Kind;
using Energies = std::vector<double>;
using Symbols = std::vector<int32_t>;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr Topology kTopologies[] = {Topology::classic, Topology::margins, Topology::ctc};

template <class T>
WordPosterior posterior_of(const std::vector<T>& e, int64_t alphabet, const Grammar& grammar,
                           double beta) {
  WordPosterior p;
  p.observe(e.data(), std::ssize(e) / alphabet, alphabet, grammar, beta);
  return p;
}

Energies marginals(WordPosterior& p, int64_t alphabet) {
  Energies m(p.frames() * alphabet, -1.0);
  p.marginals(m.data());
  return m;
}

double largest_difference(const Energies& a, const Energies& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (size_t k = 0; k < a.size(); ++k) most = std::max(most, std::abs(a[k] - b[k]));
  return most;
}

double row_sum(const Energies& m, int64_t frame, int64_t alphabet) {
  double sum = 0;
  for (int64_t a = 0; a < alphabet; ++a) sum += m[frame * alphabet + a];
  return sum;
}

TEST_CASE("F of all words and the marginals are those of the enumeration") {
  std::mt19937 random(1);
  for (Topology topology : kTopologies) {
    for (int64_t alphabet : {2, 3, 4}) {
      for (int64_t frames = least_frames(topology); frames <= (alphabet == 4 ? 5 : 7); ++frames) {
        for (double beta : {0.25, 1.0, 3.0}) {
          const Grammar grammar{static_cast<int32_t>(frames % alphabet), topology};
          const auto e =
              brute_force::draw_energies<double>(frames * alphabet, Kind::normal, random);
          const auto strings = brute_force::all_spellings(e, frames, alphabet, grammar);
          WordPosterior p = posterior_of(e, alphabet, grammar, beta);
          const double expected = brute_force::free_energy_of(strings, beta);
          CAPTURE(to_string(topology));
          CAPTURE(alphabet);
          CAPTURE(frames);
          REQUIRE(p.feasible());
          REQUIRE(p.result().energy == doctest::Approx(expected).epsilon(1e-12));
          REQUIRE(p.log_partition() == doctest::Approx(-beta * expected).epsilon(1e-12));
          const Energies m = marginals(p, alphabet);
          const auto brute = brute_force::marginals_of(strings, beta, frames, alphabet);
          REQUIRE(largest_difference(m, brute) < 1e-13);
        }
      }
    }
  }
}

TEST_CASE("the Hessian product is -beta times the covariance of the enumeration") {
  std::mt19937 random(2);
  for (Topology topology : kTopologies) {
    for (int64_t frames = least_frames(topology); frames <= 6; ++frames) {
      const int64_t alphabet = 3;
      const double beta = 1.7;
      const Grammar grammar{1, topology};
      const auto e = brute_force::draw_energies<double>(frames * alphabet, Kind::normal, random);
      const auto v = brute_force::draw_energies<double>(frames * alphabet, Kind::normal, random);
      const auto strings = brute_force::all_spellings(e, frames, alphabet, grammar);
      const auto p = brute_force::probabilities(strings, beta);
      Energies both(e.size(), 0.0);  // E[n V]
      double mean = 0;
      for (size_t k = 0; k < strings.size(); ++k) {
        double sum = 0;
        for (int64_t i = 0; i < frames; ++i) sum += v[i * alphabet + strings[k].symbols[i]];
        mean += p[k] * sum;
        for (int64_t i = 0; i < frames; ++i) {
          both[i * alphabet + strings[k].symbols[i]] += p[k] * sum;
        }
      }
      const auto m = brute_force::marginals_of(strings, beta, frames, alphabet);
      Energies expected(e.size()), found(e.size());
      for (size_t k = 0; k < e.size(); ++k) expected[k] = -beta * (both[k] - m[k] * mean);
      WordPosterior posterior = posterior_of(e, alphabet, grammar, beta);
      posterior.hessian_product(v.data(), found.data());
      CAPTURE(to_string(topology));
      CAPTURE(frames);
      CHECK(largest_difference(expected, found) < 1e-12);
    }
  }
}

TEST_CASE("limits: least energy when cold, the count of strings when hot, between them bounds") {
  std::mt19937 random(3);
  constexpr int64_t kFrames = 6, kAlphabet = 3;
  for (Topology topology : kTopologies) {
    const Grammar grammar{2, topology};
    const auto e = brute_force::draw_energies<double>(kFrames * kAlphabet, Kind::normal, random);
    const auto strings = brute_force::all_spellings(e, kFrames, kAlphabet, grammar);
    const double log_n = std::log(static_cast<double>(strings.size()));
    const WordReading best = least_energy_word(e.data(), kFrames, kAlphabet, grammar);
    double before = -kInf;
    for (double beta : {1e-6, 1e-3, 0.1, 1.0, 10.0, 1e3, 1e6, kInf}) {
      WordPosterior p = posterior_of(e, kAlphabet, grammar, beta);
      const double f = p.result().energy, slack = 1e-12 * std::abs(f);
      CHECK(f <= best.energy + slack);
      if (beta < kInf) CHECK(f >= best.energy - log_n / beta - slack);
      CHECK(f >= before - slack);  // rises with beta
      before = f;
      const Energies m = marginals(p, kAlphabet);
      for (int64_t i = 0; i < kFrames; ++i) {
        CHECK(row_sum(m, i, kAlphabet) == doctest::Approx(1).epsilon(1e-14));
        if (beta >= 1e3) CHECK(m[i * kAlphabet + best.symbols[i]] == doctest::Approx(1));
      }
      if (beta == 1e-6) CHECK(-beta * f == doctest::Approx(log_n).epsilon(1e-5));
    }
  }
}

TEST_CASE("equal energies count strings: log Z is their number's logarithm") {
  for (Topology topology : kTopologies) {
    const Grammar grammar{0, topology};
    const Energies e(7 * 3, 0.0);
    const size_t n = brute_force::all_spellings(e, 7, 3, grammar).size();
    CHECK(posterior_of(e, 3, grammar, 2.0).log_partition() ==
          doctest::Approx(std::log(static_cast<double>(n))).epsilon(1e-14));
  }
}

TEST_CASE("adding a number to a window adds it to F and moves nothing else") {
  std::mt19937 random(5);
  for (Topology topology : kTopologies) {
    auto e = brute_force::draw_energies<double>(9 * 4, Kind::normal, random);
    WordPosterior p = posterior_of(e, 4, {3, topology}, 1.3);
    const double f = p.result().energy;
    const Energies m = marginals(p, 4);
    for (int64_t i = 0; i < 9; ++i) {
      for (int64_t a = 0; a < 4; ++a) e[i * 4 + a] += 100.0 * double(i);
    }
    WordPosterior shifted = posterior_of(e, 4, {3, topology}, 1.3);
    CHECK(shifted.result().energy == doctest::Approx(f + 3600).epsilon(1e-13));
    CHECK(largest_difference(marginals(shifted, 4), m) < 1e-10);
  }
}

TEST_CASE("any scale and length: rows sum to 1, F is within 1e-6 of long double, no NaN") {
  std::mt19937 random(6);
  constexpr int64_t kFrames = 2000, kAlphabet = 12;
  for (Topology topology : kTopologies) {
    for (double scale : {1e-3, 1.0, 30.0, 1e4, 1e30}) {
      auto e = brute_force::draw_energies<float>(kFrames * kAlphabet, Kind::normal, random);
      for (float& x : e) x = static_cast<float>(scale * x);
      const Grammar grammar{0, topology};
      WordPosterior p = posterior_of(e, kAlphabet, grammar, 1.0);
      REQUIRE(p.feasible());
      const Energies m = marginals(p, kAlphabet);
      for (int64_t i = 0; i < kFrames; ++i) {
        REQUIRE(row_sum(m, i, kAlphabet) == doctest::Approx(1).epsilon(1e-11));
      }
      // The same sums in long double, by the recursion's definition.
      std::vector<long double> f(kAlphabet, -kInf);
      const auto add = [](long double a, long double b) -> long double {
        const long double most = std::max(a, b);
        if (most == -kInf) return -kInf;
        return most + std::log1p(std::exp(std::min(a, b) - most));
      };
      for (int64_t i = 0; i < kFrames; ++i) {
        long double any = -kInf, letters = -kInf;
        for (int64_t a = 0; a < kAlphabet; ++a) any = add(any, f[a]);
        for (int64_t a = 1; a < kAlphabet; ++a) letters = add(letters, f[a]);
        const long double between = f[0];
        for (int64_t a = 0; a < kAlphabet; ++a) {
          long double from = a == 0 ? add(between, letters) : add(f[a], between);
          if (topology == Topology::ctc) from = any;
          if (i == 0) from = a == 0 && topology == Topology::classic ? -kInf : 0;
          f[a] = from - static_cast<long double>(e[i * kAlphabet + a]);
        }
      }
      long double z = f[0];
      for (int64_t a = 1; a < kAlphabet && topology != Topology::classic; ++a) z = add(z, f[a]);
      CAPTURE(to_string(topology));
      CAPTURE(scale);
      CHECK(std::abs(double(-z) - p.result().energy) <= 1e-12 * std::abs(double(z)));
    }
  }
}

TEST_CASE("every instruction set finds the same F, marginals and Hessian products") {
  std::mt19937 random(13);
  for (Topology topology : kTopologies) {
    for (const auto& sizes : {std::pair{2, 2}, {9, 5}, {40, 27}, {300, 17}}) {
      const int frames = sizes.first, alphabet = sizes.second;
      const Grammar grammar{alphabet / 2, topology};
      const auto e = brute_force::draw_energies<float>(frames * alphabet, Kind::normal, random);
      const Energies wide(e.begin(), e.end());
      const auto v = brute_force::draw_energies<double>(frames * alphabet, Kind::normal, random);
      Energies first_m, first_h;
      double first_f = 0;
      for (const std::string& isa : kernels::available_isas()) {
        const kernels::ScopedIsa scope(isa);
        CAPTURE(isa);
        CAPTURE(frames);
        WordPosterior p = posterior_of(wide, alphabet, grammar, 0.9);
        const Energies m = marginals(p, alphabet);
        Energies h(m.size());
        p.hessian_product(v.data(), h.data());
        if (first_m.empty()) {
          first_m = m;
          first_h = h;
          first_f = p.result().energy;
        }
        CHECK(p.result().energy == doctest::Approx(first_f).epsilon(1e-14));
        CHECK(largest_difference(m, first_m) < 1e-12);
        CHECK(largest_difference(h, first_h) < 1e-10);
        // From floats, and for F alone: the same numbers.
        CHECK(posterior_of(e, alphabet, grammar, 0.9).result().energy == p.result().energy);
        WordPosterior sum;
        CHECK(sum.sum(e.data(), frames, alphabet, grammar, 0.9).energy == p.result().energy);
        CHECK(!sum.feasible());
      }
    }
  }
}

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

TEST_CASE("the far cheaper of two futures takes back a past that looked impossible") {
  // Window 0 all but forbids letter 1, window 2 all but forbids everything else before it closes.
  constexpr double kFar = 1e5;
  const Energies e{0, kFar, 9, /**/ 0, 0, kFar * 2, /**/ kFar * 4, 0, kFar * 4, /**/ 9, 9, 0};
  WordPosterior p = posterior_of(e, 3, {2, Topology::classic}, 1.0);
  CHECK(p.result().energy == kFar);
  CHECK(marginals(p, 3) == Energies{0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1});
}

TEST_CASE("+inf cells forbid: their marginals are zero, F is that of the other strings") {
  std::mt19937 random(7);
  for (Topology topology : kTopologies) {
    for (int repeat = 0; repeat < 40; ++repeat) {
      const Grammar grammar{2, topology};
      auto e = brute_force::draw_energies<double>(5 * 3, Kind::normal, random);
      for (double& x : e) {
        if (random() % 3 == 0) x = kInf;
      }
      const auto strings = brute_force::all_spellings(e, 5, 3, grammar);
      const bool any = std::ranges::any_of(strings, [](const auto& s) { return s.energy < kInf; });
      WordPosterior p = posterior_of(e, 3, grammar, 0.7);
      const Energies m = marginals(p, 3);
      if (any) {
        CHECK(p.result().status == AlignStatus::ok);
        CHECK(p.result().energy ==
              doctest::Approx(brute_force::free_energy_of(strings, 0.7)).epsilon(1e-13));
        CHECK(largest_difference(m, brute_force::marginals_of(strings, 0.7, 5, 3)) < 1e-13);
      } else {
        CHECK(p.result().status == AlignStatus::impossible);
        CHECK(p.result().energy == kInf);
        for (double x : m) CHECK(x == 0.0);
      }
    }
  }
}

TEST_CASE("NaN and -inf are reported where a string can pass, and ignored where none can") {
  for (double bad : {kNan, -kInf}) {
    Energies e(3 * 3, 1.0);
    e[0 * 3 + 2] = e[2 * 3 + 0] = e[2 * 3 + 1] = bad;  // BETWEEN first, a letter last
    CHECK(posterior_of(e, 3, {2, Topology::classic}, 1.0).result().status == AlignStatus::ok);
    for (Topology topology : {Topology::margins, Topology::ctc}) {
      WordPosterior p = posterior_of(e, 3, {2, topology}, 1.0);
      CHECK(p.result().status == AlignStatus::non_finite);
      CHECK(std::isnan(p.result().energy));
      for (double x : marginals(p, 3)) CHECK(x == 0.0);
    }
    e[1 * 3 + 1] = bad;
    CHECK(posterior_of(e, 3, {2, Topology::classic}, 1.0).result().status ==
          AlignStatus::non_finite);
  }
}

TEST_CASE("too few windows have no string") {
  const Energies none, one(3, 0.5);
  for (double beta : {1.0, kInf}) {
    for (Topology topology : kTopologies) {
      const WordPosterior p = posterior_of(none, 3, {2, topology}, beta);
      CHECK(p.result().status == AlignStatus::too_short);
      CHECK(p.result().energy == kInf);
    }
    CHECK(posterior_of(one, 3, {2, Topology::classic}, beta).result().status ==
          AlignStatus::too_short);
    CHECK(posterior_of(one, 3, {2, Topology::margins}, beta).feasible());
  }
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
