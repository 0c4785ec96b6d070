// Talweg's matrix products, for every instruction set asked for.
#include "bench/matmul_problem.h"
#include "bench/rows.h"
#include "core/kernels/kernels.h"

namespace talweg::bench {
namespace {

struct MatmulRun {
  std::shared_ptr<const MatmulProblem> problem;
  const kernels::KernelTable<float>& table;
  Buffer out, scratch;

  explicit MatmulRun(std::shared_ptr<const MatmulProblem> p)
      : problem(std::move(p)),
        table(kernels::table<float>()),
        out(problem->output_size()),
        scratch(table.matmul_scratch(problem->shape().m, problem->shape().n, problem->shape().k)) {}
  void run() const {
    const MatmulCase& c = problem->shape();
    table.matmul(c.m, c.n, c.k, problem->a().data(), c.transpose_a, problem->b().data(),
                 c.transpose_b, out.data(), scratch.data());
  }
};

Work make_work(const MatmulCase& c) {
  const auto run = std::make_shared<MatmulRun>(matmul_problem(c));
  Work work;
  work.run = [run] { run->run(); };
  work.error = [run] { return run->problem->error(run->out.data()); };
  work.hash = [run] { return hash_of(run->out.data(), run->out.size()); };
  work.weights = {run->problem->b().memory()};
  work.others = {run->problem->a().memory(), run->out.memory()};
  return work;
}

}  // namespace

void add_matmul_rows(Suite& suite) {
  for (const MatmulCase& c : matmul_cases()) {
    for (const std::string& isa : suite.options().isas) {
      for (const int threads : suite.options().threads) {
        Row row = matmul_row(c, "talweg/" + isa, threads);
        row.isa = isa;
        row.reference_rank = 1;
        row.make = [c] { return make_work(c); };
        suite.add(std::move(row));
      }
    }
  }
}

}  // namespace talweg::bench
