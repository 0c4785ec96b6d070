#include "bench/record.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "core/kernels/fma_peak.h"

namespace talweg::bench {

Figures figures(const RowRecord& row) {
  Figures f;
  if (!row.ok()) return f;
  const double seconds = row.summary().median;
  f.nominal_gflops = row.nominal_flop / seconds * 1e-9;
  f.executed_gflops = row.executed_flop / seconds * 1e-9;
  f.gbs = row.bytes / seconds * 1e-9;
  f.units_per_second = row.units / seconds;
  if (row.roof.peak_gflops > 0) f.peak_percent = 100 * f.nominal_gflops / row.roof.peak_gflops;
  f.bound_gflops = bound_gflops(row.roof, row.nominal_flop, row.executed_flop, row.bytes);
  f.bound_percent = 100 * least_seconds(row.roof, row.executed_flop, row.bytes) / seconds;
  return f;
}

namespace {

/// Of all threads at once, for which all must have their processor for a moment: where others leave
/// them less than nine tenths of what one thread does alone, times the threads, it tries again.
double peak_of_all(const std::string& isa, int threads, double alone) {
  double best = 0;
  for (int attempt = 0; attempt < 8 && best < 0.9 * alone * threads; ++attempt) {
    best = std::max(best, kernels::fma_peak_gflops(isa, threads));
  }
  return best;
}

}  // namespace

Probes probe(const std::vector<std::string>& isas, const std::vector<int>& threads) {
  Probes probes;
  probes.ghz = kernels::effective_ghz();
  for (const int t : threads) {
    for (const std::string& isa : isas) {
      auto& peaks = probes.peak[isa];
      peaks[t] =
          peaks.contains(1) ? peak_of_all(isa, t, peaks[1]) : kernels::fma_peak_gflops(isa, t);
    }
    probes.bandwidth[t] = measure_bandwidth(t);
  }
  return probes;
}

Drift drift(const Probes& before, const Probes& after) {
  Drift worst;
  const auto add = [&](double a, double b, const std::string& ceiling) {
    if (a <= 0 || b <= 0) return;
    const double amount = std::max(a, b) / std::min(a, b) - 1;
    if (amount > worst.amount) worst = {amount, ceiling};
  };
  for (const auto& [isa, by_threads] : before.peak) {
    const auto found = after.peak.find(isa);
    if (found == after.peak.end()) continue;
    for (const auto& [threads, gflops] : by_threads) {
      const auto other = found->second.find(threads);
      if (other == found->second.end()) continue;
      add(gflops, other->second, message("multiply-adds of ", isa, ", threads: ", threads));
    }
  }
  for (const auto& [threads, levels] : before.bandwidth) {
    const auto found = after.bandwidth.find(threads);
    if (found == after.bandwidth.end() || levels.empty() || found->second.empty()) continue;
    add(levels.back().best(), found->second.back().best(),
        message("memory's bandwidth, threads: ", threads));
  }
  return worst;
}

namespace {

/// Rows of one group and number of threads, by way and problem.
using ByProblem = std::map<std::string, const RowRecord*>;
using ByWay = std::map<std::string, ByProblem>;

std::string family_of(const std::string& way) { return way.substr(0, way.find('/')); }

Samples samples_of(const ByProblem& rows) {
  Samples samples;
  for (const auto& [problem, row] : rows) samples.push_back(row->samples);
  return samples;
}

/// Adds "<family>/fastest", the fastest of the family problem by problem, if it covers them all and
/// has two ways or more.
void add_fastest(ByWay& ways, const std::string& family, size_t problems) {
  ByProblem fastest;
  int members = 0;
  for (const auto& [way, rows] : ways) {
    if (family_of(way) != family) continue;
    ++members;
    for (const auto& [problem, row] : rows) {
      const RowRecord*& best = fastest[problem];
      if (best == nullptr || row->summary().median < best->summary().median) best = row;
    }
  }
  if (members > 1 && fastest.size() == problems) ways[family + "/fastest"] = fastest;
}

bool belongs(const RowRecord& row, const std::string& group, int threads) {
  return row.threads == threads && row.in_sum &&
         std::find(row.groups.begin(), row.groups.end(), group) != row.groups.end();
}

/// The rows of a group that count, and its reference.
struct Table {
  ByWay ways;
  std::set<std::string> problems;
  std::string reference;

  /// All problems of one way, or null where one is missing.
  const ByProblem* whole(const std::string& way) const {
    const auto found = ways.find(way);
    return found != ways.end() && found->second.size() == problems.size() ? &found->second
                                                                          : nullptr;
  }
};

Table table_of(const std::string& group, int threads, const std::vector<RowRecord>& rows) {
  Table table;
  for (const RowRecord& row : rows) {
    if (!belongs(row, group, threads)) continue;
    table.problems.insert(row.problem);
    if (table.reference.empty()) table.reference = row.reference;
    if (row.ok()) table.ways[row.way][row.problem] = &row;
  }
  const std::string family = family_of(table.reference);
  bool rivals = false;
  for (const auto& [way, found] : table.ways) rivals = rivals || family_of(way) != family;
  if (rivals) add_fastest(table.ways, family, table.problems.size());
  return table;
}

void add_sums(const std::string& group, int threads, const std::vector<RowRecord>& rows,
              std::vector<Sum>& out) {
  const Table table = table_of(group, threads, rows);
  if (table.problems.size() < 2) return;
  const Table serial = table_of(group, 1, rows);
  const std::string fastest = family_of(table.reference) + "/fastest";
  for (const auto& [way, unused] : table.ways) {
    const ByProblem* found = table.whole(way);
    if (found == nullptr) continue;
    Sum sum = {.group = group,
               .way = way,
               .threads = threads,
               .problems = int(table.problems.size()),
               .seconds = 0};
    for (const auto& [problem, row] : *found) sum.seconds += row->summary().median;
    if (const ByProblem* base = table.whole(table.reference); base && way != table.reference) {
      sum.reference = table.reference;
      sum.ratio = speedup(samples_of(*base), samples_of(*found));
    }
    if (const ByProblem* base = table.whole(fastest);
        base && family_of(way) != family_of(table.reference)) {
      sum.fastest = fastest;
      sum.over_fastest = speedup(samples_of(*base), samples_of(*found));
    }
    if (const ByProblem* base = threads > 1 ? serial.whole(way) : nullptr; base) {
      sum.over_one_thread = speedup(samples_of(*base), samples_of(*found));
    }
    out.push_back(sum);
  }
}

}  // namespace

std::vector<Sum> sums(const std::vector<RowRecord>& rows) {
  std::vector<std::string> groups;
  std::set<int> threads;
  for (const RowRecord& row : rows) {
    threads.insert(row.threads);
    for (const std::string& group : row.groups) {
      if (std::find(groups.begin(), groups.end(), group) == groups.end()) groups.push_back(group);
    }
  }
  std::vector<Sum> out;
  for (const std::string& group : groups) {
    for (const int t : threads) add_sums(group, t, rows, out);
  }
  return out;
}

}  // namespace talweg::bench
