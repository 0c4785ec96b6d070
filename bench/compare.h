// Two runs side by side: which rows became slower, beyond doubt.
#pragma once

#include <string>
#include <vector>

#include "bench/record.h"

namespace talweg::bench {

enum class Verdict {
  same,  ///< within the threshold, by median or at its best, or the interval holds 1
  faster,
  slower,  ///< a regression
  broke,   ///< a number before, a failure now: a regression too
  mended,
  no_number,  ///< in neither
};

struct Comparison {
  std::string name;
  Verdict verdict = Verdict::same;
  Interval ratio;  ///< time of B over that of A: above 1 is slower
};

/// Row by row, by name, in B's order. `threshold` is a part: 0.03 for 3 %.
std::vector<Comparison> compare(const RunRecord& a, const RunRecord& b, double threshold);

/// Why the runs cannot be held against each other: another processor, instruction set or settings.
/// Empty where they can.
std::string difference(const RunRecord& a, const RunRecord& b);

/// "3%", "0.03" and "3" (percent, as 1 or more) alike; throws Error for anything else.
double parse_threshold(const std::string& text);

struct Outcome {
  int code = 0;       ///< 0 no regression, 1 a regression, 2 machines too different to compare
  std::string text;   ///< for stdout
  std::string notes;  ///< for stderr
};

/// Compares two files that --json wrote. Throws IoError for a file that is none, Error where no row is
/// in both.
Outcome compare_files(const std::string& a, const std::string& b, const std::string& threshold,
                      bool across_machines);

}  // namespace talweg::bench
