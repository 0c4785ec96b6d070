#include "ocr/held_out.h"

#include <doctest/doctest.h>

#include <atomic>
#include <set>

#include "core/error.h"
#include "ocr/data_split.h"
#include "tests/ocr/scratch_folder.h"
#include "tests/ocr/small_training.h"

using namespace talweg;
using namespace talweg::ocr;

namespace {

std::vector<Sample> numbered(int count) {
  std::vector<Sample> samples;
  for (int i = 0; i < count; ++i) samples.push_back({std::to_string(i) + ".png", "a", "list", i});
  return samples;
}

std::set<int> lines(const std::vector<Sample>& samples) {
  std::set<int> lines;
  for (const Sample& s : samples) lines.insert(s.line);
  return lines;
}

}  // namespace

TEST_CASE("drawn words are drawn once, and read in order") {
  std::atomic<int> drawn = 0;
  const HeldOut words(300, [&](int64_t i) {
    ++drawn;
    return HeldOutWord{io::Gray8(40, 32, 255), std::string(std::size_t(1 + i % 3), 'a'), ""};
  });
  const FontSource source = font_source();
  const Recognizer recognizer = WordTrainer(small_plan(6, 6), source).recognizer();
  const auto pairs = read_held_out(recognizer, words), again = read_held_out(recognizer, words);
  REQUIRE(pairs.size() == 300);
  CHECK(drawn == 300);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    CHECK(pairs[i].reference.size() == 1 + i % 3);
    CHECK(pairs[i].hypothesis == again[i].hypothesis);
  }
  CHECK_THROWS_AS(words[300], Error);
}

TEST_CASE("images on disk are read when they are asked for") {
  const ScratchFolder folder;
  write_sample(folder.path(), "one", io::Gray8(40, 32, 7), "a");
  const HeldOut words(std::vector<Sample>{{folder / "one.png", "a", folder / "one.gt.txt", 1}});
  CHECK(words[0].image.at(0, 0) == 7);
  CHECK(words[0].text == "a");
  CHECK(words[0].name == folder / "one.png");
  CHECK(HeldOut().empty());
}

TEST_CASE("what can't be drawn or read is said") {
  const HeldOut drawn(4, [](int64_t i) -> HeldOutWord { throw Error(message("no word ", i)); });
  CHECK_THROWS_WITH_AS(drawn[2], "no word 0", Error);
  const HeldOut missing(std::vector<Sample>{{"nowhere.png", "a", "", 1}});
  CHECK_THROWS_WITH_AS(missing[0], doctest::Contains("nowhere.png"), IoError);
}

TEST_CASE("a split is the same for the same seed, and leaves nothing out") {
  const DataSplit a = split(numbered(50), 0.8, 3), b = split(numbered(50), 0.8, 3);
  CHECK(a.train.size() == 40);
  CHECK(a.validation.size() == 10);
  CHECK(lines(a.train) == lines(b.train));
  std::set<int> all = lines(a.train);
  all.merge(lines(a.validation));
  CHECK(all.size() == 50);
  CHECK(lines(split(numbered(50), 0.8, 4).train) != lines(a.train));
}

TEST_CASE("a share below 1 leaves both sides at least one sample; a share of 1 validates on none") {
  for (const double part : {0.05, 0.5, 0.95}) {
    const DataSplit two = split(numbered(2), part, 1);
    CHECK(two.train.size() == 1);
    CHECK(two.validation.size() == 1);
  }
  CHECK(split(numbered(9), 1, 1).validation.empty());
  CHECK(split(numbered(1), 0.5, 1).train.size() == 1);
  CHECK_THROWS_WITH_AS(split(numbered(2), 0, 1), doctest::Contains("(0, 1]"), Error);
}
