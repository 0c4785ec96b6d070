// The learner's ladder: one forward convolution, from seven plain loops to the product's kernels.
//
//   ./run bench ladder
//
// The rungs up to 4 use one thread; the others run on one and on all that were asked for (all
// processors, where only one was), so that each step can be seen alone.
#include <omp.h>

#include <algorithm>

#include "bench/conv_problem.h"
#include "bench/ladder/ladder.h"
#include "bench/rows.h"
#include "core/error.h"

namespace talweg::bench {
namespace {

using kernels::Conv2dAlgo;

/// A layer in the middle of the recognizer's trunk: every rung's idea counts here, and the first
/// takes no more than a second.
constexpr const char* kShape = "32x64x8x32-128x3x3s1p1";
constexpr int kFirstTiledRung = 2, kFirstThreadedRung = 4;

struct RungRun {
  std::shared_ptr<const ConvProblem> problem;
  const Rung& rung;
  Buffer laid, scratch, out;

  RungRun(std::shared_ptr<const ConvProblem> p, const Rung& r)
      : problem(std::move(p)),
        rung(r),
        laid(r.laid_size(problem->s())),
        scratch(r.scratch_size(problem->s())),
        out(problem->output_size()) {
    rung.lay_out(problem->s(), problem->w().data(), laid.data());
  }
  void run() const {
    rung.run(problem->s(), problem->x().data(), laid.data(), out.data(), scratch.data());
  }
};

Work rung_work(const ConvShape& shape, const Rung& rung) {
  const auto run = std::make_shared<RungRun>(conv_problem(shape, Conv2dFace::forward), rung);
  Work work;
  work.run = [run] { run->run(); };
  work.error = [run] { return run->problem->error(run->out.data()); };
  work.hash = [run] { return hash_of(run->out.data(), run->out.size()); };
  return work;
}

std::vector<int> thread_counts(const Suite& suite) {
  const auto& asked = suite.options().threads;
  const int most = *std::max_element(asked.begin(), asked.end());
  const int all = most > 1 ? most : omp_get_num_procs();
  return all > 1 ? std::vector<int>{1, all} : std::vector<int>{1};
}

Row ladder_row(const ConvCase& c, const std::string& way, int threads, const std::string& isa) {
  Row row = conv_row(c, Conv2dFace::forward, way, threads);
  row.problem = "ladder/" + c.shape.text;
  row.isa = isa;
  row.groups = {"ladder"};
  row.in_sum = row.by_default = row.in_smoke = false;
  return row;
}

void add_product_row(Suite& suite, const ConvCase& c, const char* way, Conv2dAlgo algo, int threads,
                     const std::string& isa) {
  Row row = ladder_row(c, way, threads, isa);
  row.executed_flop = executed_flop(c.shape.s, Conv2dFace::forward, algo);
  row.make = [shape = c.shape, algo] {
    return conv_work(shape, Conv2dFace::forward, std::string(kernels::algo_name(algo)), false);
  };
  suite.add(std::move(row));
}

}  // namespace

void add_ladder_rows(Suite& suite) {
  const ConvCase c = {.shape = parse_shape(kShape), .group = "ladder"};
  const auto& isas = suite.options().isas;
  const std::string isa = isas.empty() ? kernels::available_isas().front() : isas.front();
  const Ladder& ladder = ladder_of(isa);
  const std::vector<int> threads = thread_counts(suite);
  for (int i = 0; i < kRungs; ++i) {
    const Rung& rung = ladder.rungs[i];
    for (const int t : i < kFirstThreadedRung ? std::vector<int>{1} : threads) {
      Row row = ladder_row(c, rung.name, t, isa);
      // The tile computes padding too, where the plain loops skip it.
      if (i >= kFirstTiledRung) row.executed_flop = row.nominal_flop;
      row.reference_rank = i == 0 ? 1 : 0;
      row.make = [shape = c.shape, &rung] { return rung_work(shape, rung); };
      suite.add(std::move(row));
    }
  }
  for (const int t : threads) {
    if (kernels::supports(Conv2dAlgo::wino4, c.shape.s)) {
      add_product_row(suite, c, "6-winograd", Conv2dAlgo::wino4, t, isa);
    }
    add_product_row(suite, c, "product-direct", Conv2dAlgo::direct, t, isa);
  }
}

}  // namespace talweg::bench
