#include <algorithm>
#include <cmath>
#include <cstdarg>

#include "bench/report.h"
#include "core/error.h"

namespace talweg::bench {
namespace {

/// printf into a string.
__attribute__((format(printf, 1, 2))) std::string format(const char* pattern, ...) {
  va_list arguments, again;
  va_start(arguments, pattern);
  va_copy(again, arguments);
  std::string text(size_t(std::vsnprintf(nullptr, 0, pattern, arguments)), '\0');
  va_end(arguments);
  std::vsnprintf(text.data(), text.size() + 1, pattern, again);
  va_end(again);
  return text;
}

constexpr const char* kColumns = "  %-32s %3s %8s %8s %8s %7s %7s %6s %7s %6s %7s %8s %4s  %s\n";

/// A number in a column, or a dash where there is none.
std::string number(double value, const char* pattern = "%.1f") {
  if (!(value > 0)) return "-";
  char text[64];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

std::string ratio_text(const Interval& r) {
  return format("%.3fx [%.3f, %.3f]", r.value, r.low, r.high);
}

std::string bits_text(SameBits same) {
  if (same == SameBits::not_asked) return "-";
  return same == SameBits::yes ? "yes" : "NO";
}

std::string rate_text(const RowRecord& row, const Figures& f) {
  if (row.units <= 0) return "";
  if (row.unit == "op") return format("  %.1f ns an op", 1e9 / f.units_per_second);
  if (row.unit == "element") return format("  %.3f ns an element", 1e9 / f.units_per_second);
  return format("  %.4g %ss/s", f.units_per_second, row.unit.c_str());
}

std::string row_text(const RowRecord& row) {
  if (!row.ok()) {
    return format("  %-32s %3d FAILED: %s\n    again: %s\n", row.way.c_str(), row.threads,
                  row.failure.c_str(), row.command.c_str());
  }
  const Figures f = figures(row);
  const Summary s = row.summary();
  std::string last = row.reference == row.way ? "reference"
                     : row.ratio.value > 0    ? ratio_text(row.ratio)
                                              : "";
  last += rate_text(row, f);
  if (!row.note.empty()) last += "  " + row.note;
  return format(kColumns, row.way.c_str(), std::to_string(row.threads).c_str(),
                time_text(s.min).c_str(), time_text(s.median).c_str(), time_text(s.p90).c_str(),
                number(f.nominal_gflops).c_str(), number(f.executed_gflops).c_str(),
                number(f.peak_percent).c_str(), number(f.bound_gflops).c_str(),
                number(f.bound_percent).c_str(), number(f.gbs).c_str(),
                row.error < 0 ? "-" : format("%.1e", row.error).c_str(),
                bits_text(row.same_bits).c_str(), last.c_str());
}

std::string probes_text(const Probes& probes) {
  std::string text;
  if (probes.ghz > 0) {
    text += format("  clock, by additions that wait for one another: %.2f GHz\n", probes.ghz);
  }
  for (const auto& [isa, by_threads] : probes.peak) {
    text += format("  multiply-adds, %-9s", isa.c_str());
    for (const auto& [threads, gflops] : by_threads) {
      text += format("  %d thread%s %.1f GFLOP/s", threads, threads == 1 ? "" : "s", gflops);
    }
    text += "\n";
  }
  for (const auto& [threads, levels] : probes.bandwidth) {
    text += format("  GB/s read, copy, triad with %d thread%s:", threads, threads == 1 ? "" : "s");
    for (const Bandwidth& b : levels) {
      text += format("  %s %.0f, %.0f, %.0f", b.level.c_str(), b.read, b.copy, b.triad);
    }
    text += "\n";
  }
  return text;
}

std::string sum_text(const Sum& sum) {
  std::string text =
      format("  %-10s %-32s %d thread%s %10s", sum.group.c_str(), sum.way.c_str(), sum.threads,
             sum.threads == 1 ? " " : "s", time_text(sum.seconds).c_str());
  if (!sum.reference.empty()) {
    text += format("  %s of %s", ratio_text(sum.ratio).c_str(), sum.reference.c_str());
  }
  if (!sum.fastest.empty()) {
    text += format("  %s of %s", ratio_text(sum.over_fastest).c_str(), sum.fastest.c_str());
  }
  if (sum.over_one_thread.value > 0) {
    text += format("  %.2fx of 1 thread", sum.over_one_thread.value);
  }
  return text + "\n";
}

}  // namespace

std::string time_text(double seconds) {
  const double ns = seconds * 1e9;
  if (ns < 999.5) return format("%.3g ns", ns);
  if (ns < 999.5e3) return format("%.4g us", ns * 1e-3);
  if (ns < 999.5e6) return format("%.4g ms", ns * 1e-6);
  return format("%.4g s", seconds);
}

std::string header_text(const RunRecord& run, double expected_seconds) {
  const Machine& m = run.machine;
  std::string settings;
  for (const auto& [name, value] : run.settings) settings += message(" ", name, "=", value);
  return format("processor  %s, %d usable (%s), governor %s, load %s; %s\n", m.cpu.c_str(),
                m.processors, m.affinity.c_str(), m.governor.c_str(), m.load.c_str(),
                m.caches.c_str()) +
         format("program    commit %s, %s, %s; instruction set %s of %s\n", m.commit.c_str(),
                m.compiler.c_str(), m.flags.c_str(), m.isa.c_str(), m.isas.c_str()) +
         format("run        %s%s\n", run.started.c_str(), settings.c_str()) +
         "ceilings measured before the run\n" + probes_text(run.before) +
         format("about %.0f s to go\n\n", expected_seconds);
}

std::string columns_text() {
  return format(kColumns, "way", "thr", "min", "median", "p90", "GF/s", "done", "%peak", "roof",
                "%roof", "GB/s", "error", "1=T", "times as fast as the reference [95 %]") +
         "  (`again` repeats a problem; with /WAY/THREADSt behind its name, one row)\n\n";
}

std::string problem_text(const std::vector<RowRecord>& rows) {
  expect(!rows.empty(), "[bench] a problem without rows");
  const RowRecord& first = rows.front();
  std::string text = first.problem;
  if (first.nominal_flop > 0) text += format("  %.4g MFLOP", first.nominal_flop * 1e-6);
  if (first.bytes > 0) text += format(", %.4g MB", first.bytes * 1e-6);
  if (!first.roof_level.empty()) text += " in " + first.roof_level;
  text += format("; others used %.2f processors, stolen %.2f\n", first.disturbance.foreign,
                 first.disturbance.steal);
  for (const RowRecord& row : rows) text += row_text(row);
  return text + "  again: " + first.problem_command + "\n\n";
}

std::string footer_text(const RunRecord& run) {
  std::string text;
  const std::vector<Sum> all = sums(run.rows);
  if (!all.empty()) {
    text += "sums of medians by group (without the first layer's backward_data)\n";
    for (const Sum& sum : all) text += sum_text(sum);
  }
  text += "ceilings measured after the run\n" + probes_text(run.after);
  int failed = 0;
  double foreign = 0, steal = 0;
  for (const RowRecord& row : run.rows) {
    failed += !row.failure.empty();
    foreign = std::max(foreign, row.disturbance.foreign);
    steal = std::max(steal, row.disturbance.steal);
  }
  const Drift drift = run.drift();
  text += format("%s: the ceilings drifted by %.1f %% at most (noisy above %.0f %%)",
                 run.noisy() ? "noisy" : "quiet", 100 * drift.amount, 100 * kNoisyDrift);
  if (!drift.ceiling.empty()) text += " (" + drift.ceiling + ")";
  text += format("; others used up to %.2f processors, stolen up to %.2f\n", foreign, steal);
  if (failed > 0) text += format("%d of %zu rows FAILED\n", failed, run.rows.size());
  return text;
}

}  // namespace talweg::bench
