#include "ocr/decoder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "core/error.h"
#include "core/rng.h"
#include "ebm/align/batch.h"

using namespace talweg;
using namespace talweg::ocr;

namespace {

const Alphabet kLetters(U"ab");

EnergyMap noise(uint64_t seed, int windows) {
  EnergyMap map{windows, kLetters.size(), 4.0, {}};
  Rng rng(seed);
  for (int k = 0; k < windows * map.symbols; ++k) map.values.push_back(float(3 * rng.normal()));
  return map;
}

/// Energies that are low for one symbol a window: "aa_b_" and the like.
EnergyMap spelt(const std::string& symbols) {
  EnergyMap map{int(symbols.size()), kLetters.size(), 4.0, {}};
  for (char c : symbols) {
    for (char a : {'a', 'b', '_'}) map.values.push_back(c == a ? 0.0f : 9.0f);
  }
  return map;
}

/// The energy of every string of symbols, by the word that it spells: brute force.
std::map<std::string, std::vector<double>> energies_by_word(const EnergyMap& map,
                                                            const ebm::Grammar& grammar) {
  std::map<std::string, std::vector<double>> all;
  std::vector<int32_t> string(std::size_t(map.windows), 0);
  const std::function<void(int, double)> go = [&](int i, double energy) {
    if (i < map.windows) {
      for (int32_t a = 0; a < map.symbols; ++a) {
        string[std::size_t(i)] = a;
        go(i + 1, energy + double(map.row(i)[std::size_t(a)]));
      }
    } else if (ebm::spells(string, grammar)) {
      all[kLetters.decode(ebm::word_of(string, grammar.between))].push_back(energy);
    }
  };
  go(0, 0);
  return all;
}

double weight(const std::vector<double>& energies, double beta = kReadingBeta) {
  double sum = 0;
  for (double e : energies) sum += std::exp(-beta * e);
  return sum;
}

std::shared_ptr<const ebm::Lexicon> lexicon_of(const std::vector<std::string>& words) {
  ebm::LabelList list;
  for (const std::string& w : words) list.add(kLetters.encode(w));
  return std::make_shared<const ebm::Lexicon>(list.view(), kLetters.size());
}

std::shared_ptr<const ebm::NgramModel> model_of(const std::vector<std::string>& words) {
  ebm::LabelList list;
  for (const std::string& w : words) list.add(kLetters.encode(w));
  return std::make_shared<const ebm::NgramModel>(
      ebm::NgramModel::train(list.view(), kLetters.size(), 2));
}

}  // namespace

TEST_CASE("words, energies and probabilities are those of brute force, in every topology") {
  for (const auto topology : {ebm::Topology::classic, ebm::Topology::margins, ebm::Topology::ctc}) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      CAPTURE(ebm::to_string(topology));
      CAPTURE(seed);
      const EnergyMap map = noise(seed, 6);
      const auto by_word = energies_by_word(map, {kLetters.between(), topology});
      double z = 0;
      for (const auto& [word, energies] : by_word) z += weight(energies);
      DecoderOptions options;
      options.alternatives = 5;
      const Reading r = decode(map, kLetters, topology, options);
      REQUIRE(r.alternatives.size() == std::min<std::size_t>(5, by_word.size()));
      CHECK(r.alternatives[0].text == r.text);
      CHECK(r.confidence == doctest::Approx(weight(by_word.at(r.text)) / z));
      double before = -1e300;
      for (const WordChoice& w : r.alternatives) {
        const auto& energies = by_word.at(w.text);
        CHECK(w.energy == doctest::Approx(*std::ranges::min_element(energies)));
        CHECK(w.energy >= before);
        CHECK(w.probability == doctest::Approx(weight(energies) / z));
        before = w.energy;
      }
    }
  }
}

