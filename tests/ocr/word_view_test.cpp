#include "ocr/word_view.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/rng.h"
#include "ocr/word_figure.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

Recognizer untrained(ebm::Topology topology) {
  const auto architecture = Architecture::parse("net/4p-8p-8v-8-c16/plain");
  const Alphabet letters(U"abc");
  const auto network = make_network(architecture, letters.size(), Rng(3));
  return Recognizer(architecture, letters, network.parameters, topology);
}

io::Gray8 blots() {
  io::Gray8 image(64, 32, 255);
  Rng rng(4);
  for (uint8_t& p : image.pixels) p = rng.uniform() < 0.2 ? 0 : 255;
  return image;
}

TEST_CASE("what was read is spelled with the energy, probability and boxes of its reading") {
  for (const auto topology : {ebm::Topology::classic, ebm::Topology::margins, ebm::Topology::ctc}) {
    const Recognizer recognizer = untrained(topology);
    const WordView view(recognizer, blots(), 3);
    const Reading& r = view.reading();
    const auto s = view.spell(r.text);
    REQUIRE(s);
    CHECK(s->energy == doctest::Approx(r.energy));
    CHECK(s->probability == doctest::Approx(r.confidence));
    CHECK(int(s->symbols.size()) == view.map().windows);
    REQUIRE(s->characters.size() == r.characters.size());
    for (std::size_t k = 0; k < r.characters.size(); ++k) {
      CHECK(s->characters[k].text == r.characters[k].text);
      CHECK(s->characters[k].confidence == doctest::Approx(r.characters[k].confidence));
      CHECK(s->characters[k].x0 == doctest::Approx(r.characters[k].x0));
      CHECK(s->characters[k].y1 == doctest::Approx(r.characters[k].y1));
    }
    for (const WordChoice& w : r.alternatives) {
      const auto other = view.spell(w.text);
      REQUIRE(other);
      CHECK(other->probability == doctest::Approx(w.probability));
    }
  }
}

TEST_CASE("a text without a path is none: other letters, too few windows") {
  const Recognizer recognizer = untrained(ebm::Topology::margins);
  const WordView view(recognizer, blots());
  CHECK_FALSE(view.spell("abz"));
  CHECK_FALSE(view.spell("abcabcabcabcabcabc"));
  const auto empty = view.spell("");  // the margin alone
  REQUIRE(empty);
  CHECK(empty->spans.empty());
  const Recognizer classic = untrained(ebm::Topology::classic);
  CHECK_FALSE(WordView(classic, blots()).spell(""));
}

TEST_CASE("the telling symbols are those of the texts, then the likely ones, BETWEEN last") {
  const Recognizer recognizer = untrained(ebm::Topology::margins);
  const WordView view(recognizer, blots());
  const std::vector<std::string> texts{"caz"};
  const auto symbols = view.telling_symbols(texts, 10);
  REQUIRE(symbols.size() >= 3);
  CHECK(symbols[0] == 2);
  CHECK(symbols[1] == 0);
  CHECK(symbols.back() == 3);
  CHECK(view.telling_symbols(texts, 2) == std::vector<int32_t>{2, 3});
  CHECK(view.row_name(2) == "c");
  CHECK(view.row_name(3) == "gap");
}

TEST_CASE("relative energies are 0 at each window's lowest symbol, and cut far above it") {
  const EnergyMap map{2, 3, 4.0, {1, 3, 40, -7, -8, -6}};
  const std::vector<int32_t> symbols{1, 2};
  const auto values = relative_energies(map, symbols);
  CHECK(values == std::vector<float>{2, 0, kEnergyReach, 2});
}

TEST_CASE("a picture shrinks by averages, to rows that are asked for") {
  io::Gray8 image(4, 4, 100);
  image.at(0, 0) = 200;
  const io::Gray8 small = shrunk(image, 2);
  CHECK(small.width == 2);
  CHECK(small.height == 2);
  CHECK(small.at(0, 0) == 125);
  CHECK(small.at(1, 1) == 100);
  CHECK(shrunk(image, 4).pixels == image.pixels);
  CHECK(shrunk(io::Gray8(5, 7, 3), 2).height == 2);
}

TEST_CASE("a word's figure draws every path and names the symbols") {
  const Recognizer recognizer = untrained(ebm::Topology::margins);
  const WordView view(recognizer, blots());
  const auto one = view.spell("a"), two = view.spell("cb");
  REQUIRE(one);
  REQUIRE(two);
  const std::vector<DrawnPath> paths{{&*one, "#111111"}, {&*two, "#222222"}};
  const std::string svg = word_figure(view, paths, "blots");
  for (const char* part :
       {"#111111", "#222222", ">a</text>", ">b</text>", ">gap</text>", "blots"}) {
    CHECK(contains(svg, part));
  }
}

}  // namespace
}  // namespace talweg::ocr
