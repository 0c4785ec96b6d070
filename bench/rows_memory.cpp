// More kernels that memory bounds, those that layers and optimisers are made of: sums and
// arithmetic by columns, softmax and cross-entropy by rows, pooling and its gradient, optimisers'
// steps. Their figure is GB/s, each in- and output counted once.
#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bench/buffer.h"
#include "bench/rows.h"
#include "core/error.h"
#include "core/kernels/kernels.h"

namespace talweg::bench {
namespace {

using kernels::KernelTable;
using kernels::Pool2dShape;

/// What a kernel may read and write. `row` is one number a column (or a weight), `state` an input
/// that is also written.
template <class T> struct Operands {
  int64_t rows, cols;
  const T *x, *g, *row;
  const int32_t* label;
  uint8_t* winner;
  T *y, *state, *state2, *scratch;
};

/// One kernel: a function of table and operands, for float and double.
struct KernelCase {
  std::string problem;
  int64_t rows, cols;  ///< of x
  int64_t y_size;
  double numbers;  ///< read or written in a run
  void (*f32)(const KernelTable<float>&, const Operands<float>&);
  void (*f64)(const KernelTable<double>&, const Operands<double>&);
  bool keeps_state = false;  ///< changes what it reads, so that every run gives another result
  bool in_smoke = false;
};

/// The operands of one case and the memory behind them.
template <class T> class CaseMemory {
 public:
  CaseMemory(const KernelCase& c)
      : x_(draw(c.rows * c.cols, 1)),
        g_(draw(c.rows * c.cols, 2)),
        row_(draw(std::max<int64_t>(c.cols, 1) * 16, 3)),
        y_(size_t(c.y_size)),
        state_(draw(c.keeps_state ? c.y_size : 0, 4)),
        state2_(size_t(c.keeps_state ? c.y_size : 0), T(0.5)),
        scratch_(size_t(1) << 20),
        winner_(size_t(c.rows * c.cols)),
        label_(size_t(c.rows)) {
    Rng rng(5);
    for (auto& l : label_) l = int32_t(rng.below(uint64_t(c.cols)));
    for (auto& w : winner_) w = uint8_t(rng.below(5));
    for (int64_t i = 0; c.keeps_state && i < c.y_size; ++i) y_[size_t(i)] = x_[size_t(i)];
    operands = {c.rows,        c.cols,         x_.data(),      g_.data(),
                row_.data(),   label_.data(),  winner_.data(), y_.data(),
                state_.data(), state2_.data(), scratch_.data()};
  }
  const std::vector<T>& y() const { return y_; }
  /// What --cold throws out of the caches.
  std::vector<Memory> all() const {
    const auto of = [](const auto& v) { return Memory{v.data(), v.size() * sizeof(v[0])}; };
    return {of(x_), of(g_), of(row_), of(y_), of(state_), of(state2_), of(winner_), of(label_)};
  }
  Operands<T> operands;

 private:
  /// The same numbers in float and in double, in [-2, 2).
  static std::vector<T> draw(int64_t size, uint64_t seed) {
    std::vector<T> out(static_cast<size_t>(size));
    Rng rng(seed);
    for (T& v : out) v = T(float(rng.uniform(-2, 2)));
    return out;
  }
  std::vector<T> x_, g_, row_, y_, state_, state2_, scratch_;
  std::vector<uint8_t> winner_;
  std::vector<int32_t> label_;
};

Work make_work(const KernelCase& c) {
  const auto memory = std::make_shared<CaseMemory<float>>(c);
  const auto& table = kernels::table<float>();
  Work work;
  work.run = [memory, &table, f = c.f32] { f(table, memory->operands); };
  work.error = [memory, &table, c] {
    CaseMemory<double> exact(c);
    c.f64(kernels::reference<double>(), exact.operands);
    if (!c.keeps_state) return relative_error(memory->y().data(), exact.y());
    const CaseMemory<float> fresh(c);
    c.f32(table, fresh.operands);
    return relative_error(fresh.y().data(), exact.y());
  };
  work.others = memory->all();
  if (!c.keeps_state) {
    work.hash = [memory] { return hash_of(memory->y().data(), int64_t(memory->y().size())); };
  }
  return work;
}

/// A lambda over table and operands, once for each scalar.
template <class F>
KernelCase kernel_case(std::string problem, int64_t rows, int64_t cols, int64_t y_size,
                       double numbers, F) {
  return {std::move(problem),
          rows,
          cols,
          y_size,
          numbers,
          [](const KernelTable<float>& k, const Operands<float>& o) {
            F()
            (k, o);
          },
          [](const KernelTable<double>& k, const Operands<double>& o) {
            F()
            (k, o);
          }};
}

void add_elementwise(std::vector<KernelCase>& cases) {
  // One size in the first cache, one far beyond the last.
  for (const int64_t n : {int64_t(1) << 12, int64_t(1) << 23}) {
    const auto add = [&](const char* name, double arrays, auto f) {
      cases.push_back(
          kernel_case(message("elementwise/", name, "/", n), 1, n, n, arrays * double(n), f));
      cases.back().in_smoke = n == 1 << 12;
    };
    add("sigmoid", 2, [](auto& k, auto& o) { k.sigmoid(o.cols, o.x, o.y); });
    add("softplus", 2, [](auto& k, auto& o) { k.softplus(o.cols, o.x, o.y); });
    add("square_sum", 1, [](auto& k, auto& o) {
      using T = std::remove_reference_t<decltype(*o.y)>;
      o.y[0] = T(k.square_sum(o.cols, o.x));
    });
  }
}

void add_matrices(std::vector<KernelCase>& cases) {
  for (const auto& [rows, cols] :
       {std::pair<int64_t, int64_t>{73728, 16}, {18432, 64}, {9216, 256}, {1 << 20, 1}}) {
    const double n = double(rows * cols);
    const std::string size = message("/", rows, "x", cols);
    cases.push_back(kernel_case("columns/sum" + size, rows, cols, cols, n,
                                [](auto& k, auto& o) { k.col_sum(o.rows, o.cols, o.x, o.y); }));
    cases.push_back(kernel_case("columns/sqdev" + size, rows, cols, cols, n, [](auto& k, auto& o) {
      k.col_sqdev(o.rows, o.cols, o.x, o.row, o.y);
    }));
    cases.push_back(
        kernel_case("columns/add" + size, rows, cols, rows * cols, 2 * n,
                    [](auto& k, auto& o) { k.col_add(o.rows, o.cols, o.x, o.row, o.y); }));
  }
  for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{576, 27}, {18432, 120}}) {
    const double n = double(rows * cols);
    const std::string size = message("/", rows, "x", cols);
    cases.push_back(kernel_case("rows/softmax" + size, rows, cols, rows * cols, 2 * n,
                                [](auto& k, auto& o) { k.row_softmax(o.rows, o.cols, o.x, o.y); }));
    cases.push_back(
        kernel_case("rows/log_softmax" + size, rows, cols, rows * cols, 2 * n,
                    [](auto& k, auto& o) { k.row_log_softmax(o.rows, o.cols, o.x, o.y); }));
    cases.push_back(kernel_case("rows/logsumexp" + size, rows, cols, rows, n, [](auto& k, auto& o) {
      k.row_logsumexp(o.rows, o.cols, o.x, o.y);
    }));
    cases.push_back(kernel_case(
        "rows/cross_entropy" + size, rows, cols, rows, n,
        [](auto& k, auto& o) { k.row_cross_entropy(o.rows, o.cols, o.x, o.label, o.y); }));
    cases.push_back(kernel_case(
        "rows/cross_entropy_vjp" + size, rows, cols, rows * cols, 2 * n,
        [](auto& k, auto& o) { k.row_cross_entropy_vjp(o.rows, o.cols, o.x, o.label, o.g, o.y); }));
  }
}

