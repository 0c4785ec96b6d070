#include "ocr/learning_record.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "ocr/json_numbers.h"

namespace talweg::ocr {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// JSON has no NaN; its null stands for it.
nlohmann::ordered_json json_of(const LearningPoint& p) {
  return {{"step", p.step},       {"words", p.words},
          {"loss", p.loss},       {"cer", p.cer},
          {"exact", p.exact},     {"lr", p.learning_rate},
          {"seconds", p.seconds}, {"words_per_second", p.words_per_second}};
}

LearningPoint point_of(const nlohmann::ordered_json& j) {
  const auto number = [&](const char* key) {
    return j.at(key).is_null() ? kNone : j.at(key).get<double>();
  };
  LearningPoint p;
  p.step = count_in(j, "step");
  p.words = count_in(j, "words");
  p.loss = number("loss");
  p.cer = number("cer");
  p.exact = number("exact");
  p.learning_rate = number("lr");
  p.seconds = number("seconds");
  p.words_per_second = number("words_per_second");
  return p;
}

}  // namespace

std::string to_json(const LearningPoint& point) { return json_of(point).dump(); }

LearningRecord::LearningRecord(const LearningRules& rules) : rules_(rules) {
  expect(rules.every >= 1, "[learning] at least one step lies between two measurements, asked for ",
         rules.every);
  expect(rules.patience >= 0, "[learning] patience is a number of measurements, 0 for endless; ",
         "asked for ", rules.patience);
}

std::string LearningRecord::to_json() const {
  nlohmann::ordered_json j{{"every", rules_.every},
                           {"keep_best", rules_.keep_best},
                           {"patience", rules_.patience},
                           {"step", step_},
                           {"words", words_},
                           {"lr", learning_rate_},
                           {"loss_sum", loss_sum_},
                           {"loss_count", loss_count_},
                           {"points", nlohmann::ordered_json::array()}};
  for (const LearningPoint& p : points_) j["points"].push_back(json_of(p));
  return j.dump();
}

LearningRecord LearningRecord::from_json(std::string_view text) {
  const auto damaged = [](const std::exception& e) {
    return IoError(message("the checkpoint's record of its learning is damaged (", e.what(), ")"));
  };
  try {
    const auto j = nlohmann::ordered_json::parse(text);
    LearningRecord record({count_in(j, "every"), j.at("keep_best"), count_in(j, "patience")});
    record.step_ = count_in(j, "step");
    record.words_ = count_in(j, "words");
    j.at("lr").get_to(record.learning_rate_);
    j.at("loss_sum").get_to(record.loss_sum_);
    record.loss_count_ = count_in(j, "loss_count");
    for (const auto& point : j.at("points")) record.points_.push_back(point_of(point));
    return record;
  } catch (const nlohmann::json::exception& e) {
    throw damaged(e);
  } catch (const Error& e) {
    throw damaged(e);
  }
}

void LearningRecord::add_step(const TrainingReport& report) {
  step_ = report.step + 1;
  words_ = report.images;
  learning_rate_ = report.learning_rate;
  loss_sum_ += report.loss;
  ++loss_count_;
}

bool LearningRecord::is_due(int64_t steps_of_the_plan) const {
  return step_ % rules_.every == 0 || step_ == steps_of_the_plan;
}

const LearningPoint& LearningRecord::add_point(const Score& score, double seconds) {
  LearningPoint p;
  p.step = step_;
  p.words = words_;
  p.loss = loss_count_ > 0 ? loss_sum_ / double(loss_count_) : kNone;
  p.cer = score.words > 0 ? score.cer() : kNone;
  p.exact = score.words > 0 ? score.exact_rate() : kNone;
  p.learning_rate = learning_rate_;
  p.seconds = seconds;
  const LearningPoint before = points_.empty() ? LearningPoint() : points_.back();
  const double passed = seconds - before.seconds;
  p.words_per_second = passed > 0 ? double(words_ - before.words) / passed : 0;
  loss_sum_ = 0, loss_count_ = 0;
  points_.push_back(p);
  return points_.back();
}

const LearningPoint* LearningRecord::best() const {
  const LearningPoint* best = nullptr;
  for (const LearningPoint& p : points_) {
    if (!std::isnan(p.cer) && (best == nullptr || p.cer <= best->cer)) best = &p;
  }
  return best;
}

const LearningPoint* LearningRecord::kept() const {
  if (rules_.keep_best && best() != nullptr) return best();
  return points_.empty() ? nullptr : &points_.back();
}

int64_t LearningRecord::measurements_since_better() const {
  int64_t since = 0;
  double least = std::numeric_limits<double>::infinity();
  for (const LearningPoint& p : points_) {
    ++since;
    if (p.cer < least) least = p.cer, since = 0;
  }
  return since;
}

bool LearningRecord::out_of_patience() const {
  return rules_.patience > 0 && measurements_since_better() >= rules_.patience;
}

}  // namespace talweg::ocr