TEST_CASE("another temperature moves the probabilities, exactly, and not what is read") {
  for (const auto topology : {ebm::Topology::classic, ebm::Topology::margins, ebm::Topology::ctc}) {
    for (const double beta : {0.25, 0.6, 3.0}) {
      CAPTURE(beta);
      const EnergyMap map = noise(11, 6);
      DecoderOptions options;
      options.alternatives = 4;
      const Reading warm = decode(map, kLetters, topology, options);
      options.beta = beta;
      const Reading r = decode(map, kLetters, topology, options);
      const auto by_word = energies_by_word(map, {kLetters.between(), topology});
      double z = 0;
      for (const auto& [word, energies] : by_word) z += weight(energies, beta);
      CHECK(r.text == warm.text);
      CHECK(r.energy == warm.energy);
      CHECK(r.confidence == doctest::Approx(weight(by_word.at(r.text), beta) / z));
      for (const WordChoice& w : r.alternatives) {
        CHECK(w.probability == doctest::Approx(weight(by_word.at(w.text), beta) / z));
      }
    }
  }
  DecoderOptions cold;
  cold.beta = 0;
  CHECK_THROWS_WITH_AS(decode(spelt("a_"), kLetters, ebm::Topology::classic, cold),
                       doctest::Contains("above 0, found 0"), Error);
}

TEST_CASE("letters that are not allowed are not read, and probabilities are over the rest") {
  const auto model = model_of({"aa", "aba"});
  for (const auto topology : {ebm::Topology::classic, ebm::Topology::margins, ebm::Topology::ctc}) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      CAPTURE(ebm::to_string(topology));
      const EnergyMap map = noise(seed, 7);
      std::map<std::string, std::vector<double>> allowed;
      double z = 0;
      for (const auto& [word, energies] : energies_by_word(map, {kLetters.between(), topology})) {
        if (word.find('b') != std::string::npos) continue;
        allowed[word] = energies;
        z += weight(energies);
      }
      const auto best = std::ranges::min_element(
          allowed, {}, [](const auto& w) { return *std::ranges::min_element(w.second); });
      DecoderOptions options;
      options.letters = U"a";
      options.alternatives = 3;
      const Reading r = decode(map, kLetters, topology, options);
      CHECK(r.text == best->first);
      CHECK(r.confidence == doctest::Approx(weight(best->second) / z));
      double sum = 0;
      for (const WordChoice& w : r.alternatives) sum += w.probability;
      CHECK(sum <= 1 + 1e-9);
      for (const CharReading& c : r.characters) CHECK(c.alternatives.empty());
      for (const auto way : {Decoder::classic, Decoder::beam, Decoder::lexicon}) {
        options.way = way;
        options.model = model;
        options.lexicon = way == Decoder::lexicon ? lexicon_of({"ab", "aa", "b"}) : nullptr;
        const Reading other = decode(map, kLetters, topology, options);
        CHECK(other.text.find('b') == std::string::npos);
        if (way == Decoder::lexicon) CHECK(other.text == "aa");
        if (way == Decoder::lexicon) CHECK(other.confidence == doctest::Approx(1));
      }
    }
  }
  DecoderOptions options;
  options.letters = U"";
  CHECK_THROWS_WITH_AS(decode(spelt("a_"), kLetters, ebm::Topology::classic, options),
                       doctest::Contains("allow at least one"), Error);
  options.letters = U"ac";
  CHECK_THROWS_WITH_AS(decode(spelt("a_"), kLetters, ebm::Topology::classic, options),
                       doctest::Contains("'c' (U+0063)"), Error);
}

TEST_CASE("within a lexicon the probabilities of its words make one") {
  const std::vector<std::string> words{"ab", "b", "ba", "aab"};
  DecoderOptions options;
  options.way = Decoder::lexicon;
  options.lexicon = lexicon_of(words);
  options.alternatives = 4;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const EnergyMap map = noise(seed, 7);
    const Reading r = decode(map, kLetters, ebm::Topology::classic, options);
    REQUIRE(r.alternatives.size() == 4);
    double sum = 0;
    for (const WordChoice& w : r.alternatives) sum += w.probability;
    CHECK(sum == doctest::Approx(1));
    CHECK(r.text == r.alternatives[0].text);
    CHECK(r.confidence == r.alternatives[0].probability);
    CHECK(std::ranges::count(words, r.text) == 1);
    CHECK(r.characters.size() == r.text.size());
    CHECK(r.energy >= decode(map, kLetters, ebm::Topology::classic).energy);
  }
}

