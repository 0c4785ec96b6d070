#include "ebm/lab/experiments.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "core/error.h"
#include "ebm/lab/report.h"

using namespace talweg;
using namespace talweg::ebm::lab;

TEST_CASE("every experiment holds, and its planted fault turns the verdict") {
  for (const Result& result : run_all(experiments(), {})) {
    for (const Measurement& m : result.findings.measurements) {
      CHECK_MESSAGE(m.holds(), result.experiment.id << " " << m.what << ": predicted "
                                                    << m.predicted << ", measured " << m.measured
                                                    << ", tolerance " << m.tolerance);
    }
    CHECK(result.findings.verdict());
    CHECK(!result.findings.figures.empty());
  }
  for (const Result& result : run_all(experiments(), {.fault = true})) {
    CHECK_MESSAGE(!result.findings.verdict(),
                  result.experiment.id << " did not notice: " << result.experiment.fault);
  }
}

TEST_CASE("every experiment says what it asks, how, and what its fault is") {
  std::set<std::string> names;
  for (const Experiment& e : experiments()) {
    CHECK(names.insert(e.name).second);
    CHECK(names.insert(e.id).second);
    for (const std::string* s : {&e.title, &e.question, &e.method, &e.fault}) CHECK(!s->empty());
  }
}

TEST_CASE(
    "a measurement holds within its tolerance, on the side that is asked for, and NaN never") {
  CHECK(within_bound("", 1, 1.1, 0.11, "").holds());
  CHECK(!within_bound("", 1, 1.1, 0.09, "").holds());
  CHECK(within_errors("", 1, 1.3, 0.1).holds());
  CHECK(!within_errors("", 1, 1.5, 0.1).holds());
  CHECK(at_most("", 1, -5, 0, "").holds());
  CHECK(!at_most("", 1, 1.2, 0.1, "").holds());
  CHECK(at_least("", 1, 5, 0, "").holds());
  CHECK(!at_least("", 1, 0.8, 0.1, "").holds());
  const double nan = std::nan("");
  for (const auto& m : {within_bound("", 1, nan, 1, ""), at_most("", 1, nan, 1, ""),
                        at_least("", 1, nan, 1, ""), within_bound("", 1, 1, nan, "")}) {
    CHECK(!m.holds());
  }
  CHECK(!Findings{}.verdict());
}

TEST_CASE("a mean over repeats has the standard error of the textbook") {
  const Estimate e = estimate(std::vector<double>{1, 2, 3, 4});
  CHECK(e.mean == 2.5);
  CHECK(e.standard_error == doctest::Approx(std::sqrt(5.0 / 3 / 4)));
  CHECK_THROWS_AS(estimate(std::vector<double>{1}), Error);
}

TEST_CASE("an experiment's section shows question, numbers and verdict") {
  io::HtmlPage page("Laboratory");
  Findings f;
  f.measurements.push_back(within_bound("the answer", 42, 41, 0.5, "a bound"));
  add_section(page, {"E0", "zero", "Title", "Why?", "So.", "a slip", nullptr}, f);
  const std::string html = page.str();
  for (const char* part :
       {"E0. Title", "Why?", "the answer", "42", "a bound", "REFUTED", "a slip"}) {
    CHECK(html.find(part) != std::string::npos);
  }
}

TEST_CASE("Student's quantiles are those of the tables, and 4 for very many repeats") {
  // Two-sided 5 % and 0.1 %, as printed everywhere.
  CHECK(student_quantile(1, 0.05) == doctest::Approx(12.706).epsilon(1e-4));
  CHECK(student_quantile(2, 0.05) == doctest::Approx(4.303).epsilon(1e-4));
  CHECK(student_quantile(5, 0.05) == doctest::Approx(2.571).epsilon(1e-3));
  CHECK(student_quantile(11, 0.001) == doctest::Approx(4.437).epsilon(1e-4));
  CHECK(student_quantile(30, 0.001) == doctest::Approx(3.646).epsilon(1e-4));
  CHECK(student_quantile(1'000'000) == doctest::Approx(4).epsilon(1e-4));
  CHECK_THROWS_AS(student_quantile(0), Error);
  CHECK_THROWS_AS(student_quantile(3, 0), Error);
  CHECK_THROWS_AS(student_quantile(3, std::nan("")), Error);
}

TEST_CASE("a mean of few repeats reaches as far as Student's quantile says") {
  const Estimate e = estimate(std::vector<double>{1, 2, 3, 4});
  const double reach = student_quantile(3) * e.standard_error;
  CHECK(e.reach() == reach);
  CHECK(within_repeats("", 2.5 + 0.99 * reach, e).holds());
  CHECK(!within_repeats("", 2.5 + 1.01 * reach, e).holds());
  CHECK(clearly_above("", 2.5 - 1.01 * reach, e).holds());
  CHECK(!clearly_above("", 2.5 - 0.99 * reach, e).holds());
  CHECK(clearly_below("", 2.5 + 1.01 * reach, e).holds());
  CHECK(!clearly_below("", 2.5 + 0.99 * reach, e).holds());
  const Estimate lost = estimate(std::vector<double>{1, std::nan("")});
  CHECK(!clearly_above("", 0, lost).holds());
  CHECK(!clearly_below("", 0, lost).holds());
}
