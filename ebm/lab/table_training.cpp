#include "ebm/lab/table_training.h"

#include <cmath>

#include "core/ops/reduce.h"

namespace talweg::ebm::lab {

void train_table(Tensor<double>& f, const TableLoss& loss, int64_t steps, double rate,
                 const std::function<void(int64_t, const Tensor<double>&)>& watch) {
  Tape<double> tape;
  for (int64_t step = 1; step <= steps; ++step) {
    TapeScope<double> scope(tape);
    const Var<double> leaf = tape.borrow(f, true);
    tape.backward(sum(loss(leaf)));
    const std::span<const double> g = leaf.grad_view();
    for (std::size_t i = 0; i < g.size(); ++i) f[static_cast<int64_t>(i)] -= rate * g[i];
    if (watch) watch(step, f);
  }
}

double nll_gap(double beta, int64_t labels, double time) {
  const auto n = static_cast<double>(labels);
  double low = 0, high = time * n / (n - 1) + 1;  // Delta' is n / (n - 1) at most
  for (int i = 0; i < 200; ++i) {
    const double gap = (low + high) / 2;
    const double reached = std::expm1(beta * gap) / beta + (n - 1) * gap;
    (reached < n * time ? low : high) = gap;
  }
  return (low + high) / 2;
}

}  // namespace talweg::ebm::lab
