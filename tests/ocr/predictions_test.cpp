#include "ocr/predictions.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

TEST_CASE("predictions are matched by file name, with a header or without") {
  const ScratchFolder folder;
  const Predictions plain = load_predictions(folder.write("a.tsv", "x/1.png\tone\n2.png\t\n\n"));
  REQUIRE(plain.size() == 2);
  CHECK(plain.at("1.png").text == "one");
  CHECK(plain.at("2.png").text.empty());
  CHECK_FALSE(plain.at("1.png").confidence);
  const Predictions headed = load_predictions(
      folder.write("b.tsv", "file\ttext\tnote\tconfidence\n1.png\tone\t-\t0.25\n"));
  CHECK(headed.at("1.png").confidence == 0.25);
}

TEST_CASE("a third column is a confidence where it is a number from 0 to 1 in every line") {
  const ScratchFolder folder;
  const auto third = [&](const std::string& lines) {
    return load_predictions(folder.write("c.tsv", lines)).at("1.png").confidence;
  };
  CHECK(third("1.png\tone\t0.5\n2.png\ttwo\t1\n") == 0.5);
  CHECK_FALSE(third("1.png\tone\t0.5\n2.png\ttwo\n"));
  CHECK_FALSE(third("1.png\tone\t0.5\n2.png\ttwo\t95\n"));
  CHECK_FALSE(third("1.png\tone\tserif\n"));
  CHECK_FALSE(third("file\ttext\tlength\n1.png\tone\t1\n"));
}

TEST_CASE("a prediction that can't be meant is named by its line") {
  const ScratchFolder folder;
  const auto refused = [&](const std::string& lines) {
    return thrown<IoError>([&] { load_predictions(folder.write("d.tsv", lines)); });
  };
  CHECK(contains(refused("1.png\tone\n2.png two\n"), "d.tsv:2: expected 'file<TAB>text'"));
  CHECK(contains(refused("1.png\t\xff\n"), "d.tsv:1: the prediction is not UTF-8"));
  CHECK(contains(refused("file\ttext\tconfidence\n1.png\tone\t95\n"), "confidence is '95'"));
  CHECK(contains(refused("file\ttext\tconfidence\n1.png\tone\n"), "confidence is missing"));
}

}  // namespace
}  // namespace talweg::ocr
