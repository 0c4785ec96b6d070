#include "ocr/explore_page.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "core/rng.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

Recognizer untrained() {
  const auto architecture = Architecture::parse("net/4p-8p-8v-8-c16/plain");
  const Alphabet letters(U"abc");
  const auto network = make_network(architecture, letters.size(), Rng(3));
  return Recognizer(architecture, letters, network.parameters, ebm::Topology::margins);
}

io::Gray8 blots(int width = 64) {
  io::Gray8 image(width, 32, 255);
  Rng rng(4);
  for (uint8_t& p : image.pixels) p = rng.uniform() < 0.2 ? 0 : 255;
  return image;
}

/// The data in a page.
nlohmann::json data_of(const std::string& html) {
  const std::string open = "id=\"data\">";
  const std::size_t begin = html.find(open) + open.size();
  return nlohmann::json::parse(html.substr(begin, html.find("</script>", begin) - begin));
}

nlohmann::json explored(const io::Gray8& image, const ExploreOptions& options) {
  const NamedImage named{"a & <b>.png", image};
  return data_of(explore_page(untrained(), {&named, 1}, options).str()).at("images").at(0);
}

TEST_CASE("the page holds the reading first, the best words, and the one that was asked for") {
  const Recognizer recognizer = untrained();
  const Reading reading = recognizer.read(blots());
  const auto image = explored(blots(), {.alternatives = 3, .text = "cccc"});
  CHECK(image.at("name") == "a & <b>.png");
  const auto& words = image.at("words");
  REQUIRE(words.size() >= 3);
  CHECK(words.at(0).at("t") == reading.text);
  CHECK(words.at(0).at("c").size() == reading.characters.size());
  CHECK(words.at(0).at("e").get<double>() == doctest::Approx(reading.energy).epsilon(1e-2));
  CHECK(words.back().at("t") == "cccc");
  CHECK(words.back().contains("sal"));
  const std::size_t windows = image.at("n");
  CHECK(windows == std::size_t(recognizer.energies(blots()).windows));
  CHECK(image.at("e").get<std::string>().size() >= windows * image.at("sym").size() * 2);
  CHECK(image.at("note") == "");
}

TEST_CASE("a text without a path is said to have none, and an image without windows too") {
  CHECK(contains(explored(blots(), {.text = "abz"}).at("note").get<std::string>(), "'z' (U+007A)"));
  const auto narrow = explored(io::Gray8(1, 400, 255), {});
  CHECK(narrow.at("words").empty());
  CHECK(contains(narrow.at("note").get<std::string>(), "too short"));
}

TEST_CASE("the page of a wide line stays small, with fewer symbols") {
  const io::Gray8 wide = blots(6000);
  const NamedImage named{"wide.png", wide};
  const std::string html = explore_page(untrained(), {&named, 1}, {.alternatives = 2}).str();
  CHECK(html.size() < 2'000'000);
}

TEST_CASE("markup in names and texts stays text") {
  const NamedImage named{"</script><u>.png", blots()};
  const std::string html = explore_page(untrained(), {&named, 1}, {.text = "</script>"}).str();
  CHECK_FALSE(contains(html, "<u>"));
  CHECK(contains(html, "&lt;/script&gt;&lt;u&gt;.png"));
}

}  // namespace
}  // namespace talweg::ocr
