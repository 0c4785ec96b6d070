// What is measured while a model learns, and what follows from it: which of its states to keep, and
// when to give up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ocr/metrics.h"
#include "ocr/training.h"

namespace talweg::ocr {

/// A measurement between two steps.
struct LearningPoint {
  int64_t step = 0;   ///< steps taken before it
  int64_t words = 0;  ///< images seen in them
  double loss = 0;    ///< mean of the steps since the point before; NaN where there was none
  double cer = 0, exact = 0;    ///< of the validation words, as shares; NaN where there are none
  double learning_rate = 0;     ///< of the last step
  double seconds = 0;           ///< spent in training until then, by the clock
  double words_per_second = 0;  ///< since the point before, by the clock
};

/// One JSON object without a line end, as a log has it: step, words, loss, cer, exact, lr, seconds,
/// words_per_second. NaN is null.
std::string to_json(const LearningPoint& point);

/// When to measure, which state to keep, when to give up.
struct LearningRules {
  int64_t every = 1;      ///< steps between two measurements
  bool keep_best = true;  ///< the state of least CER, of equals the latest; else the last
  int64_t patience = 0;   ///< measurements in a row without a lower CER that end training; 0: never
};

/// A run's measurements. A checkpoint remembers them, so that a resumed run decides as an undisturbed
/// one would.
class LearningRecord {
 public:
  /// Throws Error where a number is below what its meaning allows.
  explicit LearningRecord(const LearningRules& rules);
  /// The inverse of to_json(). Throws IoError where `text` is damaged.
  static LearningRecord from_json(std::string_view text);
  std::string to_json() const;

  /// Counts a step in. Every step of a run is to be told, in order.
  void add_step(const TrainingReport& report);
  /// Is a measurement due behind the steps counted so far? Behind every `every`-th, and the last.
  bool is_due(int64_t steps_of_the_plan) const;
  /// Adds what was measured behind them, `seconds` of training into the run. `score` of no words:
  /// there was nothing to measure on.
  const LearningPoint& add_point(const Score& score, double seconds);

  const LearningRules& rules() const { return rules_; }
  /// Images seen in the steps counted so far.
  int64_t words() const { return words_; }
  const std::vector<LearningPoint>& points() const { return points_; }
  /// The point of least CER, of equals the latest; nullptr where nothing was measured.
  const LearningPoint* best() const;
  /// The point of the state to keep.
  const LearningPoint* kept() const;
  /// Measurements after the first one of the least CER: the ones that lowered nothing.
  int64_t measurements_since_better() const;
  bool out_of_patience() const;

 private:
  LearningRules rules_;
  std::vector<LearningPoint> points_;
  int64_t step_ = 0, words_ = 0;
  double learning_rate_ = 0;
  double loss_sum_ = 0;  // since the last point
  int64_t loss_count_ = 0;
};

}  // namespace talweg::ocr
