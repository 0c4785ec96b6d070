#include "ocr/learning_record.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "tests/ocr/scratch_folder.h"

using namespace talweg;
using namespace talweg::ocr;

namespace {

/// A score of 1,000 letters in 100 words, of which these are wrong.
Score score_of(int64_t wrong) {
  Score s;
  s.words = 100;
  s.exact = 100 - wrong;
  s.edits = {.matches = 1000 - wrong, .substitutions = wrong};
  return s;
}

/// Counts `steps` steps in, each with the loss of its number.
void learn(LearningRecord& record, int64_t first, int64_t steps) {
  for (int64_t step = first; step < first + steps; ++step) {
    TrainingReport r;
    r.step = step;
    r.loss = double(step);
    r.learning_rate = 0.5;
    r.images = 10 * (step + 1);
    record.add_step(r);
  }
}

LearningRecord record_of(const std::vector<int64_t>& wrong, LearningRules rules = {}) {
  LearningRecord record(rules);
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    learn(record, int64_t(i), 1);
    record.add_point(score_of(wrong[i]), double(i));
  }
  return record;
}

}  // namespace

TEST_CASE("a point holds the mean loss since the one before, and the clock's figures") {
  LearningRecord record({});
  learn(record, 0, 4);
  const LearningPoint first = record.add_point(score_of(50), 2);
  CHECK(first.step == 4);
  CHECK(first.words == 40);
  CHECK(first.loss == 1.5);
  CHECK(first.cer == 0.05);
  CHECK(first.exact == 0.5);
  CHECK(first.learning_rate == 0.5);
  CHECK(first.words_per_second == 20);
  learn(record, 4, 2);
  const LearningPoint second = record.add_point(score_of(20), 6);
  CHECK(second.loss == 4.5);
  CHECK(second.words_per_second == 5);
}

TEST_CASE("a measurement is due behind every so many steps, and behind the last") {
  LearningRecord record({.every = 3});
  std::vector<int64_t> due;
  for (int64_t step = 0; step < 8; ++step) {
    learn(record, step, 1);
    if (record.is_due(8)) due.push_back(step + 1);
  }
  CHECK(due == std::vector<int64_t>{3, 6, 8});
}

TEST_CASE("of equally good states the latest is kept; only a better one renews patience") {
  CHECK(record_of({9, 5, 7, 5, 6}).best()->step == 4);
  CHECK(record_of({9, 5, 7, 5, 6}).kept()->step == 4);
  CHECK(record_of({9, 5, 7, 5, 6}, {.keep_best = false}).kept()->step == 5);
  CHECK(record_of({9, 5, 7, 5, 6}).measurements_since_better() == 3);
  CHECK(record_of({9, 5, 7, 5, 6}, {.patience = 3}).out_of_patience());
  CHECK_FALSE(record_of({9, 5, 7, 5, 6}, {.patience = 4}).out_of_patience());
  CHECK_FALSE(record_of({9, 5, 7, 5, 6}).out_of_patience());
  CHECK_FALSE(record_of({9, 5, 7, 5, 4}, {.patience = 1}).out_of_patience());
}

TEST_CASE("without words to measure on there is no best state, and the last is kept") {
  LearningRecord record({});
  CHECK(record.kept() == nullptr);
  learn(record, 0, 1);
  CHECK(std::isnan(record.add_point({}, 1).cer));
  CHECK(record.best() == nullptr);
  CHECK(record.kept()->step == 1);
}

TEST_CASE("a record read back goes on as if nothing had happened") {
  LearningRecord whole({.every = 2, .keep_best = true, .patience = 3});
  learn(whole, 0, 3);
  whole.add_point(score_of(7), 1.25);
  learn(whole, 3, 1);  // between two points
  LearningRecord again = LearningRecord::from_json(whole.to_json());
  CHECK(again.rules().every == 2);
  CHECK(again.rules().patience == 3);
  for (LearningRecord* record : {&whole, &again}) {
    learn(*record, 4, 2);
    record->add_point(score_of(8), 3);
  }
  CHECK(again.to_json() == whole.to_json());
  CHECK(again.best()->step == 3);
}

TEST_CASE("a line of the log is one JSON object; what was not measured is null") {
  LearningRecord record({});
  record.add_point({}, 0);
  const auto j = nlohmann::json::parse(to_json(record.points().front()));
  CHECK(j.at("step") == 0);
  CHECK(j.at("loss").is_null());
  CHECK(j.at("cer").is_null());
  for (const char* key : {"words", "exact", "lr", "seconds", "words_per_second"}) {
    CHECK(j.contains(key));
  }
}

TEST_CASE("a damaged record and impossible rules are refused") {
  CHECK(contains(thrown<IoError>([] { LearningRecord::from_json("{\"every\":1}"); }), "damaged"));
  std::string record = LearningRecord({}).to_json();
  const size_t every = record.find("\"every\":1");
  REQUIRE(every != std::string::npos);
  record[every + 8] = '0';
  CHECK(contains(thrown<IoError>([&] { LearningRecord::from_json(record); }), "damaged"));
  CHECK_THROWS_AS(LearningRecord({.every = 0}), Error);
  CHECK_THROWS_AS(LearningRecord({.patience = -1}), Error);
}
