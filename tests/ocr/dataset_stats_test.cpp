#include "ocr/dataset_stats.h"

#include <doctest/doctest.h>

#include "tests/ocr/scratch_folder.h"

using namespace talweg;
using namespace talweg::ocr;

TEST_CASE("labels and images are measured") {
  const ScratchFolder folder;
  write_sample(folder.path(), "a", io::Gray8(40, 64, 255), "one");
  write_sample(folder.path(), "b", io::Gray8(100, 32, 255), "one ");
  write_sample(folder.path(), "c", io::Gray8(30, 16, 255), "fourth");
  const DatasetStats stats = dataset_stats(open_dataset(folder.path()).samples);
  CHECK(stats.samples == 3);
  CHECK(stats.different == 3);
  CHECK(stats.spaces_at_ends == 1);
  CHECK(stats.letters.least == 3);
  CHECK(stats.letters.median == 4);
  CHECK(stats.letters.most == 6);
  CHECK(stats.width.most == 100);
  CHECK(stats.height.least == 16);
  CHECK(stats.model_width.least == 20);
  CHECK(stats.model_width.median == 60);
  CHECK(stats.uses.size() == 9);  // o n e space f u r t h
}

TEST_CASE("of no numbers the spread is nothing") {
  CHECK(spread_of({}).most == 0);
  CHECK(spread_of({5, 1, 9, 3}).median == 3);
  CHECK(dataset_stats({}).samples == 0);
}

TEST_CASE("letters are counted, with the labels that hold them and the first of these") {
  const std::vector<Sample> samples = {{"0.png", "ébb", "list.tsv", 2},
                                       {"1.png", "bé", "list.tsv", 3},
                                       {"2.png", "ab", "list.json", 7}};
  const auto uses = letter_uses(samples);
  REQUIRE(uses.size() == 3);
  CHECK(uses[0].letter == U'a');
  CHECK(uses[0].first == "list.json:7");
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