/// Pools of the demonstration's model and of nets for photographs, N x H x W x C.
constexpr Pool2dShape kPool{32, 32, 72, 16, 2, 2, 2, 2},
    kOverlapping{32, 16, 36, 32, 3, 3, 2, 2, 1, 1};

void add_windows(std::vector<KernelCase>& cases) {
  const auto add_pool = [&](const char* name, const Pool2dShape& s, int64_t y, double numbers,
                            auto f) {
    cases.push_back(kernel_case(message("pool/", name, "/", s.n, "x", s.h, "x", s.w, "x", s.c),
                                s.n * s.h * s.w, s.c, y, numbers, f));
  };
  const double x = double(kPool.x_size()), y = double(kPool.y_size());
  add_pool("max2x2", kPool, kPool.y_size(), x + 1.25 * y,
           [](auto& k, auto& o) { k.max_pool(kPool, o.x, o.y, o.winner); });
  add_pool("scatter2x2", kPool, kPool.x_size(), x + 1.25 * y,
           [](auto& k, auto& o) { k.pool_scatter(kPool, o.x, o.winner, o.y); });
  const double x3 = double(kOverlapping.x_size()), y3 = double(kOverlapping.y_size());
  add_pool("max3x3s2", kOverlapping, kOverlapping.y_size(), x3 + 1.25 * y3,
           [](auto& k, auto& o) { k.max_pool(kOverlapping, o.x, o.y, o.winner); });
  add_pool("scatter3x3s2", kOverlapping, kOverlapping.x_size(), x3 + 1.25 * y3,
           [](auto& k, auto& o) { k.pool_scatter(kOverlapping, o.x, o.winner, o.y); });
  add_pool("mean2x2", kPool, kPool.y_size(), x + y,
           [](auto& k, auto& o) { k.avg_pool(kPool, o.x, o.y); });
  add_pool("mean2x2_vjp", kPool, kPool.x_size(), x + y,
           [](auto& k, auto& o) { k.avg_pool_backward(kPool, o.x, o.y); });
}

