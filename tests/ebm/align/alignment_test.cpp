#include "ebm/align/alignment.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>

#include "core/error.h"
#include "tests/ebm/align/brute_force.h"

namespace talweg::ebm {
namespace {

using brute_force::Kind;
using Energies = std::vector<double>;
using Symbols = std::vector<int32_t>;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

template <class T>
Alignment align(const std::vector<T>& energies, int64_t alphabet, const Symbols& label) {
  const int64_t frames = static_cast<int64_t>(energies.size()) / alphabet;
  return viterbi(energies.data(), frames, alphabet, label);
}

bool is_valid_path(const Symbols& z, int64_t length) {
  if (z.empty() || z.front() != 0 || z.back() != length - 1) return false;
  for (size_t i = 1; i < z.size(); ++i) {
    if (z[i] != z[i - 1] && z[i] != z[i - 1] + 1) return false;
  }
  return true;
}

std::string error_of(const auto& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

template <class T> void check_against_enumeration() {
  constexpr int64_t kAlphabet = 4;
  std::mt19937 random(1);
  for (Kind kind : {Kind::normal, Kind::tied, Kind::equal}) {
    for (int64_t frames = 1; frames <= 9; ++frames) {
      for (int64_t length = 1; length <= frames; ++length) {
        for (int repeat = 0; repeat < 8; ++repeat) {
          const auto e = brute_force::draw_energies<T>(frames * kAlphabet, kind, random);
          const Symbols label = brute_force::draw_symbols(length, kAlphabet, random);
          const auto expected = brute_force::all_paths(e, frames, kAlphabet, label);
          const Alignment found = align(e, kAlphabet, label);
          CAPTURE(frames);
          CAPTURE(length);
          REQUIRE(found.status == AlignStatus::ok);
          REQUIRE(found.energy == expected.least);
          REQUIRE(is_valid_path(found.path, length));
          REQUIRE(brute_force::path_energy(e, kAlphabet, label, found.path) == found.energy);
          // With rounding, another path may tie in exact arithmetic only; integers are exact.
          if (kind != Kind::normal) REQUIRE(found.path == expected.best);
        }
      }
    }
  }
}

TEST_CASE("the aligner finds what the enumeration of all paths finds, ties included") {
  check_against_enumeration<double>();
  check_against_enumeration<float>();
}

TEST_CASE("all energies of zeros and ones up to six frames: the least energy, the earliest path") {
  for (int64_t frames = 1; frames <= 6; ++frames) {
    for (int64_t length = 1; length <= frames; ++length) {
      Symbols label(length);
      for (int64_t s = 0; s < length; ++s) label[s] = static_cast<int32_t>(s % 2);
      for (int64_t bits = 0; bits < (int64_t{1} << (2 * frames)); ++bits) {
        std::vector<float> e(2 * frames);
        for (int64_t k = 0; k < 2 * frames; ++k) e[k] = static_cast<float>(bits >> k & 1);
        const auto expected = brute_force::all_paths(e, frames, 2, label);
        const Alignment found = align(e, 2, label);
        REQUIRE(found.energy == expected.least);
        REQUIRE(found.path == expected.best);
      }
    }
  }
}

TEST_CASE("the enumeration visits C(L-1, T-1) paths") {
  const Energies e(9 * 2, 0.0);
  CHECK(brute_force::all_paths(e, 9, 2, Symbols(4, 0)).count == 56);
}

TEST_CASE("among equal paths the one that advances earliest is returned") {
  CHECK(align(Energies(5 * 2, 1.0), 2, {0, 1, 0}).path == Symbols{0, 1, 2, 2, 2});
}

TEST_CASE("as many frames as symbols leave one path, the diagonal") {
  const Alignment a = align(Energies{1, 2, 4, 8, 16, 32}, 2, {1, 0, 1});
  CHECK(a.path == Symbols{0, 1, 2});
  CHECK(a.energy == 2 + 4 + 32);
}

TEST_CASE("a label of one symbol takes its whole column") {
  const Alignment a = align(Energies{1, 2, 4, 8, 16, 32}, 2, {1});
  CHECK(a.path == Symbols{0, 0, 0});
  CHECK(a.energy == 2 + 8 + 32);
}

TEST_CASE("sizes that leave no path have a status, energy +inf and no path") {
  const Energies e(3 * 2, 0.0);
  const Alignment too_short = align(e, 2, {0, 1, 0, 1});
  CHECK(too_short.status == AlignStatus::too_short);
  CHECK(too_short.energy == kInf);
  CHECK(too_short.path.empty());
  const Alignment empty = align(e, 2, {});
  CHECK(empty.status == AlignStatus::empty);
  CHECK(empty.energy == kInf);
  const Alignment no_frames = align(Energies{}, 2, {0});
  CHECK(no_frames.status == AlignStatus::too_short);
  CHECK(no_frames.energy == kInf);
}

TEST_CASE("no frames and no label align at energy zero") {
  const Alignment a = align(Energies{}, 2, {});
  CHECK(a.status == AlignStatus::ok);
  CHECK(a.energy == 0);
  CHECK(a.path.empty());
}

TEST_CASE("a +inf cell is gone around, and a wall of them is impossible") {
  Energies e{0, 9, 9, 1, 9, 2, 9, 3};  // [4,2]
  CHECK(align(e, 2, {0, 1}).path == Symbols{0, 1, 1, 1});
  e[1 * 2 + 1] = kInf;  // symbol 1 at frame 1
  const Alignment around = align(e, 2, {0, 1});
  CHECK(around.status == AlignStatus::ok);
  CHECK(around.path == Symbols{0, 0, 1, 1});
  CHECK(around.energy == 0 + 9 + 2 + 3);
  for (int i = 0; i < 4; ++i) e[i * 2 + 1] = kInf;
  const Alignment wall = align(e, 2, {0, 1});
  CHECK(wall.status == AlignStatus::impossible);
  CHECK(wall.energy == kInf);
  CHECK(wall.path.empty());
}

TEST_CASE("a first row of +inf is impossible, whatever follows") {
  CHECK(align(Energies{kInf, kInf, 0, 0, 0, 0}, 2, {0, 1}).status == AlignStatus::impossible);
}

TEST_CASE("NaN and -inf on a cell that a path can use are reported") {
  for (double bad : {kNan, -kInf}) {
    Energies e(4 * 3, 1.0);
    e[2 * 3 + 1] = bad;
    const Alignment a = align(e, 3, {0, 1});
    CHECK(a.status == AlignStatus::non_finite);
    CHECK(std::isnan(a.energy));
    CHECK(a.path.empty());
  }
}

TEST_CASE("NaN where no path can pass changes nothing") {
  Energies e(4 * 3, 1.0);
  const Alignment clean = align(e, 3, {0, 1});
  for (int i = 0; i < 4; ++i) e[i * 3 + 2] = kNan;  // a symbol the label lacks
  e[0 * 3 + 1] = kNan;                              // before the path can advance
  e[3 * 3 + 0] = kNan;                              // after it must have
  const Alignment a = align(e, 3, {0, 1});
  CHECK(a.status == AlignStatus::ok);
  CHECK(a.energy == clean.energy);
  CHECK(a.path == clean.path);
}

TEST_CASE("a label symbol outside the alphabet throws, naming position, value and range") {
  const Energies e(4 * 3, 1.0);
  CHECK(error_of([&] {
          align(e, 3, {0, 3});
        }) ==
        "[align] symbol 3 at position 1 is outside the alphabet [0,3); was the text encoded with "
        "another one?");
  CHECK(error_of([&] {
          align(e, 3, {-1, 0});
        }).find("symbol -1 at position 0") != std::string::npos);
  // Even where the sizes alone would settle the pair.
  CHECK_THROWS_AS(align(e, 3, {0, 1, 2, 0, 1, 7}), Error);
}

TEST_CASE("a path of the wrong size throws") {
  const Energies e(4 * 3, 1.0);
  AlignScratch scratch;
  Symbols path(3);
  CHECK(error_of([&] { viterbi(e.data(), 4, 3, Symbols{0}, scratch, path); }) ==
        "[align] the path has room for 3 frames, the energies have 4");
}

TEST_CASE("a used scratch gives the same bits as a fresh one") {
  std::mt19937 random(2);
  AlignScratch used;
  for (int64_t frames : {8, 3, 20, 1, 6, 20}) {
    for (int64_t length = 1; length <= frames; ++length) {
      const auto e = brute_force::draw_energies<float>(frames * 5, Kind::normal, random);
      const Symbols label = brute_force::draw_symbols(length, 5, random);
      Symbols path(frames);
      const AlignResult again = viterbi(e.data(), frames, 5, label, used, path);
      const Alignment fresh = align(e, 5, label);
      CHECK(again.energy == fresh.energy);
      CHECK(path == fresh.path);
    }
  }
}

TEST_CASE("an infeasible pair fills the caller's path with -1") {
  const Energies e(2 * 2, 0.0);
  AlignScratch scratch;
  Symbols path(2, 7);
  CHECK(viterbi(e.data(), 2, 2, Symbols{0, 1, 0}, scratch, path).status == AlignStatus::too_short);
  CHECK(path == Symbols{-1, -1});
}

TEST_CASE("huge energies neither overflow nor lose the best path") {
  std::mt19937 random(3);
  for (double scale : {1e4, 1e30, 3e37}) {
    auto e = brute_force::draw_energies<float>(8 * 3, Kind::tied, random);
    for (float& x : e) x *= static_cast<float>(scale);
    const Symbols label{0, 2, 1, 2};
    const auto expected = brute_force::all_paths(e, 8, 3, label);
    const Alignment a = align(e, 3, label);
    CHECK(a.status == AlignStatus::ok);
    CHECK(a.energy == expected.least);
    CHECK(a.path == expected.best);
  }
}

TEST_CASE("sums beyond the range of double are reported, not returned") {
  const Energies low(40 * 1, -1e307), high(40 * 1, 1e307);
  CHECK(align(low, 1, {0}).status == AlignStatus::non_finite);
  CHECK(align(high, 1, {0}).status == AlignStatus::impossible);
}

TEST_CASE("adding a constant to a frame adds it to F and keeps the path") {
  std::mt19937 random(4);
  auto e = brute_force::draw_energies<double>(12 * 4, Kind::normal, random);
  const Symbols label{0, 3, 1, 3};
  const Alignment before = align(e, 4, label);
  double total = 0;
  for (int i = 0; i < 12; ++i) {
    for (int a = 0; a < 4; ++a) e[i * 4 + a] += i - 5;
    total += i - 5;
  }
  const Alignment after = align(e, 4, label);
  CHECK(after.path == before.path);
  CHECK(after.energy == doctest::Approx(before.energy + total).epsilon(1e-13));
}

TEST_CASE("two thousand frames agree with a long double programme to 1e-12") {
  constexpr int64_t kFrames = 2000, kLength = 700, kAlphabet = 27;
  std::mt19937 random(5);
  const auto e = brute_force::draw_energies<float>(kFrames * kAlphabet, Kind::normal, random);
  const Symbols label = brute_force::draw_symbols(kLength, kAlphabet, random);
  std::vector<long double> d(kLength + 1, kInf);  // d[j + 1]; d[0] stays +inf
  for (int64_t i = 0; i < kFrames; ++i) {
    for (int64_t j = kLength - 1; j >= 0; --j) {
      const long double before = i == 0 && j == 0 ? 0.0L : std::min(d[j + 1], d[j]);
      d[j + 1] = before + static_cast<long double>(e[i * kAlphabet + label[j]]);
    }
  }
  const Alignment a = align(e, kAlphabet, label);
  CHECK(is_valid_path(a.path, kLength));
  CHECK(brute_force::path_energy(e, kAlphabet, label, a.path) == a.energy);
  const double exact = static_cast<double>(d[kLength]);
  CHECK(std::abs(a.energy - exact) <= 1e-12 * std::abs(exact));
}

TEST_CASE("a repeated letter needs BETWEEN: aa is not a") {
  // Windows that show a, BETWEEN, a, BETWEEN (symbols 0 and 1).
  const Energies e{0, 9, 9, 0, 0, 9, 9, 0};
  CHECK(align(e, 2, expand(Symbols{0, 0}, 1)).energy == 0);
  CHECK(align(e, 2, expand(Symbols{0}, 1)).energy == 9);
}

TEST_CASE("the matrix holds the best energy to every cell, +inf off the band, F in its corner") {
  std::mt19937 random(6);
  constexpr int64_t kFrames = 7, kAlphabet = 3;
  const auto e = brute_force::draw_energies<double>(kFrames * kAlphabet, Kind::normal, random);
  const Symbols label{0, 2, 1, 2};
  const auto d = dp_matrix(e.data(), kFrames, kAlphabet, label);
  REQUIRE(d.size() == kFrames * 4);
  CHECK(d.back() == align(e, kAlphabet, label).energy);
  for (int64_t i = 0; i < kFrames; ++i) {
    for (int64_t j = 0; j < 4; ++j) {
      const bool reaches_end = 4 - 1 - j <= kFrames - 1 - i;
      const Symbols prefix(label.begin(), label.begin() + j + 1);
      const double best = brute_force::all_paths(e, i + 1, kAlphabet, prefix).least;
      CHECK(d[i * 4 + j] == (reaches_end ? best : kInf));
    }
  }
}

TEST_CASE("the matrix of an infeasible pair is +inf everywhere") {
  const Energies e(2 * 2, 0.0);
  CHECK(dp_matrix(e.data(), 2, 2, Symbols{0, 1, 0}) == Energies(6, kInf));
}

TEST_CASE("a word expands to its symbols with BETWEEN after each") {
  CHECK(expand(Symbols{2, 0, 19}, 26) == Symbols{2, 26, 0, 26, 19, 26});
  CHECK(expand(Symbols{}, 26).empty());
  CHECK(error_of([] {
          expand(Symbols{2, 26}, 26);
        }).find("position 1 of the word is BETWEEN") != std::string::npos);
}

TEST_CASE("every status has a name") {
  CHECK(std::string(to_string(AlignStatus::ok)) == "ok");
  CHECK(std::string(to_string(AlignStatus::too_short)) == "too short");
  CHECK(std::string(to_string(AlignStatus::empty)) == "empty label");
  CHECK(std::string(to_string(AlignStatus::non_finite)) == "non-finite energies");
  CHECK(std::string(to_string(AlignStatus::impossible)) == "impossible");
}

}  // namespace
}  // namespace talweg::ebm
