#include "ebm/align/grammar.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <random>
#include <string>

#include "core/error.h"
#include "tests/ebm/align/brute_words.h"

namespace talweg::ebm {
namespace {

using brute_force::Kind;
using Energies = std::vector<double>;
using Symbols = std::vector<int32_t>;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double string_energy(const Energies& e, int64_t alphabet, const Symbols& s) {
  double sum = 0;
  for (size_t i = 0; i < s.size(); ++i) sum += e[i * alphabet + s[i]];
  return sum;
}

/// The documented tie rule, by enumeration: going from the last window to the first, stay in the
/// symbol if an equal string does, else take the lowest.
Symbols break_ties(const std::vector<Symbols>& equal, int64_t frames) {
  std::vector<Symbols> left = equal;
  for (int64_t i = frames - 1; i >= 0; --i) {
    const int32_t after = i + 1 < frames ? left.front()[i + 1] : -1;
    int32_t choice = left.front()[i];
    for (const Symbols& s : left) {
      if (choice == after) break;
      if (s[i] == after || s[i] < choice) choice = s[i];
    }
    std::erase_if(left, [&](const Symbols& s) { return s[i] != choice; });
  }
  return left.front();
}

TEST_CASE("the word of least energy is the one the enumeration of all strings finds") {
  std::mt19937 random(1);
  for (Topology topology : {Topology::classic, Topology::margins, Topology::ctc}) {
    for (Kind kind : {Kind::normal, Kind::tied, Kind::equal}) {
      for (int64_t alphabet : {2, 3, 4}) {
        for (int64_t frames = least_frames(topology); frames <= (alphabet == 4 ? 5 : 7); ++frames) {
          for (int repeat = 0; repeat < 4; ++repeat) {
            const Grammar grammar{static_cast<int32_t>(repeat % alphabet), topology};
            const auto e = brute_force::draw_energies<double>(frames * alphabet, kind, random);
            double least = kInf;
            std::vector<Symbols> best;
            for (const auto& s : brute_force::all_spellings(e, frames, alphabet, grammar)) {
              if (s.energy < least) best.clear();
              if (s.energy <= least) best.push_back(s.symbols);
              least = std::min(least, s.energy);
            }
            const WordReading r = least_energy_word(e.data(), frames, alphabet, grammar);
            CAPTURE(to_string(topology));
            CAPTURE(alphabet);
            CAPTURE(frames);
            REQUIRE(r.status == AlignStatus::ok);
            REQUIRE(r.energy == least);
            REQUIRE(brute_force::spells_in(r.symbols, grammar));
            REQUIRE(string_energy(e, alphabet, r.symbols) == least);
            REQUIRE(r.word == word_of(r.symbols, grammar.between));
            if (kind != Kind::normal) REQUIRE(r.symbols == break_ties(best, frames));
          }
        }
      }
    }
  }
}

TEST_CASE("spells agrees with the definition on every string") {
  for (Topology topology : {Topology::classic, Topology::margins, Topology::ctc}) {
    const Grammar grammar{1, topology};
    CHECK(!spells({}, grammar));
    for (int64_t frames = 1; frames <= 6; ++frames) {
      const Energies e(frames * 3, 0.0);
      const size_t spelling = brute_force::all_spellings(e, frames, 3, grammar).size();
      size_t found = 0;
      Symbols s(frames, 0);
      for (int64_t code = 0; code < std::lround(std::pow(3, frames)); ++code) {
        for (int64_t i = 0, rest = code; i < frames; ++i, rest /= 3) s[i] = int32_t(rest % 3);
        CHECK(spells(s, grammar) == brute_force::spells_in(s, grammar));
        found += spells(s, grammar);
      }
      CHECK(found == spelling);
    }
  }
}

TEST_CASE("a string is one word and one path: both counts agree for every word") {
  constexpr int64_t kFrames = 7, kAlphabet = 3;
  constexpr int32_t kBetween = 2;
  std::map<Symbols, int64_t> strings;
  brute_force::each_spelling(kFrames, kAlphabet, kBetween,
                             [&](const Symbols& s) { ++strings[word_of(s, kBetween)]; });
  CHECK(strings.size() == 2 + 4 + 8);  // words of one, two and three letters over two
  const Energies e(kFrames * kAlphabet, 0.0);
  for (const auto& [word, count] : strings) {
    CHECK(brute_force::all_paths(e, kFrames, kAlphabet, expand(word, kBetween)).count == count);
  }
}

TEST_CASE("no word has less energy than the least, which is the aligner's F of that word") {
  std::mt19937 random(2);
  constexpr int64_t kFrames = 60, kAlphabet = 27;
  constexpr int32_t kBetween = 26;
  for (int repeat = 0; repeat < 50; ++repeat) {
    const auto e = brute_force::draw_energies<float>(kFrames * kAlphabet, Kind::normal, random);
    const WordReading least = least_energy_word(e.data(), kFrames, kAlphabet, {kBetween});
    REQUIRE(least.status == AlignStatus::ok);
    const Alignment same = viterbi(e.data(), kFrames, kAlphabet, expand(least.word, kBetween));
    CHECK(same.energy == least.energy);
    const Symbols other = brute_force::draw_symbols(1 + repeat % 20, kAlphabet - 1, random);
    CHECK(viterbi(e.data(), kFrames, kAlphabet, expand(other, kBetween)).energy >= least.energy);
  }
}

TEST_CASE("the greedy word never has less energy than the exact one, and often more") {
  std::mt19937 random(3);
  int feasible = 0, worse = 0;
  for (int repeat = 0; repeat < 300; ++repeat) {
    const int64_t frames = 2 + repeat % 12;
    const auto e = brute_force::draw_energies<double>(frames * 4, Kind::normal, random);
    const WordReading exact = least_energy_word(e.data(), frames, 4, {3});
    const WordReading greedy = greedy_word(e.data(), frames, 4, {3});
    CHECK(greedy.energy >= exact.energy);
    feasible += greedy.status == AlignStatus::ok;
    worse += greedy.status == AlignStatus::ok && greedy.energy > exact.energy;
  }
  CHECK(feasible > 50);
  CHECK(worse > 20);
}

/// Energies that make arg min read exactly `s`.
Energies showing(const Symbols& s, int64_t alphabet) {
  Energies e(s.size() * alphabet, 1.0);
  for (size_t i = 0; i < s.size(); ++i) e[i * alphabet + s[i]] = 0.0;
  return e;
}

WordReading greedy_of(const Symbols& s) {
  return greedy_word(showing(s, 4).data(), static_cast<int64_t>(s.size()), 4, {3});
}

TEST_CASE("both readings agree on windows that spell a word, character by character") {
  const Symbols s{0, 0, 3, 1, 3, 3, 1, 1, 1, 3};  // aa_b__bbb_
  const Energies e = showing(s, 4);
  for (const WordReading& r :
       {least_energy_word(e.data(), 10, 4, {3}), greedy_word(e.data(), 10, 4, {3})}) {
    CHECK(r.status == AlignStatus::ok);
    CHECK(r.energy == 0);
    CHECK(r.word == Symbols{0, 1, 1});
    CHECK(r.spans == std::vector<WindowSpan>{{0, 1}, {3, 3}, {6, 8}});
    CHECK(r.symbols == s);
  }
}

TEST_CASE("the greedy reading votes within a segment, ties to the lowest symbol") {
  CHECK(greedy_of({1, 0, 1, 3}).word == Symbols{1});
  CHECK(greedy_of({1, 0, 3}).word == Symbols{0});
  CHECK(greedy_of({2, 2, 0, 0, 1, 3}).word == Symbols{0});
  CHECK(greedy_of({1, 0, 1, 3}).energy == 1);  // the path must read `b` where `a` is shown
}

TEST_CASE("the greedy reading skips BETWEEN at the front and doubles at the back") {
  const WordReading r = greedy_of({3, 3, 0, 3, 3, 1, 3, 3});
  CHECK(r.word == Symbols{0, 1});
  CHECK(r.spans == std::vector<WindowSpan>{{2, 2}, {5, 5}});
}

TEST_CASE("the greedy reading counts a last segment that BETWEEN does not close") {
  const WordReading r = greedy_of({0, 3, 1});
  CHECK(r.word == Symbols{0, 1});
  CHECK(r.status == AlignStatus::too_short);  // a_b_ needs four windows
  CHECK(r.energy == kInf);
}

TEST_CASE("all BETWEEN is the empty word, which no window string spells") {
  const WordReading r = greedy_of({3, 3, 3});
  CHECK(r.word.empty());
  CHECK(r.spans.empty());
  CHECK(r.status == AlignStatus::empty);
  CHECK(r.energy == kInf);
}

TEST_CASE("the greedy reading takes the lowest of equal symbols, and never a NaN") {
  const Energies equal(2 * 3, 1.0);
  CHECK(greedy_word(equal.data(), 2, 3, {2}).symbols == Symbols{0, 0});
  const Energies e{kNan, 5, 7, kInf, kInf, kInf};
  CHECK(greedy_word(e.data(), 2, 3, {2}).symbols == Symbols{1, 2});
}

TEST_CASE("equal energies read as one letter, the lowest, in the first window") {
  const Energies e(5 * 3, 1.0);
  CHECK(least_energy_word(e.data(), 5, 3, {2}).symbols == Symbols{0, 2, 2, 2, 2});
  CHECK(least_energy_word(e.data(), 5, 3, {0}).symbols == Symbols{1, 0, 0, 0, 0});
}

TEST_CASE("fewer than two windows spell nothing") {
  const Energies e(3, 0.0);
  for (int64_t frames : {0, 1}) {
    const WordReading r = least_energy_word(e.data(), frames, 3, {2});
    CHECK(r.status == AlignStatus::too_short);
    CHECK(r.energy == kInf);
    CHECK(r.word.empty());
  }
  CHECK(greedy_word(e.data(), 0, 3, {2}).word.empty());
  CHECK(least_energy_word(e.data(), 0, 3, {2, Topology::ctc}).status == AlignStatus::too_short);
  CHECK(least_energy_word(e.data(), 1, 3, {2, Topology::ctc}).status == AlignStatus::ok);
}

TEST_CASE("NaN and -inf are reported where a string can pass, and ignored where none can") {
  Energies e(3 * 3, 1.0);
  e[0 * 3 + 2] = kNan;   // BETWEEN first
  e[2 * 3 + 0] = -kInf;  // a letter last
  CHECK(least_energy_word(e.data(), 3, 3, {2}).status == AlignStatus::ok);
  for (double bad : {kNan, -kInf}) {
    e[1 * 3 + 1] = bad;
    const WordReading r = least_energy_word(e.data(), 3, 3, {2});
    CHECK(r.status == AlignStatus::non_finite);
    CHECK(std::isnan(r.energy));
    CHECK(r.symbols.empty());
  }
}

TEST_CASE("a window without BETWEEN at the end is impossible, one closed letter is not") {
  Energies e(3 * 3, 1.0);
  e[1 * 3 + 0] = e[1 * 3 + 1] = kInf;
  CHECK(least_energy_word(e.data(), 3, 3, {2}).symbols == Symbols{0, 2, 2});
  e[2 * 3 + 2] = kInf;
  CHECK(least_energy_word(e.data(), 3, 3, {2}).status == AlignStatus::impossible);
}

TEST_CASE("BETWEEN reads as the empty word where the topology has one") {
  const Energies e = showing({3, 3, 3}, 4);
  for (Topology topology : {Topology::margins, Topology::ctc}) {
    for (const WordReading& r : {least_energy_word(e.data(), 3, 4, {3, topology}),
                                 greedy_word(e.data(), 3, 4, {3, topology})}) {
      CHECK(r.status == AlignStatus::ok);
      CHECK(r.energy == 0);
      CHECK(r.word.empty());
      CHECK(r.symbols == Symbols{3, 3, 3});
    }
  }
  CHECK(least_energy_word(e.data(), 3, 4, {3}).word == Symbols{0});
}

TEST_CASE("margins and ctc read letters up to the edge of the image") {
  const Symbols shown{3, 0, 3, 1};
  const Energies e = showing(shown, 4);
  for (Topology topology : {Topology::margins, Topology::ctc}) {
    for (const WordReading& r : {least_energy_word(e.data(), 4, 4, {3, topology}),
                                 greedy_word(e.data(), 4, 4, {3, topology})}) {
      CHECK(r.energy == 0);
      CHECK(r.word == Symbols{0, 1});
      CHECK(r.spans == std::vector<WindowSpan>{{1, 1}, {3, 3}});
      CHECK(r.symbols == shown);
    }
  }
}

TEST_CASE("ctc reads different neighbours as letters, equal ones as one") {
  const Symbols shown{0, 0, 1, 3, 1, 2};
  const Energies e = showing(shown, 4);
  for (const WordReading& r : {least_energy_word(e.data(), 6, 4, {3, Topology::ctc}),
                               greedy_word(e.data(), 6, 4, {3, Topology::ctc})}) {
    CHECK(r.energy == 0);
    CHECK(r.word == Symbols{0, 1, 1, 2});
    CHECK(r.spans == std::vector<WindowSpan>{{0, 1}, {2, 2}, {4, 4}, {5, 5}});
  }
  CHECK(greedy_word(e.data(), 6, 4, {3, Topology::margins}).word == Symbols{0, 1});
}

TEST_CASE("the greedy word's energy is the least of the strings that spell it, never below all") {
  std::mt19937 random(4);
  int worse = 0;
  for (Topology topology : {Topology::margins, Topology::ctc}) {
    for (int repeat = 0; repeat < 60; ++repeat) {
      const int64_t frames = 1 + repeat % 6;
      const Grammar grammar{2, topology};
      const auto e = brute_force::draw_energies<double>(frames * 3, Kind::normal, random);
      const WordReading greedy = greedy_word(e.data(), frames, 3, grammar);
      double least = kInf, least_of_word = kInf;
      for (const auto& s : brute_force::all_spellings(e, frames, 3, grammar)) {
        least = std::min(least, s.energy);
        if (s.word == greedy.word) least_of_word = std::min(least_of_word, s.energy);
      }
      CHECK(greedy.energy == least_of_word);
      if (topology == Topology::ctc) CHECK(greedy.energy == least);
      worse += greedy.energy > least;
    }
  }
  CHECK(worse > 5);
}

TEST_CASE("an alphabet that cannot spell throws and says why") {
  const Energies e(4, 0.0);
  CHECK_THROWS_WITH_AS(
      least_energy_word(e.data(), 4, 1, {0}),
      "[align] an alphabet of 1 symbols cannot spell: it needs BETWEEN and a letter", Error);
  CHECK_THROWS_WITH_AS(greedy_word(e.data(), 2, 2, {2}),
                       "[align] BETWEEN is symbol 2, outside the alphabet [0,2)", Error);
}

}  // namespace
}  // namespace talweg::ebm
