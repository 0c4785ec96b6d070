// talweg_bench: measures what was asked for, prints and writes it. Exit codes: 0 fine, 1 a row failed
// (or, in compare, became slower), 2 misused.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>

#include "bench/clock.h"
#include "bench/compare.h"
#include "bench/floors.h"
#include "bench/options.h"
#include "bench/peers/environment.h"
#include "bench/report.h"
#include "bench/rows.h"
#include "core/error.h"
#include "core/io/file.h"

namespace talweg::bench {
namespace {

constexpr int kFailed = 1, kMisused = 2;

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&now));
  return text;
}

std::map<std::string, std::string> settings_of(const Options& o) {
  const char* cold = o.run.cold == Cold::all    ? "all"
                     : o.run.cold == Cold::none ? "none"
                                                : "weights";
  std::map<std::string, std::string> settings = {
      {"seconds", message(o.run.seconds)},
      {"turns", message(o.run.turns)},
      {"cold", cold},
      {"pinned", o.run.pin ? "each thread to a processor" : "no"}};
  for (const int t : o.suite.threads) {
    settings["threads"] += (settings["threads"].empty() ? "" : ",") + std::to_string(t);
  }
  if (!o.filter.empty()) settings["filter"] = o.filter;
  return settings;
}

/// Said before minutes are spent on measuring, not after.
void check_can_write(const std::string& file) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  if (folder.empty() || std::filesystem::is_directory(folder)) return;
  throw Error(message("[bench] ", file, " can't be written: there is no folder ", folder.string(),
                      "; create it first or choose another place"));
}

void check_against(const std::vector<const Row*>& rows, const std::string& way) {
  const auto is_it = [&](const Row* row) { return row->way == way; };
  expect(way.empty() || std::any_of(rows.begin(), rows.end(), is_it), "[bench] --against ", way,
         ": no row of this run is of that way; --list shows them, the way before the threads");
}

void check_floors(const std::vector<const Row*>& rows) {
  const auto has_one = [](const Row* row) {
    return floor_of(row->problem, row->way, row->isa, row->threads) > 0;
  };
  expect(std::any_of(rows.begin(), rows.end(), has_one),
         "[bench] --floors: no row of this run has a floor; measure --smoke or ocr, on one thread");
}

/// Prints which rows are under their floors; true where any is.
bool tell_floors(const RunRecord& run) {
  const std::vector<std::string> under = under_floors(run.rows);
  for (const std::string& sentence : under) print("UNDER ITS FLOOR: " + sentence + "\n");
  if (under.empty()) print("all rows with a floor are above it\n");
  return !under.empty();
}

void write_files(const Options& o, const RunRecord& run) {
  if (!o.json.empty()) io::write_file_atomically(o.json, to_json(run));
  if (!o.csv.empty()) io::write_file_atomically(o.csv, to_csv(run));
  if (!o.svg.empty()) io::write_file_atomically(o.svg, to_svg(run));
}

int measure(const Options& o, [[maybe_unused]] char** argv) {
#ifdef TALWEG_PEERS
  prepare_peer_environment(o.suite.isas, argv);
#endif
  Suite suite(o.suite);
  add_all_rows(suite);
  for (const LeftOut& out : suite.left_out()) {
    if (!o.filter.empty() && out.row.find(o.filter) != std::string::npos) {
      std::fprintf(stderr, "talweg_bench: there is no %s: %s\n", out.row.c_str(), out.why.c_str());
    }
  }
  const std::vector<const Row*> rows = select(suite, o.filter, o.smoke);
  if (o.list) {
    for (const Row* row : rows) print(row->name() + "\n");
    return 0;
  }
  for (const std::string* file : {&o.json, &o.csv, &o.svg}) check_can_write(*file);
  check_against(rows, o.run.against);
  if (o.floors) check_floors(rows);
  RunRecord run;
  run.machine = read_machine();
  run.started = utc_now();
  run.settings = settings_of(o);
  // Asking once says whether the system lets us, before anything is measured under that claim.
  if (o.run.pin && !pin_threads(o.suite.threads.back())) {
    run.settings["pinned"] = "asked, but the system refused";
  }
  run.before = probe(o.suite.isas, o.suite.threads);
  print(header_text(run, expected_seconds(rows, o.run)) + columns_text());
  const std::unique_ptr<Clock> clock = make_clock(o.run);
  bool failed = false;
  for (const auto& problem : by_problem(rows)) {
    const std::vector<RowRecord> records = run_problem(problem, o.run, run.before, *clock);
    print(problem_text(records));
    for (const RowRecord& record : records) {
      failed = failed || !record.ok() || record.same_bits == SameBits::no;
      run.rows.push_back(record);
    }
  }
  run.after = probe(o.suite.isas, o.suite.threads);
  print(footer_text(run));
  if (o.floors) failed = tell_floors(run) || failed;
  write_files(o, run);
  return failed ? kFailed : 0;
}

int guarded(int argc, char** argv) {
  const auto say = [](const char* text) { std::fprintf(stderr, "talweg_bench: %s\n", text); };
  Options options;
  try {
    int code = 0;
    if (!parse_options(argc, argv, options, code)) return code;
    if (options.compare) {
      const Outcome outcome = compare_files(options.compare_a, options.compare_b, options.threshold,
                                            options.across_machines);
      std::fputs(outcome.notes.c_str(), stderr);
      print(outcome.text);
      return outcome.code;
    }
  } catch (const std::exception& e) {  // whatever was wrong so far, it was asked wrongly
    say(e.what());
    return kMisused;
  }
  try {
    return measure(options, argv);
  } catch (const Error& e) {
    say(e.what());
    return kMisused;
  } catch (const std::bad_alloc&) {
    say("out of memory; use smaller shapes");
  } catch (const std::exception& e) {
    say(e.what());
  }
  return kFailed;
}

}  // namespace
}  // namespace talweg::bench

int main(int argc, char** argv) { return talweg::bench::guarded(argc, argv); }
