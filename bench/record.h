// What a run found: the one structure that the table, JSON, CSV, plot and `compare` read.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bench/bandwidth.h"
#include "bench/machine.h"
#include "bench/roofline.h"
#include "bench/stats.h"

namespace talweg::bench {

/// Whether the bits are those of one thread.
enum class SameBits { not_asked, yes, no };

struct RowRecord {
  std::string problem, way, isa;
  int threads = 1;
  std::vector<std::string> groups;
  bool in_sum = true;
  double nominal_flop = 0, executed_flop = 0, bytes = 0, units = 0;
  std::string unit;

  std::vector<double> samples;  ///< seconds a run, in the order they were taken
  /// Why there is no number: a wrong result, or an error thrown. Empty where all is well.
  std::string failure;
  double error = -1;  ///< relative L2 against double; < 0 where it was not checked
  double error_bound = 0;
  SameBits same_bits = SameBits::not_asked;
  Roof roof;
  std::string roof_level;      ///< of memory: "L2", "memory"
  std::string reference;       ///< the way that `ratio` compares with; empty: none
  Interval ratio = {0, 0, 0};  ///< times as fast as the reference
  Disturbance disturbance = {};
  std::string note;
  std::string command;          ///< repeats the row
  std::string problem_command;  ///< repeats the problem, all its ways; not in files

  std::string name() const { return problem + "/" + way + "/" + std::to_string(threads) + "t"; }
  bool ok() const { return failure.empty() && !samples.empty(); }
  Summary summary() const { return summarize(samples); }
};

/// Figures of a row, from its median time. 0 where the row has no such count.
struct Figures {
  double nominal_gflops = 0, executed_gflops = 0, gbs = 0;
  double peak_percent = 0;   ///< nominal GFLOP/s of the measured peak, all threads
  double bound_gflops = 0;   ///< the roofline's, nominal
  double bound_percent = 0;  ///< least possible time of the median
  double units_per_second = 0;
};
Figures figures(const RowRecord& row);

/// Ceilings, measured: GFLOP/s by instruction set and threads, memory by threads.
struct Probes {
  std::map<std::string, std::map<int, double>> peak;
  std::map<int, std::vector<Bandwidth>> bandwidth;
  double ghz = 0;  ///< cycles a second; 0 where not measured
};
Probes probe(const std::vector<std::string>& isas, const std::vector<int>& threads);

/// The ceiling (multiply-adds; memory beyond the caches) that changed most between two probes.
struct Drift {
  double amount = 0;  ///< relative to the lower of the two
  std::string ceiling = {};
};
Drift drift(const Probes& before, const Probes& after);
inline constexpr double kNoisyDrift = 0.03;

/// All rows of a group that count, one way and number of threads.
struct Sum {
  std::string group, way;
  int threads = 1;
  int problems = 0;
  double seconds = 0;
  std::string reference = {};  ///< the way `ratio` compares with; empty: none
  Interval ratio = {0, 0, 0};  ///< times as fast
  std::string fastest = {};    ///< "<family of the reference>/fastest", for other families
  Interval over_fastest = {0, 0, 0};
  Interval over_one_thread = {0, 0, 0};  ///< times as fast as on one thread; 0 where not measured
};

/// For each group with two or more problems, the ways that have a number for all of them. Where the
/// reference has rivals of other families, its own ("onednn/...") also gets "<family>/fastest", the
/// fastest of its ways problem by problem.
/// Ratios compare with the reference of the group's rows.
std::vector<Sum> sums(const std::vector<RowRecord>& rows);

struct RunRecord {
  Machine machine;
  std::string started;  ///< UTC
  std::map<std::string, std::string> settings;
  Probes before, after;
  std::vector<RowRecord> rows;

  Drift drift() const { return bench::drift(before, after); }
  bool noisy() const { return drift().amount > kNoisyDrift; }
};

}  // namespace talweg::bench
