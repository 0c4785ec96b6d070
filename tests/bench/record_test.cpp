// Records: figures, sums, files and back, and the comparison of two runs.
#include "bench/record.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "bench/compare.h"
#include "bench/report.h"
#include "core/error.h"
#include "core/io/file.h"

namespace talweg::bench {
namespace {

RowRecord row(const std::string& problem, const std::string& way, int threads,
              std::vector<double> samples) {
  RowRecord r;
  r.problem = problem;
  r.way = way;
  r.threads = threads;
  r.isa = "avx2";
  r.groups = {"net"};
  r.nominal_flop = 2e9;
  r.executed_flop = 1e9;
  r.bytes = 1e6;
  r.samples = std::move(samples);
  r.error = 1e-7;
  r.error_bound = 1e-6;
  r.roof = {100, 50};
  r.roof_level = "L2";
  r.reference = "peer/direct";
  r.command = "./run bench 'it'";
  return r;
}

RunRecord example() {
  RunRecord run;
  run.machine = {.cpu = "Some CPU, with \"quotes\"",
                 .isa = "avx2",
                 .isas = "avx2, portable",
                 .compiler = "g++ 12",
                 .flags = "-O2",
                 .commit = "abc",
                 .affinity = "0-1",
                 .governor = "x",
                 .load = "0.1",
                 .caches = "L1 32 KB",
                 .processors = 2};
  run.started = "2026-01-01T00:00:00Z";
  run.settings = {{"cold", "none"}, {"threads", "1,2"}};
  run.before.peak["avx2"] = {{1, 100}, {2, 200}};
  run.before.bandwidth[1] = {{"L1", 100, 5, 6, 7}, {"memory", 1000, 10, 20, 30}};
  run.after = run.before;
  run.rows = {row("a", "talweg/auto", 1, {0.010, 0.011, 0.012}),
              row("a", "peer/direct", 1, {0.020, 0.021, 0.022})};
  run.rows[0].ratio = {1.9, 1.8, 2.0};
  run.rows[0].same_bits = SameBits::yes;
  run.rows[0].note = "wino4, packed";
  run.rows[0].disturbance = {0.25, 0.125};
  return run;
}

TEST_CASE("figures follow from the median") {
  const Figures f = figures(row("a", "w", 1, {0.01, 0.02, 0.04}));
  CHECK(f.nominal_gflops == doctest::Approx(100));
  CHECK(f.executed_gflops == doctest::Approx(50));
  CHECK(f.gbs == doctest::Approx(0.05));
  CHECK(f.peak_percent == doctest::Approx(100));
  CHECK(f.bound_gflops == doctest::Approx(200));  // 1e9 FLOP at 100 GFLOP/s: 10 ms
  CHECK(f.bound_percent == doctest::Approx(50));
  RowRecord failed = row("a", "w", 1, {});
  CHECK(figures(failed).nominal_gflops == 0);
}

TEST_CASE("sums count whole groups, their fastest rivals and the gain of threads") {
  std::vector<RowRecord> rows;
  for (const int t : {1, 2}) {
    rows.push_back(row("a", "talweg/auto", t, {2.0 / t}));
    rows.push_back(row("a", "peer/direct", t, {4.0 / t}));
    rows.push_back(row("a", "peer/winograd", t, {3.0 / t}));
    rows.push_back(row("b", "talweg/auto", t, {1.0}));
    rows.push_back(row("b", "peer/direct", t, {2.0}));
    rows.push_back(row("c", "talweg/auto", t, {100}));  // of the first layer's data: not counted
    rows.back().in_sum = false;
  }
  const std::vector<Sum> all = sums(rows);
  const auto find = [&](const std::string& way, int threads) -> const Sum* {
    for (const Sum& sum : all) {
      if (sum.way == way && sum.threads == threads) return &sum;
    }
    return nullptr;
  };
  REQUIRE(find("talweg/auto", 1));
  CHECK(find("talweg/auto", 1)->problems == 2);
  CHECK(find("talweg/auto", 1)->seconds == 3);
  CHECK(find("talweg/auto", 1)->ratio.value == doctest::Approx(2));
  CHECK(find("talweg/auto", 1)->over_fastest.value == doctest::Approx(5.0 / 3));
  CHECK(find("talweg/auto", 1)->fastest == "peer/fastest");
  CHECK(find("talweg/auto", 2)->over_one_thread.value == doctest::Approx(1.5));
  REQUIRE(find("peer/fastest", 1));
  CHECK(find("peer/fastest", 1)->seconds == 5);
  CHECK(find("peer/winograd", 1) == nullptr);  // has no number for b
}

TEST_CASE("drift is the largest change of a ceiling") {
  Probes before;
  before.peak["avx2"][1] = 100;
  before.bandwidth[1] = {{"L1", 1, 500, 0, 0}, {"memory", 2, 10, 20, 0}};
  Probes after = before;
  CHECK(drift(before, after).amount == 0);
  after.peak["avx2"][1] = 98;
  CHECK(drift(before, after).amount == doctest::Approx(100.0 / 98 - 1));
  CHECK(drift(before, after).ceiling.find("multiply-adds of avx2") == 0);
  after.bandwidth[1][1].copy = 22;
  CHECK(drift(before, after).amount == doctest::Approx(0.1));
  CHECK(drift(before, after).ceiling.find("memory") == 0);
  RunRecord run;
  run.before = before;
  run.after = after;
  CHECK(run.noisy());
  run.after.bandwidth = run.before.bandwidth;
  CHECK_FALSE(run.noisy());
}

TEST_CASE("JSON holds a run whole") {
  RunRecord run = example();
  run.rows.push_back(row("b", "talweg/auto", 2, {}));
  run.rows.back().failure = "wrong result";
  const std::string text = to_json(run);
  const RunRecord back = parse_json("run.json", text);
  CHECK(to_json(back) == text);
  CHECK(back.rows.size() == 3);
  CHECK(back.rows[0].samples == run.rows[0].samples);
  CHECK(back.rows[0].same_bits == SameBits::yes);
  CHECK(back.machine.cpu == run.machine.cpu);
  CHECK(back.before.peak.at("avx2").at(2) == 200);
  // A failed row has no number in the file either.
  const size_t failed = text.find("\"failure\": \"wrong result\"");
  REQUIRE(failed != std::string::npos);
  CHECK(text.find("median_s", text.rfind('{', failed)) >
        std::min(text.find('}', failed), text.size()));
}

TEST_CASE("a file that is none of ours is refused in one sentence") {
  CHECK_THROWS_WITH_AS(parse_json("f", "{"), doctest::Contains("f is no result"), IoError);
  CHECK_THROWS_WITH_AS(parse_json("f", "{}"), doctest::Contains("f is no result"), IoError);
  CHECK_THROWS_WITH_AS(parse_json("f", "{\"format\": \"other\"}"), doctest::Contains("expected"),
                       IoError);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// Fields of a line of CSV, quotes taken off.
std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += line[i];
    }
  }
  return fields;
}

