#include "bench/runner.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <regex>

#include "core/error.h"

namespace talweg::bench {
namespace {

std::string isa_of(const Row& row) {
  return row.isa.empty() ? kernels::table<float>().name : row.isa;
}

/// A row on its way from description to record.
struct Candidate {
  const Row* row = nullptr;
  Work work = {};
  uint64_t hash = 0;
  RowRecord record = {};
};

std::string command(const std::vector<std::string>& parts) {
  std::string text = "./run bench";
  for (const std::string& part : parts) {
    if (!part.empty()) text += " " + part;
  }
  return text;
}

RowRecord record_of(const Row& row, const RunOptions& options) {
  RowRecord record;
  record.problem = row.problem;
  record.way = row.way;
  record.isa = row.isa;
  record.threads = row.threads;
  record.groups = row.groups;
  record.in_sum = row.in_sum;
  record.nominal_flop = row.nominal_flop;
  record.executed_flop = row.executed();
  record.bytes = row.bytes;
  record.units = row.units;
  record.unit = row.unit;
  record.error_bound = row.error_bound;
  record.command = command({options.how_options, row.options, message("--threads ", row.threads),
                            row.isa.empty() ? "" : "--isa " + row.isa, "'" + row.name() + "'"});
  record.problem_command =
      command({options.how_options, options.what_options, "'" + row.problem + "'"});
  return record;
}

/// Sets the failure unless the output is as near to the exact result as the row's bound says.
void check_error(Candidate& c) {
  if (!c.work.error) return;
  c.record.error = c.work.error();
  if (c.record.error <= c.row->error_bound) return;  // false for NaN
  c.record.failure = message("wrong result: relative error ", c.record.error, " against double, ",
                             "more than ", c.row->error_bound);
}

void prepare(Candidate& c, const RunOptions& options) {
  try {
    const RowScope scope(*c.row, options.pin);
    c.work = c.row->make();
    c.work.run();
    c.record.note = c.work.note;
    if (c.work.bytes > 0) c.record.bytes = c.work.bytes;
    if (options.cold != Cold::none && c.work.weights.empty() && c.work.others.empty()) {
      c.record.note += " (warm: its memory is not known)";
    }
    check_error(c);
    if (c.work.hash) c.hash = c.work.hash();
  } catch (const std::exception& e) {
    c.record.failure = e.what();
  }
}

/// The hash of the same way on one thread: from its own row if it is in the run.
uint64_t serial_hash(const Candidate& c, const std::vector<Candidate>& all, bool pin) {
  for (const Candidate& other : all) {
    if (other.row->way == c.row->way && other.row->threads == 1 && other.work.hash) {
      return other.hash;
    }
  }
  Row serial = *c.row;
  serial.threads = 1;
  const RowScope scope(serial, pin);
  const Work work = serial.make();
  work.run();
  return work.hash();
}

void compare_bits(std::vector<Candidate>& all, bool pin) {
  for (Candidate& c : all) {
    if (!c.record.failure.empty() || !c.work.hash || c.row->threads == 1) continue;
    try {
      c.record.same_bits = serial_hash(c, all, pin) == c.hash ? SameBits::yes : SameBits::no;
    } catch (const std::exception& e) {
      c.record.failure = message("on one thread: ", e.what());
    }
  }
}

/// How many turns fit into the time that the rows have together.
int turns_of(const std::vector<double>& sample_seconds, const RunOptions& options) {
  double turn = 0;
  for (const double seconds : sample_seconds) turn += seconds;
  const double fit = options.seconds * double(sample_seconds.size()) / std::max(turn, 1e-9);
  return std::clamp(int(std::lround(std::min(fit, 1e6))), std::min(5, options.turns),
                    options.turns);
}

/// Fills the samples. What a run throws is the failure of all rows that were measured with it.
void sample(const std::vector<Candidate*>& ready, const RunOptions& options, Clock& clock) {
  std::vector<Ready> rows;
  for (const Candidate* c : ready) rows.push_back({c->row, &c->work});
  const std::vector<double> each = clock.start(rows, options.seconds / options.turns);
  const Watch watch;
  for (int turns = turns_of(each, options); turns > 0; --turns) {
    const std::vector<double> seconds = clock.turn();
    for (size_t i = 0; i < ready.size(); ++i) ready[i]->record.samples.push_back(seconds[i]);
  }
  const Disturbance disturbance = watch.read();
  for (Candidate* c : ready) c->record.disturbance = disturbance;
}

void measure(std::vector<Candidate>& all, const RunOptions& options, Clock& clock) {
  std::vector<Candidate*> ready;
  for (Candidate& c : all) {
    if (c.record.failure.empty()) ready.push_back(&c);
  }
  if (ready.empty()) return;
  try {
    sample(ready, options, clock);
    // Once more, after all those runs: a kernel may be right only the first time.
    for (Candidate* c : ready) check_error(*c);
  } catch (const std::exception& e) {
    for (Candidate* c : ready) c->record.failure = e.what();
  }
  for (Candidate* c : ready) {
    if (!c->record.failure.empty()) c->record.samples.clear();
  }
}

void set_roof(RowRecord& record, const RunOptions& options, const Probes& probes) {
  if (const auto isa = probes.peak.find(record.isa); isa != probes.peak.end()) {
    const auto peak = isa->second.find(record.threads);
    if (peak != isa->second.end()) record.roof.peak_gflops = peak->second;
  }
  const auto levels = probes.bandwidth.find(record.threads);
  if (levels == probes.bandwidth.end() || record.bytes == 0) return;
  const bool from_memory = options.cold == Cold::all;
  const Bandwidth& level = from_memory ? levels->second.back()
                                       : level_for(levels->second, record.bytes / record.threads);
  record.roof.bandwidth_gbs = level.best();
  record.roof_level = level.level;
}

/// The row that the others on as many threads are compared with, or null.
const Candidate* reference_of(const std::vector<Candidate>& all, int threads,
                              const std::string& against) {
  const Candidate* best = nullptr;
  for (const Candidate& c : all) {
    if (c.row->threads != threads || !c.record.ok()) continue;
    if (!against.empty() && c.row->way == against) return &c;
    const int rank = c.row->reference_rank;
    if (rank > 0 && (best == nullptr || rank > best->row->reference_rank)) best = &c;
  }
  return best;
}

void set_ratios(std::vector<Candidate>& all, const std::string& against) {
  for (Candidate& c : all) {
    const Candidate* reference = reference_of(all, c.row->threads, against);
    if (reference == nullptr) continue;
    c.record.reference = reference->row->way;
    if (reference == &c || !c.record.ok()) continue;
    c.record.ratio = speedup({reference->record.samples}, {c.record.samples});
  }
}

bool belongs(const Row& row, const std::string& group) {
  return std::find(row.groups.begin(), row.groups.end(), group) != row.groups.end();
}

bool matches(const Row& row, const std::string& filter, const std::regex& expression) {
  return row.name().find(filter) != std::string::npos || std::regex_search(row.name(), expression);
}

}  // namespace

RowScope::RowScope(const Row& row, bool pin)
    : threads_before_(omp_get_max_threads()), isa_(isa_of(row)) {
  omp_set_num_threads(row.threads);
  // Each time anew: OpenMP may have let threads go and started others since.
  if (pin) pin_threads(row.threads);
}

RowScope::~RowScope() { omp_set_num_threads(threads_before_); }

std::vector<std::vector<const Row*>> by_problem(const std::vector<const Row*>& rows) {
  std::vector<std::vector<const Row*>> problems;
  std::map<std::string, size_t> index;
  for (const Row* row : rows) {
    const auto [found, fresh] = index.try_emplace(row->problem, problems.size());
    if (fresh) problems.emplace_back();
    problems[found->second].push_back(row);
  }
  return problems;
}

std::vector<const Row*> select(const Suite& suite, const std::string& asked_for, bool smoke) {
  const bool own_shapes = asked_for.empty() && !suite.options().shapes.empty();
  const std::string filter = own_shapes ? kCustomGroup : asked_for;
  std::regex expression;
  try {
    expression = std::regex(filter);
  } catch (const std::regex_error&) {
    // A name such as .../auto+pack/1t is no expression but may be meant as it stands.
    expression = std::regex("$^");
  }
  bool is_group = false;  // then no other row whose name happens to hold the word is meant
  for (const Row& row : suite.rows()) is_group = is_group || belongs(row, filter);
  std::vector<const Row*> rows;
  for (const Row& row : suite.rows()) {
    const bool asked = filter.empty() ? smoke || row.by_default
                       : is_group     ? belongs(row, filter)
                                      : matches(row, filter, expression);
    if (asked && (!smoke || row.in_smoke || !filter.empty())) rows.push_back(&row);
  }
  expect(!rows.empty() || !own_shapes,
         "[bench] no algorithm that was asked for can compute any of the shapes; leave out --algo");
  expect(!rows.empty(), "[bench] no row's name or group matches '", filter,
         "'; --list shows all of them");
  return rows;
}

double expected_seconds(const std::vector<const Row*>& rows, const RunOptions& options) {
  // Finding the number of runs of a sample takes about half of what is timed, and a long row runs
  // ten times at the least; the exact result comes at about 5 GFLOP/s a processor, and the buffers and
  // checks of rows that count no FLOP take a moment too.
  constexpr double checking = 5e9, slow = 50e9, fewest_runs = 10, probing_again = 3, making = 0.06;
  double seconds = probing_again;
  for (const auto& problem : by_problem(rows)) {
    seconds += problem.front()->nominal_flop / (checking * omp_get_num_procs());
    for (const Row* row : problem) {
      const double run = row->nominal_flop / (slow * row->threads);
      seconds += making + std::max(1.4 * options.seconds, fewest_runs * run);
    }
  }
  return seconds;
}

std::vector<RowRecord> run_problem(const std::vector<const Row*>& rows, const RunOptions& options,
                                   const Probes& probes, Clock& clock) {
  std::vector<Candidate> all;
  for (const Row* row : rows) {
    all.push_back({.row = row, .record = record_of(*row, options)});
    prepare(all.back(), options);
  }
  compare_bits(all, options.pin);
  measure(all, options, clock);
  set_ratios(all, options.against);
  std::vector<RowRecord> records;
  for (Candidate& c : all) {
    set_roof(c.record, options, probes);
    records.push_back(std::move(c.record));
  }
  return records;
}

}  // namespace talweg::bench
