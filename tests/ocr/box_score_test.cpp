#include "ocr/box_score.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

CharReading character(double x0, double x1, double y0, double y1) {
  return {"a", x0, x1, y0, y1, 1, {}};
}

TEST_CASE("columns in common over columns of either") {
  CHECK(interval_iou(0, 10, 0, 10) == 1);
  CHECK(interval_iou(0, 10, 5, 15) == doctest::Approx(5.0 / 15));
  CHECK(interval_iou(2, 4, 0, 10) == doctest::Approx(0.2));
  CHECK(interval_iou(0, 4, 4, 8) == 0);
  CHECK(interval_iou(0, 4, 6, 8) == 0);
  CHECK(interval_iou(3, 3, 0, 10) == 0);
}

TEST_CASE("boxes are compared character by character, where the word was read right") {
  const BoxTable table{{"a.png", {{0, 0, 10, 20}, {10, 10, 10, 10}, {20, 0, 30, 20}}},
                       {"b.png", {{0, 0, 10, 20}}}};
  BoxScorer scorer(table);
  // The first is right in its columns and half in its rows; the second a space; the third half aside.
  const std::vector<CharReading> word{character(0, 10, 0, 10), character(10, 20, 0, 20),
                                      character(25, 35, 0, 20)};
  scorer.add("folder/a.png", word, true);
  scorer.add("b.png", std::span(word).first(1), false);  // another letter was read
  scorer.add("c.png", word, true);                       // nobody knows its boxes
  scorer.add("b.png", word, true);                       // three characters, one box
  const BoxScore score = scorer.score();
  CHECK(score.words == 1);
  CHECK(score.misread == 1);
  CHECK(score.unknown == 2);
  CHECK(score.characters == 2);
  CHECK(score.columns == doctest::Approx((1 + 1.0 / 3) / 2));
  CHECK(score.areas == doctest::Approx((0.5 + 1.0 / 3) / 2));
  CHECK(score.halves == 1);
}

TEST_CASE("the true boxes score 1, and no word at all scores 0 of nothing") {
  const BoxTable table{{"a.png", {{0, 2, 7, 20}, {9, 3, 12, 30}}}};
  BoxScorer scorer(table);
  CHECK(scorer.score().characters == 0);
  CHECK(scorer.score().columns == 0);
  scorer.add("a.png", std::vector{character(0, 7, 2, 20), character(9, 12, 3, 30)}, true);
  CHECK(scorer.score().columns == 1);
  CHECK(scorer.score().areas == 1);
}

TEST_CASE("a table is read as render writes it, and a wrong line is named") {
  const ScratchFolder folder;
  const std::string header = "file\tindex\ttext\tx0\ty0\tx1\ty1\n";
  const BoxTable table = load_boxes(folder.write(
      "boxes.tsv",
      header + "0.png\t0\tH\t1\t2\t3\t4\n0.png\t1\ti\t5\t6\t7\t8\n1.png\t0\tx\t0\t0\t9\t9\n"));
  REQUIRE(table.size() == 2);
  CHECK(table.at("0.png") == std::vector<CharBox>{{1, 2, 3, 4}, {5, 6, 7, 8}});
  const auto refused = [&](const std::string& lines) {
    return thrown<IoError>([&] { load_boxes(folder.write("bad.tsv", lines)); });
  };
  CHECK(
      contains(refused(header + "0.png\t0\tH\t1\t2\t3\n"), "bad.tsv:2: expected the seven cells"));
  CHECK(contains(refused(header + "0.png\t0\tH\t1\t2\t3\tx\n"), "bad.tsv:2"));
  CHECK(contains(refused("0.png\t1\tH\t1\t2\t3\t4\n"), "character 1 where that of character 0"));
  CHECK(contains(refused(header), "holds no boxes"));
}

}  // namespace
}  // namespace talweg::ocr
