#include "ocr/eval_report.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "ocr/eval_page.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

using Indices = std::vector<std::size_t>;

std::vector<EvaluatedWord> some_words() {
  return {{"a.png", {"abc", "abc"}, 0.9},
          {"b.png", {"abcd", "abcx"}, 0.8},
          {"c.png", {"ab", "xy"}, 0.1},
          {"d.png", {"ab", "cd"}, 0.3}};
}

TEST_CASE("the worst words have the largest share of errors, the surest mistakes most confidence") {
  const EvalReport report = make_report(some_words(), {}, 1);
  CHECK(worst_words(report, 10) == Indices{2, 3, 1});
  CHECK(worst_words(report, 1) == Indices{2});
  CHECK(worst_words(report, 0).empty());
  CHECK(surest_mistakes(report, 10) == Indices{1, 3, 2});
}

TEST_CASE("a report scores all words, and each group by itself") {
  const SampleGroups kinds{"kind", {"print", "print", "hand", "hand"}};
  const EvalReport report = make_report(some_words(), {&kinds, 1}, 1);
  CHECK(report.evaluation.total.exact == 1);
  REQUIRE(report.groups.size() == 1);
  CHECK(report.groups[0].name == "kind");
  CHECK(report.groups[0].scores.at("print").exact_rate() == 0.5);
  CHECK(report.groups[0].scores.at("hand").cer() == 1);
  REQUIRE(report.confidence);
  CHECK(*report.confidence->auroc == 1);
  const SampleGroups short_of_one{"kind", {"print", "print", "hand"}};
  CHECK_THROWS_AS(make_report(some_words(), {&short_of_one, 1}, 1), Error);
}

TEST_CASE("confidences are scored where every word has one") {
  std::vector<EvaluatedWord> words = some_words();
  words[2].confidence.reset();
  const EvalReport report = make_report(words, {}, 1);
  CHECK_FALSE(report.confidence);
  CHECK(surest_mistakes(report, 10) == Indices{1, 3});
}

TEST_CASE("the page marks what was read otherwise, and escapes what it shows") {
  const ScratchFolder folder;
  io::save_png(folder / "a.png", io::Gray8(40, 20, 200));
  EvalReport report = make_report({{folder / "a.png", {"a<b", "axb"}, {}}}, {}, 1);
  const std::string html = eval_page(report, nullptr, {.lead = "Two & one"}).str();
  CHECK(contains(html, "Two &amp; one"));
  CHECK(contains(html, "a<mark>&lt;</mark>b"));
  CHECK(contains(html, "a<mark>x</mark>b"));
  CHECK(contains(html, "data:image/png;base64"));
  CHECK_FALSE(contains(html, "Surest mistakes"));
}

}  // namespace
}  // namespace talweg::ocr
