// The runner with a clock that makes times up: what is checked, what is printed, what repeats it.
#include "bench/runner.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>

#include "bench/floors.h"
#include "bench/report.h"
#include "bench/rows.h"
#include "core/error.h"
#include "core/ops.h"

namespace talweg::bench {
namespace {

/// Each row's time is told by its way: "1.5ms" or so; runs the work once a sample.
class FakeClock : public Clock {
 public:
  std::vector<double> start(const std::vector<Ready>& rows, double sample_seconds) override {
    rows_ = rows;
    return std::vector<double>(rows.size(), sample_seconds);
  }
  std::vector<double> turn() override {
    std::vector<double> seconds;
    for (const Ready& ready : rows_) {
      ready.work->run();
      seconds.push_back(std::stod(ready.row->way.substr(ready.row->way.find('/') + 1)));
    }
    return seconds;
  }

 private:
  std::vector<Ready> rows_;
};

/// A row that takes `seconds`, whose error and hash are as told.
Row fake(const std::string& family, const std::string& seconds, int threads, double error = 1e-7,
         uint64_t hash = 1) {
  Row row;
  row.problem = "fake/problem";
  row.way = family + "/" + seconds;
  row.threads = threads;
  row.nominal_flop = 1e9;
  row.bytes = 1e6;
  row.error_bound = 1e-6;
  row.groups = {"fakes"};
  row.make = [error, hash] {
    Work work;
    work.run = [] {};
    work.error = [error] { return error; };
    work.hash = [hash] { return hash; };
    return work;
  };
  return row;
}

std::vector<RowRecord> run(const std::vector<Row>& rows, const RunOptions& options = {}) {
  std::vector<const Row*> pointers;
  for (const Row& row : rows) pointers.push_back(&row);
  FakeClock clock;
  return run_problem(pointers, options, {}, clock);
}

TEST_CASE("a wrong kernel prints no number") {
  const auto records = run(
      {fake("good", "0.5", 1), fake("bad", "0.25", 1, 1e-3), fake("nan", "0.25", 1, std::nan(""))});
  REQUIRE(records.size() == 3);
  CHECK(records[0].ok());
  CHECK(records[0].summary().median == 0.5);
  const std::string text = problem_text(records);
  for (const int wrong : {1, 2}) {
    CHECK_FALSE(records[size_t(wrong)].ok());
    CHECK(records[size_t(wrong)].samples.empty());
    CHECK(records[size_t(wrong)].failure.find("wrong result") == 0);
  }
  CHECK(text.find("FAILED: wrong result") != std::string::npos);
  CHECK(text.find("250 ms") == std::string::npos);
  CHECK(text.find("500 ms") != std::string::npos);
}

TEST_CASE("a kernel that is right only the first time prints no number either") {
  Row row = fake("tired", "0.5", 1);
  row.make = [] {
    const auto runs = std::make_shared<int>(0);
    Work work;
    work.run = [runs] { ++*runs; };
    work.error = [runs] { return *runs == 1 ? 0.0 : 1.0; };
    return work;
  };
  const auto records = run({row});
  CHECK_FALSE(records[0].ok());
}

TEST_CASE("what a row throws is its failure, and the others go on") {
  Row broken = fake("broken", "0.5", 1);
  broken.make = []() -> Work { throw Error("[fake] no such layout"); };
  const auto records = run({broken, fake("good", "0.5", 1)});
  CHECK(records[0].failure == "[fake] no such layout");
  CHECK(records[1].ok());
}

TEST_CASE("the bits of many threads are held against those of one") {
  // Its own row on one thread; none, so that one is made; and other bits.
  std::vector<Row> rows = {fake("same", "1", 1), fake("same", "1", 2), fake("alone", "1", 3)};
  Row differs = fake("differs", "1", 2);
  differs.make = [] {
    Work work;
    work.run = [] {};
    work.hash = [] { return uint64_t(omp_get_max_threads()); };
    return work;
  };
  rows.push_back(differs);
  const auto records = run(rows);
  CHECK(records[0].same_bits == SameBits::not_asked);
  CHECK(records[1].same_bits == SameBits::yes);
  CHECK(records[2].same_bits == SameBits::yes);
  CHECK(records[3].same_bits == SameBits::no);
  CHECK(problem_text(records).find(" NO ") != std::string::npos);
}

TEST_CASE("each row runs on its own number of threads and instruction set") {
  const int before = omp_get_max_threads();
  std::vector<Row> rows;
  std::vector<std::string> seen;
  for (const std::string& isa : kernels::available_isas()) {
    for (const int threads : {1, 3}) {
      Row row = fake(isa, "1", threads);
      row.isa = isa;
      row.make = [&seen] {
        Work work;
        work.run = [&seen] {
          seen.push_back(std::string(kernels::table<float>().name) +
                         std::to_string(omp_get_max_threads()));
        };
        return work;
      };
      rows.push_back(row);
    }
  }
  std::vector<RowRecord> records = run(rows, {.turns = 1});
  REQUIRE(seen.size() >= rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    CHECK(seen[i] == rows[i].isa + std::to_string(rows[i].threads));
  }
  CHECK(omp_get_max_threads() == before);
}

TEST_CASE("ratios are those to the reference on as many threads") {
  std::vector<Row> rows = {fake("talweg", "1", 1), fake("talweg", "0.5", 2), fake("peer", "3", 1),
                           fake("peer", "2", 2)};
  rows[0].reference_rank = rows[1].reference_rank = 1;
  rows[2].reference_rank = rows[3].reference_rank = 2;
  auto records = run(rows);
  CHECK(records[0].reference == "peer/3");
  CHECK(records[0].ratio.value == doctest::Approx(3));
  CHECK(records[1].ratio.value == doctest::Approx(4));
  CHECK(records[2].ratio.value == 0);  // the reference itself
  records = run(rows, {.against = "talweg/1"});
  CHECK(records[2].ratio.value == doctest::Approx(1.0 / 3));
}

TEST_CASE("a command repeats the row, and another the problem") {
  Row row = fake("talweg/avx512", "1", 2);
  row.way = "talweg/1";
  row.isa = kernels::available_isas().front();
  row.options = "--shape 1x1x4x4-1x3x3";
  const auto records = run({row}, {.how_options = "--pin", .what_options = "--threads 1,2"});
  CHECK(records[0].command == "./run bench --pin --shape 1x1x4x4-1x3x3 --threads 2 --isa " +
                                  row.isa + " 'fake/problem/talweg/1/2t'");
  CHECK(records[0].problem_command == "./run bench --pin --threads 1,2 'fake/problem'");
}

TEST_CASE("filters are parts of names, groups or regular expressions") {
  Suite suite({.threads = {1, 2}, .isas = {"portable"}, .shapes = {parse_shape("1x1x4x4-1x3x3")}});
  add_conv_rows(suite);
  Row hidden = fake("other", "1", 1);
  hidden.by_default = false;
  suite.add(hidden);
  CHECK(select(suite, "", false).size() == suite.rows().size() - 1);
  Row shown = fake("another", "1", 1);  // by default, but not where shapes are asked for
  suite.add(shown);
  CHECK(select(suite, "", false).size() == suite.rows().size() - 2);
  CHECK(select(suite, "fakes", false).size() == 2);
  Row of_that_name = fake("fakes", "1", 1);  // but of another group
  of_that_name.groups = {"others"};
  suite.add(of_that_name);
  CHECK(select(suite, "fakes", false).size() == 2);
  CHECK(select(suite, "custom", false).size() == suite.rows().size() - 3);
  CHECK(select(suite, "forward/.*auto/2t$", false).size() == 1);
  CHECK(select(suite, "direct/1t", false).size() == 3);
  CHECK_THROWS_WITH_AS(select(suite, "nonsense", false), doctest::Contains("--list"), Error);
  CHECK_THROWS_AS(select(suite, "direct/+(", false), Error);
  CHECK_THROWS_WITH_AS(suite.add(hidden), doctest::Contains("two rows are called"), Error);
}

TEST_CASE("shapes that no row computes are refused in one sentence") {
  Suite wide({.threads = {1},
              .isas = {"portable"},
              .algos = {"wino2"},
              .shapes = {parse_shape("1x1x9x9-1x5x5")}});
  add_conv_rows(wide);
  CHECK_THROWS_WITH_AS(select(wide, "", false), doctest::Contains("can compute any of the shapes"),
                       Error);
}

TEST_CASE("every op's card gives rows, and each is right") {
  Suite suite({.threads = {1, 2}, .isas = {kernels::available_isas().front()}});
  add_op_rows(suite);
  std::set<std::string> problems;
  for (const Row& row : suite.rows()) {
    problems.insert(row.problem);
    // Sums as long as a network's take the plain loops of double long: what is small is enough.
    if (row.units > 70'000) continue;
    const RowScope scope(row, false);
    const Work work = row.make();
    work.run();
    CAPTURE(row.name());
    CHECK(work.error() < row.error_bound);
    CHECK(work.bytes >= 0);
  }
  for (const OpCard& card : talweg::ops()) {
    const auto has = [&](const char* pass) {
      return std::any_of(problems.begin(), problems.end(), [&](const std::string& problem) {
        return problem.find("op/" + card.name + "/" + pass + "/") == 0;
      });
    };
    CAPTURE(card.name);
    CHECK(has("forward"));
    CHECK(has("vjp") == (card.rule_text.find("none") != 0));
  }
}

TEST_CASE("floors are of rows that there are, and a row under its own is named") {
  Suite suite({.threads = {1}, .isas = {"portable"}});
  add_conv_rows(suite);
  int with_floor = 0;
  for (const Row& row : suite.rows()) {
    with_floor += floor_of(row.problem, row.way, row.isa, row.threads) > 0;
  }
  CHECK(with_floor == 4);
  RowRecord row;
  row.problem = "conv2d/forward/32x64x8x32-128x3x3s1p1";
  row.way = "talweg/avx2/direct";
  row.isa = "avx2";
  row.nominal_flop = 1e9;
  row.roof.peak_gflops = 100;
  row.samples = {0.1, 0.1, 0.1};  // 10 GFLOP/s
  const auto under = under_floors({row});
  REQUIRE(under.size() == 1);
  CHECK(under[0].find("direct/1t does 10 % of the measured peak, less than its floor of 40 %") !=
        std::string::npos);
  row.samples = {0.01, 0.01, 0.01};
  CHECK(under_floors({row}).empty());
  row.threads = 2;  // no floor
  row.samples = {0.1};
  CHECK(under_floors({row}).empty());
}

TEST_CASE("every row of talweg's own is right on every instruction set, on small shapes") {
  SuiteOptions options = {
      .threads = {1, 2},
      .isas = kernels::available_isas(),
      .algos = {"direct", "wino2", "wino4", "auto"},
      .shapes = {parse_shape("2x5x6x7-9x3x3p1"), parse_shape("1x1x5x9-3x2x4s2")},
      .with_packing = true};
  options.shapes.push_back(parse_shape("2x5x6x7-5x3x3p1g5"));
  options.shapes.push_back(parse_shape("1x8x9x5-8x3x2s2x1p1d1x2g8"));
  Suite suite(options);
  add_conv_rows(suite);
  add_depthwise_rows(suite);
  for (const auto& problem : by_problem(select(suite, "", false))) {
    for (const Row* row : problem) {
      const RowScope scope(*row, false);
      const Work work = row->make();
      work.run();
      CAPTURE(row->name());
      CHECK(work.error() < row->error_bound);
      CHECK_FALSE(work.weights.empty());
      CHECK_FALSE(work.others.empty());
    }
  }
}

}  // namespace
}  // namespace talweg::bench