TEST_CASE("a letter model moves a doubtful reading, and none that is clear") {
  EnergyMap doubtful = spelt("a_b_");
  for (int a : {0, 1}) doubtful.values[std::size_t(2 * 3 + a)] = a == 0 ? 0.1f : 0.0f;
  DecoderOptions options;
  options.way = Decoder::beam;
  options.model = model_of({"aa", "aa", "aa"});
  CHECK(decode(doubtful, kLetters, ebm::Topology::classic).text == "ab");
  CHECK(decode(doubtful, kLetters, ebm::Topology::classic, options).text == "aa");
  CHECK(decode(spelt("b_b_"), kLetters, ebm::Topology::classic, options).text == "bb");
  options.model_weight = 0;
  CHECK(decode(doubtful, kLetters, ebm::Topology::classic, options).text == "ab");
  options.model_weight = 1;
  options.lexicon = lexicon_of({"ab", "ba"});
  CHECK(decode(doubtful, kLetters, ebm::Topology::classic, options).text == "ab");
}

TEST_CASE("each character has its pixels, its probability and the others it might be") {
  EnergyMap map = spelt("aa_bb_");
  map.values[std::size_t(3 * 3 + 0)] = map.values[std::size_t(4 * 3 + 0)] = 1.0f;  // b or a
  for (const auto way : {Decoder::exact, Decoder::classic, Decoder::lexicon}) {
    DecoderOptions options;
    options.way = way;
    if (way == Decoder::lexicon) options.lexicon = lexicon_of({"ab"});
    const Reading r = decode(map, kLetters, ebm::Topology::classic, options);
    REQUIRE(r.characters.size() == 2);
    CHECK(r.characters[0].x0 == 0);
    CHECK(r.characters[0].x1 == 8);
    CHECK(r.characters[1].x0 == 12);
    CHECK(r.characters[1].x1 == 20);
    CHECK(r.characters[0].confidence > 0.99);
    // Both windows at once: the other letter costs 1 + 1, whatever else is nearly impossible.
    CHECK(r.characters[1].confidence == doctest::Approx(1 / (1 + std::exp(-2.0))).epsilon(1e-2));
    REQUIRE(r.characters[1].alternatives.size() == 1);
    CHECK(r.characters[1].alternatives[0].text == "a");
    CHECK(r.characters[1].alternatives[0].probability ==
          doctest::Approx(1 / (1 + std::exp(2.0))).epsilon(1e-2));
  }
}

TEST_CASE("what can't be read is empty and says why; what is missing is named") {
  const Reading none = decode(spelt("a"), kLetters, ebm::Topology::classic);
  CHECK(none.status == ebm::AlignStatus::too_short);
  CHECK(none.text.empty());
  CHECK(none.confidence == 0);
  DecoderOptions options;
  options.way = Decoder::lexicon;
  CHECK_THROWS_WITH_AS(decode(spelt("a_"), kLetters, ebm::Topology::classic, options),
                       doctest::Contains("needs a lexicon"), Error);
  options.lexicon = lexicon_of({"abab"});
  const Reading too_long = decode(spelt("a_"), kLetters, ebm::Topology::classic, options);
  CHECK(too_long.status != ebm::AlignStatus::ok);
  CHECK(too_long.confidence == 0);
  CHECK(std::isinf(too_long.energy));
  options.way = Decoder::beam;
  CHECK_THROWS_WITH_AS(decode(spelt("a_"), kLetters, ebm::Topology::classic, options),
                       doctest::Contains("needs a letter model"), Error);
}
