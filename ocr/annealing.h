// How warm the aligner is while training: from all paths of a word to the best one alone.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace talweg::ocr {

/// The inverse temperature beta of each step on words. Written as
///   inf, 1      that beta throughout; inf, the default, follows the best path from the start
///   0.3:10      rises from the first to the last step, by the same factor each step
///   0.3:inf     rises so from 0.3 to kRise times 0.3 over the first half, then the best path alone
/// A warm start weighs every path by exp(-beta E), so that an early guess of the best one does not
/// decide what the network learns.
struct BetaSchedule {
  static constexpr double kHard = std::numeric_limits<double>::infinity();
  static constexpr double kRise = 100;

  double first = kHard, last = kHard;

  /// Of step 0 <= `step` < `steps`.
  double at(int64_t step, int64_t steps) const;
  std::string to_string() const;
  /// The inverse, exactly. Throws Error, saying what may be written, for anything else, for a beta
  /// that is not above 0, and for a schedule that falls.
  static BetaSchedule parse(const std::string& text);

  bool operator==(const BetaSchedule&) const = default;
};

}  // namespace talweg::ocr
