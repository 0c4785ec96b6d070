// OpenBLAS's sgemm beside our matrix products.
#include "bench/matmul_problem.h"
#include "bench/peers/openblas.h"
#include "bench/rows.h"

namespace talweg::bench {
namespace {

struct OpenBlasRun {
  std::shared_ptr<const MatmulProblem> problem;
  Buffer out;

  explicit OpenBlasRun(std::shared_ptr<const MatmulProblem> p)
      : problem(std::move(p)), out(problem->output_size()) {}
  void run() const {
    const MatmulCase& c = problem->shape();
    openblas_matmul(c.m, c.n, c.k, problem->a().data(), c.transpose_a, problem->b().data(),
                    c.transpose_b, out.data());
  }
};

Work make_work(const MatmulCase& c, int threads) {
  const auto run = std::make_shared<OpenBlasRun>(matmul_problem(c));
  Work work;
  work.run = [run, threads] {
    set_openblas_threads(threads);
    run->run();
  };
  work.error = [run] { return run->problem->error(run->out.data()); };
  work.weights = {run->problem->b().memory()};
  work.others = {run->problem->a().memory(), run->out.memory()};
  work.note = openblas_version();
  return work;
}

}  // namespace

void add_openblas_rows(Suite& suite) {
  for (const MatmulCase& c : matmul_cases()) {
    for (const int threads : suite.options().threads) {
      Row row = matmul_row(c, "openblas", threads);
      row.isa = openblas_isa();
      row.reference_rank = 2;
      row.make = [c, threads] { return make_work(c, threads); };
      suite.add(std::move(row));
    }
  }
}

}  // namespace talweg::bench
