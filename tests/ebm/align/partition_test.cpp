#include "ebm/align/partition.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

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

}  // namespace
}  // namespace talweg::ebm