TEST_CASE("CSV has one field a column in every row") {
  RunRecord run = example();
  run.rows.push_back(row("b", "talweg/auto", 2, {}));
  run.rows.back().failure = "wrong result, \"very\"";
  const auto lines = lines_of(to_csv(run));
  REQUIRE(lines.size() == 4);
  const auto names = fields_of(lines[0]);
  const auto column = [&](const char* name) {
    return size_t(std::find(names.begin(), names.end(), name) - names.begin());
  };
  for (const std::string& line : lines) CHECK(fields_of(line).size() == names.size());
  CHECK(fields_of(lines[1])[column("median_s")] == "0.011");
  CHECK(fields_of(lines[1])[column("times_as_fast")] == "1.9");
  CHECK(fields_of(lines[1])[column("note")] == "wino4, packed");
  CHECK(fields_of(lines[3])[column("median_s")].empty());
  CHECK(fields_of(lines[3])[column("failure")] == "wrong result, \"very\"");
}

TEST_CASE("the plot shows rows under roofs, and says where there are none") {
  RunRecord run = example();
  const std::string svg = to_svg(run);
  CHECK(svg.find("talweg/auto") != std::string::npos);
  CHECK(svg.find("avx2, 1 thread: 100 GFLOP/s") != std::string::npos);
  run.rows.clear();
  CHECK(to_svg(run).find("no row of this run counts FLOP") != std::string::npos);
}

