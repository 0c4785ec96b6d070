// Runs rows: checks them, measures them in turns, and says what it found.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/record.h"
#include "bench/suite.h"

namespace talweg::bench {

enum class Cold { none, weights, all };

/// How to measure.
struct RunOptions {
  double seconds = 0.4;  ///< timed, a row
  int turns = 25;        ///< samples a row, fewer where one run takes long
  Cold cold = Cold::none;
  bool pin = false;
  std::string against = {};  ///< a way; empty: the reference of highest rank
  /// For commands that repeat something: how to measure, and, where all ways of a problem are meant,
  /// which ones there are.
  std::string how_options = {}, what_options = {};
};

/// Sets OpenMP's threads (pinned if asked) and the instruction set of a row while it lives.
class RowScope {
 public:
  RowScope(const Row& row, bool pin);
  ~RowScope();
  RowScope(const RowScope&) = delete;
  RowScope& operator=(const RowScope&) = delete;

 private:
  int threads_before_;
  kernels::ScopedIsa isa_;
};

/// A row that passed its check.
struct Ready {
  const Row* row;
  const Work* work;
};

/// Measures rows in turns. The one in clock.h leaves the loop to Google Benchmark; that of the tests
/// makes times up.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Decides how many runs a sample of at least so many seconds has, row by row. They are the
  /// warm-up too. Returns seconds a sample takes.
  virtual std::vector<double> start(const std::vector<Ready>& rows, double sample_seconds) = 0;
  /// One sample of each row: seconds a run.
  virtual std::vector<double> turn() = 0;
};

/// Rows in the order of their problems, each problem's together.
std::vector<std::vector<const Row*>> by_problem(const std::vector<const Row*>& rows);

/// Those that the filter means: a group, or else a part of the name, or a regular expression that the
/// name holds. Empty: the convolutions of --shape or, without any, the rows of a run without a
/// filter. Throws Error where no row is left.
std::vector<const Row*> select(const Suite& suite, const std::string& filter, bool smoke);

/// About how long it will take.
double expected_seconds(const std::vector<const Row*>& rows, const RunOptions& options);

/// All ways of one problem. Never throws for a row's sake: what goes wrong is the record's failure.
std::vector<RowRecord> run_problem(const std::vector<const Row*>& rows, const RunOptions& options,
                                   const Probes& probes, Clock& clock);

}  // namespace talweg::bench
