#include "ebm/lab/report.h"

#include <doctest/doctest.h>
#include <omp.h>

#include "core/error.h"
#include "ebm/lab/experiments.h"

namespace talweg::ebm::lab {
namespace {

Findings holding(const RunOptions& options) {
  Findings found;
  found.measurements.push_back(
      within_bound("the seed", double(options.seed), double(options.seed), 0, "nothing"));
  return found;
}
Findings failing(const RunOptions&) {
  Findings found;
  found.measurements.push_back(within_bound("a number", 1, 2, 0.5, "nothing"));
  return found;
}
Findings throwing(const RunOptions&) { throw Error("no such luck"); }

Experiment fake(const char* id, const char* name, Findings (*run)(const RunOptions&)) {
  return {id, name, "A title", "A question", "A method", "A fault", run};
}

const std::vector<Experiment> kFakes{fake("E1", "first", holding), fake("E10", "tenth", failing)};

TEST_CASE("experiments are chosen by number or name, and unknown ones are refused by name") {
  using Names = std::vector<std::string>;
  CHECK(choose(kFakes, Names{}).size() == 2);
  CHECK(choose(kFakes, Names{"tenth"}).front().id == "E10");
  CHECK(choose(kFakes, Names{"E10", "first"}).front().id == "E1");
  CHECK_THROWS_WITH_AS(choose(kFakes, Names{"E100"}),
                       "there is no experiment 'E100'; choose among E1 first, E10 tenth", Error);
}

TEST_CASE("a report shows every experiment with its verdict") {
  const std::string page = lab_page(run_all(kFakes, {.seed = 7}), {.seed = 7}).str();
  for (const char* text : {"1 of 2 claims hold", "Seed 7", "E10. A title", "REFUTED", "A fault"}) {
    CHECK_MESSAGE(page.find(text) != std::string::npos, text);
  }
  CHECK(lab_page({}, {.fault = true}).str().find("on purpose") != std::string::npos);
}

TEST_CASE("measured points of a chart stand alone, with bars of two standard errors") {
  io::Series dots;
  add_point(dots, 1, 5, 0.5);
  add_point(dots, 2, 6, 0.25);
  const std::string svg = io::draw(io::LineChart{.series = {dots}});
  CHECK(svg.find("<polyline") == std::string::npos);
  CHECK(svg.find("<circle") != svg.rfind("<circle"));
  CHECK(dots.low[0] == 4);
  CHECK(dots.high[2] == 6.5);
}

TEST_CASE("every experiment is heard of once, and an exception waits for the others to end") {
  std::vector<Experiment> all = kFakes;
  all.push_back(fake("E11", "thrown", throwing));
  int heard = 0;
  const auto done = [&](std::size_t i, double seconds) {
    CHECK(i < 2);
    CHECK(seconds >= 0);
    ++heard;
  };
  CHECK_THROWS_WITH_AS(run_all(all, {}, done), "no such luck", Error);
  CHECK(heard == 2);
}

TEST_CASE("the same seed gives the same page for any number of threads") {
  const std::vector<Experiment> some =
      choose(experiments(), std::vector<std::string>{"noisy-labels", "beta-sweep"});
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const std::string alone = lab_page(run_all(some, {.seed = 3}), {.seed = 3}).str();
  omp_set_num_threads(2);
  const std::string together = lab_page(run_all(some, {.seed = 3}), {.seed = 3}).str();
  omp_set_num_threads(before);
  CHECK(alone == together);
  CHECK(alone != lab_page(run_all(some, {.seed = 4}), {.seed = 4}).str());
}

}  // namespace
}  // namespace talweg::ebm::lab
