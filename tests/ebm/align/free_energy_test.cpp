#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>

#include "core/error.h"
#include "tests/ebm/align/free_energies.h"

namespace talweg::ebm {
namespace {

using brute_force::Kind;
using Symbols = std::vector<int32_t>;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kAlphabet = 4;

/// Labels as the topologies have them: BETWEEN (symbol 3) and letters in turns; or any symbols.
Symbols draw_label(int64_t length, std::mt19937& random) {
  Symbols label = brute_force::draw_symbols(length, kAlphabet, random);
  if (random() % 2 == 0) {
    for (size_t s = 0; s < label.size(); ++s) {
      label[s] = s % 2 == 0 ? 3 : static_cast<int32_t>(random() % 2);
    }
  }
  return label;
}

template <class T> void check_rule_against_enumeration(const PathRule& rule, double tolerance) {
  std::mt19937 random(7);
  for (const Kind kind : {Kind::normal, Kind::tied, Kind::equal}) {
    for (int64_t frames = 1; frames <= 9; ++frames) {
      for (int64_t length = 1; length <= std::min<int64_t>(frames + 2, 9); ++length) {
        const double beta = std::vector{0.1, 1.0, 3.0}[random() % 3];
        auto e = brute_force::draw_energies<T>(frames * kAlphabet, kind, random);
        if (random() % 4 == 0) e[random() % e.size()] = std::numeric_limits<T>::infinity();
        const Symbols label = draw_label(length, random);
        const auto expected = brute_force::sum_over_paths(e, frames, kAlphabet, label, rule, beta);
        const auto soft = free_energy_of(e, kAlphabet, label, beta, rule);
        const auto hard = free_energy_of(e, kAlphabet, label, kInf, rule);
        CAPTURE(frames);
        CAPTURE(length);
        CAPTURE(beta);
        REQUIRE((soft.result.status == AlignStatus::ok) == (expected.least < kInf));
        REQUIRE(hard.result.status == soft.result.status);
        if (expected.least == kInf) {
          REQUIRE(soft.result.energy == kInf);
          REQUIRE(std::ranges::count(soft.posterior, T(0)) == std::ssize(e));
          continue;
        }
        REQUIRE(hard.result.energy == doctest::Approx(expected.least).epsilon(1e-14));
        REQUIRE(std::abs(soft.result.energy - expected.free_energy) < 1e-11);
        for (size_t k = 0; k < e.size(); ++k) {
          REQUIRE(std::abs(double(soft.posterior[k]) - expected.posterior[k]) < tolerance);
        }
        double on_positions = 0;
        for (const double p : soft.on_positions) on_positions += p;
        REQUIRE(on_positions == doctest::Approx(double(frames)));
      }
    }
  }
}

TEST_CASE("free energy and posterior are those of the enumeration, for every rule, on every ISA") {
  for (const PathRule& rule : brute_force::some_rules()) {
    on_every_isa([&] {
      check_rule_against_enumeration<double>(rule, 1e-11);
      check_rule_against_enumeration<float>(rule, 1e-6);
    });
  }
}

TEST_CASE("the best path of every rule is one of the enumeration's best, the greatest if tied") {
  std::mt19937 random(3);
  for (const PathRule& rule : brute_force::some_rules()) {
    for (int repeat = 0; repeat < 200; ++repeat) {
      const int64_t frames = 1 + random() % 7, length = 1 + random() % 6;
      const auto e = brute_force::draw_energies<float>(frames * kAlphabet, Kind::tied, random);
      const Symbols label = draw_label(length, random);
      double least = kInf;
      Symbols best;
      brute_force::each_rule_path(e, frames, kAlphabet, label, rule, [&](const auto& z, double c) {
        if (c < least || (c == least && std::ranges::lexicographical_compare(
                                            best.rbegin(), best.rend(), z.rbegin(), z.rend()))) {
          least = c;
          best = z;
        }
      });
      const Alignment found = viterbi(e.data(), frames, kAlphabet, label, rule);
      REQUIRE(found.path.empty() == best.empty());
      if (!best.empty()) {
        REQUIRE(found.energy == doctest::Approx(least).epsilon(1e-13));
        REQUIRE(brute_force::rule_cost(rule, label, found.path) < kInf);
        const double own = brute_force::path_energy(e, kAlphabet, label, found.path) +
                           brute_force::rule_cost(rule, label, found.path);
        REQUIRE(own == doctest::Approx(least).epsilon(1e-13));
        if (rule.step.size() == 2 && rule.step[0] == 0 && rule.duration.empty()) {
          REQUIRE(found.path == best);
        }
      }
    }
  }
}

TEST_CASE("one path alone has the same free energy at every beta") {
  const std::vector<double> e{1, 2, 4, 8, 16, 32};
  for (const double beta : {1e-6, 1.0, 1e6, kInf}) {
    const auto found = free_energy_of(e, 2, {1, 0, 1}, beta);
    CHECK(found.result.energy == 2 + 4 + 32);
    CHECK(found.posterior == std::vector<double>{0, 1, 1, 0, 0, 1});
  }
}

TEST_CASE("n equal paths lower the free energy by log n / beta") {
  const std::vector<float> zero(1000 * 3, 0.0f);
  Symbols label(400);
  for (size_t s = 0; s < label.size(); ++s) label[s] = static_cast<int32_t>(s % 2);
  const double log_n = std::lgamma(1000.0) - std::lgamma(400.0) - std::lgamma(601.0);
  for (const double beta : {1e-3, 1.0, 7.0}) {
    CHECK(free_energy_of(zero, 3, label, beta).result.energy ==
          doctest::Approx(-log_n / beta).epsilon(1e-12));
  }
}

TEST_CASE("F rises with beta between its bounds") {
  std::mt19937 random(5);
  const auto e = brute_force::draw_energies<float>(40 * 5, Kind::normal, random);
  const Symbols label = brute_force::draw_symbols(12, 5, random);
  const double hard = free_energy_of(e, 5, label, kInf).result.energy;
  const double log_n = std::lgamma(40.0) - std::lgamma(12.0) - std::lgamma(29.0);
  double before = -kInf;
  for (const double beta : {1e-6, 1e-3, 0.1, 1.0, 10.0, 1e3, 1e6}) {
    const double f = free_energy_of(e, 5, label, beta).result.energy;
    CHECK(f >= before);
    CHECK(f <= hard);
    CHECK(f >= hard - log_n / beta - 1e-9 * log_n / beta);
    before = f;
  }
  CHECK(free_energy_of(e, 5, label, 1e6).result.energy == doctest::Approx(hard).epsilon(1e-6));
}

TEST_CASE("adding a number to a frame adds it to F and moves no posterior") {
  std::mt19937 random(17);
  auto e = brute_force::draw_energies<double>(20 * 4, Kind::normal, random);
  const Symbols label = brute_force::draw_symbols(8, 4, random);
  const auto before = free_energy_of(e, 4, label, 1.5);
  for (int64_t a = 0; a < 4; ++a) e[7 * 4 + a] += 12.5;
  const auto after = free_energy_of(e, 4, label, 1.5);
  CHECK(after.result.energy == doctest::Approx(before.result.energy + 12.5).epsilon(1e-13));
  for (size_t k = 0; k < e.size(); ++k) {
    CHECK(std::abs(after.posterior[k] - before.posterior[k]) < 1e-12);
  }
}

TEST_CASE("what has no path has a status, the right F and a posterior of zeros") {
  const auto expect_none = [](const std::vector<float>& e, const Symbols& label,
                              const PathRule& rule, AlignStatus status) {
    for (const double beta : {1.0, kInf}) {
      const auto found = free_energy_of(e, 2, label, beta, rule);
      CHECK(found.result.status == status);
      if (status == AlignStatus::non_finite) {
        CHECK(std::isnan(found.result.energy));
      } else {
        CHECK(found.result.energy == kInf);
      }
      CHECK(std::ranges::count(found.posterior, 0.0f) == std::ssize(e));
    }
  };
  const PathRule classic = path_rule(Topology::classic), ctc = path_rule(Topology::ctc);
  const float inf = std::numeric_limits<float>::infinity();
  const auto nan = static_cast<float>(kNan);
  expect_none({0, 0, 0, 0}, {0, 1, 0}, classic, AlignStatus::too_short);
  expect_none({0, 0, 0, 0}, {}, classic, AlignStatus::empty);
  expect_none({inf, 0, inf, 0}, {0}, classic, AlignStatus::impossible);
  expect_none({nan, 0, 0, 0}, {0, 1}, classic, AlignStatus::non_finite);
  expect_none({-inf, 0, 0, 0}, {0, 1}, classic, AlignStatus::non_finite);
  expect_none({0, 0, 0, 0}, {1, 0, 1, 0, 1}, ctc, AlignStatus::too_short);  // aa needs a_a
  PathRule brief;
  brief.duration = {0.0};
  expect_none({0, 0, 0, 0}, {0}, brief, AlignStatus::impossible);  // two frames, one allowed
}

TEST_CASE("a NaN that no path can use changes nothing, not one bit") {
  std::mt19937 random(19);
  for (const PathRule& rule : brute_force::some_rules()) {
    for (int repeat = 0; repeat < 50; ++repeat) {
      const int64_t frames = 3 + random() % 5;
      auto e = brute_force::draw_energies<float>(frames * kAlphabet, Kind::normal, random);
      const Symbols label = draw_label(1 + random() % 5, random);
      std::vector<char> used(e.size(), 0);
      brute_force::each_rule_path(e, frames, kAlphabet, label, rule, [&](const auto& z, double) {
        for (int64_t i = 0; i < frames; ++i) used[i * kAlphabet + label[z[i]]] = 1;
      });
      const auto before = free_energy_of(e, kAlphabet, label, 1.0, rule);
      std::vector<float> spoilt = e;
      for (size_t k = 0; k < e.size(); ++k) {
        if (!used[k]) spoilt[k] = k % 2 ? static_cast<float>(kNan) : static_cast<float>(-kInf);
      }
      const auto after = free_energy_of(spoilt, kAlphabet, label, 1.0, rule);
      REQUIRE(after.result.status == before.result.status);
      REQUIRE(after.result.energy == before.result.energy);
      REQUIRE(after.posterior == before.posterior);
      if (before.result.status != AlignStatus::ok) continue;
      const size_t one = std::ranges::find(used, 1) - used.begin();
      e[one] = static_cast<float>(kNan);
      REQUIRE(free_energy_of(e, kAlphabet, label, 1.0, rule).result.status ==
              AlignStatus::non_finite);
    }
  }
}

TEST_CASE("misuse is refused in a sentence") {
  const std::vector<float> e{0, 0, 0, 0};
  CHECK_THROWS_WITH_AS(free_energy_of(e, 2, {0}, 0.0), doctest::Contains("beta is 0"), Error);
  CHECK_THROWS_WITH_AS(free_energy_of(e, 2, {0}, kNan), doctest::Contains("must be above 0"),
                       Error);
  CHECK_THROWS_WITH_AS(free_energy_of(e, 2, {2}, 1.0), doctest::Contains("outside the alphabet"),
                       Error);
  PathRule rule;
  rule.step = {kInf, kInf};
  CHECK_THROWS_WITH_AS(check_rule(rule), doctest::Contains("no step at all"), Error);
  rule.step = {0, kNan};
  CHECK_THROWS_WITH_AS(check_rule(rule), doctest::Contains("step[1]"), Error);
  rule = {};
  rule.first = 0;
  CHECK_THROWS_WITH_AS(check_rule(rule), doctest::Contains("at least 1"), Error);
  rule = {};
  rule.duration = std::vector<double>(300, 0.0);
  CHECK_THROWS_WITH_AS(check_rule(rule), doctest::Contains("300 durations"), Error);
}

}  // namespace
}  // namespace talweg::ebm