TEST_CASE("verdicts need both the threshold and the interval") {
  const auto with = [](std::vector<double> samples) {
    RunRecord run;
    run.rows = {row("a", "w", 1, std::move(samples))};
    return run;
  };
  const RunRecord a = with({1.00, 1.01, 0.99, 1.00, 1.00});
  const auto verdict = [&](const RunRecord& b) { return compare(a, b, 0.03).at(0).verdict; };
  CHECK(verdict(with({1.00, 1.01, 0.99, 1.00, 1.00})) == Verdict::same);
  CHECK(verdict(with({1.02, 1.02, 1.02, 1.02, 1.02})) == Verdict::same);  // below 3 %
  CHECK(verdict(with({1.10, 1.11, 1.09, 1.10, 1.10})) == Verdict::slower);
  CHECK(verdict(with({0.90, 0.91, 0.89, 0.90, 0.90})) == Verdict::faster);
  CHECK(verdict(with({0.60, 1.10, 0.70, 1.80, 1.20})) == Verdict::same);  // who knows
  CHECK(verdict(with({1.00, 1.20, 1.21, 1.20, 1.19})) == Verdict::same);  // as fast at its best
  RunRecord failed = with({});
  failed.rows[0].failure = "wrong";
  CHECK(verdict(failed) == Verdict::broke);
  CHECK(compare(failed, a, 0.03)[0].verdict == Verdict::mended);
  CHECK(compare(failed, failed, 0.03)[0].verdict == Verdict::no_number);
  CHECK(compare(a, with({1, 1}), 0.03)[0].ratio.value == doctest::Approx(1));
}

TEST_CASE("thresholds are read as people write them") {
  CHECK(parse_threshold("3%") == doctest::Approx(0.03));
  CHECK(parse_threshold("0.03") == doctest::Approx(0.03));
  CHECK(parse_threshold("3") == doctest::Approx(0.03));
  CHECK_THROWS_AS(parse_threshold("much"), Error);
  CHECK_THROWS_AS(parse_threshold("-3%"), Error);
  CHECK_THROWS_AS(parse_threshold(""), Error);
}

/// Files that go when the test ends.
struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("talweg_bench_test_" + std::to_string(std::rand()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& name, const RunRecord& run) const {
    io::write_file_atomically(path / name, to_json(run));
    return (path / name).string();
  }
};

TEST_CASE("comparing files ends with 0, 1 or 2") {
  const Folder folder;
  const RunRecord before = example();
  RunRecord slower = before, elsewhere = before, others = before;
  for (double& s : slower.rows[0].samples) s *= 1.5;
  elsewhere.machine.cpu = "Another CPU";
  others.rows[0].problem = others.rows[1].problem = "z";
  const std::string a = folder.write("a", before), b = folder.write("b", slower),
                    c = folder.write("c", elsewhere), d = folder.write("d", others);
  CHECK(compare_files(a, a, "3%", false).code == 0);
  CHECK(compare_files(a, b, "3%", false).code == 1);
  CHECK(compare_files(b, a, "3%", false).code == 0);  // faster is no regression
  CHECK(compare_files(a, b, "60%", false).code == 0);
  CHECK(compare_files(a, c, "3%", false).code == 2);
  CHECK(compare_files(a, c, "3%", true).code == 0);
  CHECK(compare_files(a, c, "3%", false).notes.find("processors differ") != std::string::npos);
  CHECK(compare_files(a, b, "3%", false).text.find("1.500 [1.500, 1.500] SLOWER") !=
        std::string::npos);
  CHECK_THROWS_WITH_AS(compare_files(a, d, "3%", false), doctest::Contains("no row in common"),
                       Error);
  CHECK_THROWS_AS(compare_files(a, (folder.path / "none").string(), "3%", false), IoError);
}

}  // namespace
}  // namespace talweg::bench