void add_optimisers(std::vector<KernelCase>& cases) {
  for (const int64_t n : {int64_t(1) << 14, int64_t(1) << 20}) {
    const auto add = [&](const char* name, double arrays, auto f) {
      cases.push_back(
          kernel_case(message("optimiser/", name, "/", n), 1, n, n, arrays * double(n), f));
      cases.back().keeps_state = true;
    };
    add("adam", 7, [](auto& k, auto& o) {
      using T = std::remove_reference_t<decltype(*o.y)>;
      const kernels::AdamStep<T> step{T(1),   T(0.9999), T(1e-4),  T(1),    T(1e-8),
                                      T(0.9), T(0.1),    T(0.999), T(0.001)};
      k.adam(o.cols, step, o.g, o.y, o.state, o.state2);
    });
    add("sgd", 5, [](auto& k, auto& o) {
      using T = std::remove_reference_t<decltype(*o.y)>;
      const kernels::SgdStep<T> step{T(1), T(0), T(0.9), T(1e-4), false};
      k.sgd(o.cols, step, o.g, o.y, o.state);
    });
  }
}

}  // namespace

void add_memory_rows(Suite& suite) {
  std::vector<KernelCase> cases;
  add_elementwise(cases);
  add_matrices(cases);
  add_windows(cases);
  add_optimisers(cases);
  for (const KernelCase& c : cases) {
    for (const std::string& isa : suite.options().isas) {
      for (const int threads : suite.options().threads) {
        Row row;
        row.problem = c.problem;
        row.way = "talweg/" + isa;
        row.isa = isa;
        row.threads = threads;
        row.bytes = double(sizeof(float)) * c.numbers;
        row.units = double(c.rows * c.cols);
        row.unit = "element";
        row.error_bound = 5e-6;
        row.reference_rank = 1;
        row.groups = {c.problem.substr(0, c.problem.find('/')), "kernels"};
        row.in_sum = false;
        row.by_default = false;
        row.in_smoke = c.in_smoke;
        row.make = [c] { return make_work(c); };
        suite.add(std::move(row));
      }
    }
  }
}

}  // namespace talweg::bench
