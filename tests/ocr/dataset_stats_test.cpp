#include "ocr/dataset_stats.h"

#include <doctest/doctest.h>

using namespace talweg::ocr;

TEST_CASE("letters are counted, with the labels that hold them and the first of these") {
  const std::vector<Sample> samples = {{"0.png", "ébb", "list.tsv", 2},
                                       {"1.png", "bé", "list.tsv", 3},
                                       {"2.png", "ab", "list.json", 0}};
  const auto uses = letter_uses(samples);
  REQUIRE(uses.size() == 3);
  CHECK(uses[0].letter == U'a');
  CHECK(uses[0].first == "list.json");
  CHECK(uses[1].letter == U'b');
  CHECK(uses[1].times == 4);
  CHECK(uses[1].samples == 3);
  CHECK(uses[2].letter == U'é');
  CHECK(uses[2].times == 2);
  CHECK(uses[2].first == "list.tsv:2");
  const auto foreign = foreign_letters(samples, Alphabet(U"ab"));
  REQUIRE(foreign.size() == 1);
  CHECK(foreign[0].letter == U'é');
  CHECK(foreign_letters(samples, Alphabet(U"abé")).empty());
}
