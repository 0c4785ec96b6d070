// Google Benchmark finds how many runs make a sample, and runs and times them. It would take all
// samples of one row before the next; so that a disturbance falls on all rows alike, each turn is a
// round through all registered rows with one repetition each.
#include "bench/clock.h"

#include <benchmark/benchmark.h>
#include <omp.h>

#include "core/error.h"

namespace talweg::bench {
namespace {

/// Keeps what Google Benchmark reports instead of printing it.
class Keeper : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type == Run::RT_Iteration) kept.push_back(run);
    }
  }
  std::vector<Run> kept;
};

class GoogleClock : public Clock {
  using Run = benchmark::BenchmarkReporter::Run;

  auto* add(const Ready& ready) {
    const auto loop = [this, ready](benchmark::State& state) { sample(state, ready); };
    auto* registered = benchmark::RegisterBenchmark(ready.row->name().c_str(), loop);
    return options_.cold == Cold::none ? registered->UseRealTime() : registered->UseManualTime();
  }

 public:
  explicit GoogleClock(const RunOptions& options) : options_(options) {}
  ~GoogleClock() override { benchmark::ClearRegisteredBenchmarks(); }

  std::vector<double> start(const std::vector<Ready>& rows, double sample_seconds) override {
    rows_ = rows;
    benchmark::ClearRegisteredBenchmarks();
    for (const Ready& ready : rows_) add(ready)->MinTime(sample_seconds);
    const std::vector<Run> runs = run_all();
    std::vector<double> seconds;
    benchmark::ClearRegisteredBenchmarks();
    for (size_t i = 0; i < rows_.size(); ++i) {
      add(rows_[i])->Iterations(runs[i].iterations);
      seconds.push_back(runs[i].real_accumulated_time);
    }
    return seconds;
  }

  std::vector<double> turn() override {
    std::vector<double> seconds;
    for (const Run& run : run_all()) {
      seconds.push_back(run.real_accumulated_time / double(run.iterations));
    }
    return seconds;
  }

 private:
  void sample(benchmark::State& state, const Ready& ready) {
    const RowScope scope(*ready.row, options_.pin);
    const Work& work = *ready.work;
    if (options_.cold == Cold::none) {
      // The row before used these caches: once untimed, unless a run is long enough not to mind.
      if (state.max_iterations > 1) work.run();
      for (auto _ : state) work.run();
      return;
    }
    for (auto _ : state) {
      evict_all(work.weights);
      if (options_.cold == Cold::all) evict_all(work.others);
      const double begin = omp_get_wtime();
      work.run();
      state.SetIterationTime(omp_get_wtime() - begin);
    }
  }

  static void evict_all(const std::vector<Memory>& pieces) {
    for (const Memory& piece : pieces) evict(piece.data, piece.bytes);
  }

  std::vector<Run> run_all() {
    Keeper keeper;
    benchmark::RunSpecifiedBenchmarks(&keeper);
    expect(keeper.kept.size() == rows_.size(), "[bench] ", rows_.size(), " rows were to run, ",
           keeper.kept.size(), " did");
    return keeper.kept;
  }

  RunOptions options_;
  std::vector<Ready> rows_;
};

}  // namespace

std::unique_ptr<Clock> make_clock(const RunOptions& options) {
  // Its own flags stay at their defaults: one repetition, every registered row.
  int argc = 1;
  char name[] = "talweg_bench";
  char* argv[] = {name, nullptr};
  benchmark::Initialize(&argc, argv);
  return std::make_unique<GoogleClock>(options);
}

}  // namespace talweg::bench
