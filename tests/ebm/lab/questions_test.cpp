#include "ebm/lab/questions.h"

#include <doctest/doctest.h>

#include <set>

using namespace talweg;
using namespace talweg::ebm::lab;

TEST_CASE("all eighteen questions are answered, with code and evidence, each its own") {
  std::set<std::string> asked;
  CHECK(questions().size() == 18);
  for (const Question& q : questions()) {
    CAPTURE(q.question);
    CHECK(asked.insert(q.question).second);
    CHECK(q.answer.size() > 60);
    CHECK(!q.code.empty());
    CHECK(!q.evidence.empty());
  }
}

TEST_CASE("the chapter quotes the numbers of the run, and says where there are none") {
  Experiment e3;
  e3.id = "E3";
  Findings found;
  found.measurements.push_back(within_bound("gap after 7 steps", 2.5, 2.25, 1, "a test"));
  const std::vector<Result> results{{e3, found}};
  io::HtmlPage page("test");
  add_questions(page, results);
  const std::string html = page.str();
  CHECK(html.find("E3: gap after 7 steps: predicted 2.5, measured 2.25") != std::string::npos);
  CHECK(html.find("E11: not among the experiments of this run") != std::string::npos);
}
