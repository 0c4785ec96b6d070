// What becomes of the free energy where numbers are large, chains long, alphabets wide.
#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "tests/ebm/align/free_energies.h"

namespace talweg::ebm {
namespace {

using brute_force::Kind;
using Symbols = std::vector<int32_t>;
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST_CASE("any scale of energies: no NaN, rows that sum to 1, F as in long double") {
  std::mt19937 random(11);
  constexpr int64_t kFrames = 300, kSymbols = 9, kLength = 80;
  const auto normal = brute_force::draw_energies<float>(kFrames * kSymbols, Kind::normal, random);
  const Symbols label = brute_force::draw_symbols(kLength, kSymbols, random);
  for (const float scale : {1e-30f, 1e-3f, 1.0f, 30.0f, 1e4f, 1e15f, 1e30f}) {
    for (const float offset : {0.0f, 100.0f}) {
      std::vector<float> e = normal;
      for (float& x : e) x = (x + offset) * scale;
      const auto expected = in_long_double(e, kFrames, kSymbols, label, 1.0L);
      on_every_isa([&] {
        const auto found = free_energy_of(e, kSymbols, label, 1.0);
        CAPTURE(scale);
        REQUIRE(found.result.status == AlignStatus::ok);
        CHECK(std::abs(found.result.energy - double(expected.free_energy)) <=
              1e-11 * std::abs(double(expected.free_energy)));
        double worst = 0, worst_sum = 0;
        for (int64_t i = 0; i < kFrames; ++i) {
          double sum = 0;
          for (int64_t a = 0; a < kSymbols; ++a) {
            const float p = found.posterior[i * kSymbols + a];
            sum += p;
            worst = std::max(worst, std::abs(double(p - expected.posterior[i * kSymbols + a])));
          }
          worst_sum = std::max(worst_sum, std::abs(sum - 1));
        }
        CHECK(worst < 1e-6);
        CHECK(worst_sum < 1e-6);
      });
    }
  }
}

TEST_CASE("long chains, whose paths no double counts") {
  std::mt19937 random(13);
  constexpr int64_t kFrames = 2500, kSymbols = 5;
  Symbols label = brute_force::draw_symbols(900, kSymbols, random);
  for (const double scale : {0.0, 1.0, 50.0}) {
    auto e = brute_force::draw_energies<float>(kFrames * kSymbols, Kind::normal, random);
    for (float& x : e) x *= static_cast<float>(scale);
    const auto expected = in_long_double(e, kFrames, kSymbols, label, 1.0L);
    on_every_isa([&] {
      const auto found = free_energy_of(e, kSymbols, label, 1.0);
      CAPTURE(scale);
      CHECK(std::abs(found.result.energy - double(expected.free_energy)) <=
            1e-11 * std::abs(double(expected.free_energy)));
      double worst = 0, sum = 0;
      for (size_t k = 0; k < e.size(); ++k) {
        sum += found.posterior[k];
        worst = std::max(worst, std::abs(double(found.posterior[k] - expected.posterior[k])));
      }
      CHECK(worst < 1e-6);
      CHECK(sum == doctest::Approx(double(kFrames)).epsilon(1e-7));
    });
  }
  // All energies the same huge number: ties that only an exact difference keeps.
  const std::vector<float> huge(kFrames * kSymbols, 1e30f);
  const auto same = free_energy_of(huge, kSymbols, label, 1.0);
  const auto zero =
      free_energy_of(std::vector<float>(kFrames * kSymbols, 0.0f), kSymbols, label, 1.0);
  for (size_t k = 0; k < huge.size(); ++k) {
    REQUIRE(std::abs(same.posterior[k] - zero.posterior[k]) < 1e-6f);
  }
}

TEST_CASE("a label of any length and an alphabet of any size") {
  std::mt19937 random(23);
  for (const int64_t alphabet : {1, 2, 27, 33, 96, 128, 129, 5000}) {
    for (const int64_t length : {1, 7, 8, 9, 16, 17, 40}) {
      const int64_t frames = length + 5;
      const auto e = brute_force::draw_energies<float>(frames * alphabet, Kind::normal, random);
      const Symbols label = brute_force::draw_symbols(length, alphabet, random);
      const auto expected = in_long_double(e, frames, alphabet, label, 1.0L);
      on_every_isa([&] {
        const auto found = free_energy_of(e, alphabet, label, 1.0);
        REQUIRE(found.result.energy ==
                doctest::Approx(double(expected.free_energy)).epsilon(1e-12));
        for (size_t k = 0; k < e.size(); ++k) {
          REQUIRE(std::abs(double(found.posterior[k] - expected.posterior[k])) < 1e-6);
        }
        const auto hard = free_energy_of(e, alphabet, label, kInf);
        const kernels::ScopedIsa portable("portable");
        REQUIRE(free_energy_of(e, alphabet, label, kInf).result.energy == hard.result.energy);
      });
    }
  }
}

TEST_CASE("two thousand frames of any scale, and a hundred thousand, as in long double") {
  std::mt19937 random(29);
  const auto check = [&](int64_t frames, int64_t length, float scale) {
    constexpr int64_t kSymbols = 3;
    auto e = brute_force::draw_energies<float>(frames * kSymbols, Kind::normal, random);
    for (float& x : e) x *= scale;
    const Symbols label = brute_force::draw_symbols(length, kSymbols, random);
    const auto expected = in_long_double(e, frames, kSymbols, label, 1.0L);
    const auto found = free_energy_of(e, kSymbols, label, 1.0);
    CAPTURE(frames);
    CAPTURE(scale);
    CHECK(std::abs(found.result.energy - double(expected.free_energy)) <=
          1e-12 * std::abs(double(expected.free_energy)));
    double worst = 0, sum = 0;
    for (size_t k = 0; k < e.size(); ++k) {
      sum += found.posterior[k];
      worst = std::max(worst, std::abs(double(found.posterior[k] - expected.posterior[k])));
    }
    CHECK(worst < 1e-6);
    CHECK(std::abs(sum - double(frames)) <= 1e-7 * double(frames));
  };
  for (const float scale : {1e-30f, 1.0f, 100.0f, 1e30f}) check(2000, 150, scale);
  check(100'000, 8, 1.0f);
}

TEST_CASE("labels of thousands of symbols") {
  std::mt19937 random(31);
  {
    constexpr int64_t kLength = 10'000, kFrames = kLength + 50;
    const auto e = brute_force::draw_energies<float>(kFrames * 2, Kind::normal, random);
    const Symbols label = brute_force::draw_symbols(kLength, 2, random);
    const Alignment hard = viterbi(e.data(), kFrames, 2, label);
    REQUIRE(hard.status == AlignStatus::ok);
    CHECK(hard.path.front() == 0);
    CHECK(hard.path.back() == kLength - 1);
    CHECK(brute_force::path_energy(e, 2, label, hard.path) == hard.energy);
    CHECK(viterbi(e.data(), kLength - 1, 2, label).status == AlignStatus::too_short);
  }
  {
    constexpr int64_t kLength = 3'000, kFrames = kLength + 40;
    const Symbols label = brute_force::draw_symbols(kLength, 2, random);
    const auto found = free_energy_of(std::vector<float>(kFrames * 2, 0.0f), 2, label, 1.0);
    const double log_n =
        std::lgamma(double(kFrames)) - std::lgamma(double(kLength)) - std::lgamma(42.0 - 1);
    CHECK(found.result.energy == doctest::Approx(-log_n).epsilon(1e-10));
    double sum = 0;
    for (const float p : found.posterior) sum += p;
    CHECK(sum == doctest::Approx(double(kFrames)).epsilon(1e-7));
  }
}

}  // namespace
}  // namespace talweg::ebm
