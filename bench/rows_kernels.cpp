// Talweg's kernels that move numbers rather than multiply them: elementwise functions, reductions,
// pooling. What bounds them is memory, so each is measured in the L2 cache and beyond the caches.
#include <functional>

#include "bench/buffer.h"
#include "bench/rows.h"
#include "core/kernels/kernels.h"

namespace talweg::bench {
namespace {

using kernels::KernelTable;
using kernels::Pool2dShape;

/// Inputs and output of one kernel; a function of the table and these is the kernel, in float or, as
/// the specification that it is checked against, in double.
template <class T> struct Arrays {
  const T *a, *b, *c;
  T* y;
};
using InFloat = std::function<void(const KernelTable<float>&, const Arrays<float>&)>;
using InDouble = std::function<void(const KernelTable<double>&, const Arrays<double>&)>;

/// One kernel on one size.
struct Kernel {
  std::string problem;
  int64_t inputs_size[3] = {0, 0, 0};
  int64_t output_size = 0;
  double low = -1, high = 1;  ///< range of the inputs
  double flop = 0;            ///< 0 where counting them says nothing
  double more_bytes = 0;      ///< beside the floats in and out
  InFloat in_float = {};
  InDouble in_double = {};
  bool by_default = true, in_smoke = false;
  double error_bound = 1e-6;
};

/// The same generic lambda for both kinds of numbers.
template <class Call> void set_call(Kernel& kernel, const Call& call) {
  kernel.in_float = call;
  kernel.in_double = call;
}

struct KernelRun {
  Kernel kernel;
  const KernelTable<float>& table = kernels::table<float>();
  std::vector<Buffer> inputs;
  Buffer out;
  std::vector<double> exact;

  explicit KernelRun(const Kernel& k) : kernel(k), out(k.output_size) {
    for (const int64_t size : k.inputs_size) {
      inputs.push_back(random_buffer(size, 7 + inputs.size(), k.low, k.high));
    }
  }
  void run() const {
    kernel.in_float(table, {inputs[0].data(), inputs[1].data(), inputs[2].data(), out.data()});
  }
  double error() {
    if (exact.empty()) {
      std::vector<std::vector<double>> in;
      for (const Buffer& b : inputs) in.emplace_back(b.data(), b.data() + b.size());
      exact.resize(size_t(out.size()));
      kernel.in_double(kernels::reference<double>(),
                       {in[0].data(), in[1].data(), in[2].data(), exact.data()});
    }
    return relative_error(out.data(), exact);
  }
};

Work make_work(const Kernel& kernel) {
  const auto run = std::make_shared<KernelRun>(kernel);
  Work work;
  work.run = [run] { run->run(); };
  work.error = [run] { return run->error(); };
  work.hash = [run] { return hash_of(run->out.data(), run->out.size()); };
  work.others = {run->out.memory()};
  for (const Buffer& b : run->inputs) work.others.push_back(b.memory());
  return work;
}

struct Size {
  int64_t n;
  const char* name;
};
constexpr Size kSizes[] = {{16 << 10, "16K"}, {4 << 20, "4M"}};

/// y = f(a), y = f(a, b): by name, the number of inputs, and the kernel.
template <class Call>
Kernel elementwise(const std::string& name, const Size& size, int inputs, const Call& call) {
  Kernel k = {.problem = "elementwise/" + name + "/" + size.name, .output_size = size.n};
  for (int i = 0; i < inputs; ++i) k.inputs_size[i] = size.n;
  set_call(k,
           [n = size.n, call](const auto& table, const auto& arrays) { call(table, n, arrays); });
  return k;
}

void add_elementwise(std::vector<Kernel>& out) {
  for (const Size& size : kSizes) {
    const auto add = [&](const char* name, int inputs, const auto& call) -> Kernel& {
      out.push_back(elementwise(name, size, inputs, call));
      return out.back();
    };
    Kernel& exp =
        add("exp", 1, [](const auto& t, int64_t n, const auto& v) { t.exp(n, v.a, v.y); });
    exp.low = -20, exp.high = 20, exp.in_smoke = true;
    Kernel& log =
        add("log", 1, [](const auto& t, int64_t n, const auto& v) { t.log(n, v.a, v.y); });
    log.low = 1e-3, log.high = 1e3;
    add("tanh", 1, [](const auto& t, int64_t n, const auto& v) { t.tanh(n, v.a, v.y); }).high = 3;
    add("relu", 1, [](const auto& t, int64_t n, const auto& v) { t.relu(n, v.a, v.y); });
    add("relu_mask", 2,
        [](const auto& t, int64_t n, const auto& v) { t.relu_mask(n, v.a, v.b, v.y); });
    add("add", 2, [](const auto& t, int64_t n, const auto& v) { t.add(n, v.a, v.b, v.y); });
    add("maximum", 2, [](const auto& t, int64_t n, const auto& v) { t.maximum(n, v.a, v.b, v.y); });
    add("mul", 2, [](const auto& t, int64_t n, const auto& v) { t.mul(n, v.a, v.b, v.y); });
  }
}

/// Matrices [rows, cols]: one number a row or a column.
void add_reductions(std::vector<Kernel>& out) {
  const auto add = [&](const std::string& name, int64_t rows, int64_t cols, int64_t results,
                       const auto& call) {
    Kernel k = {
        .problem = "reduce/" + name + "/" + std::to_string(rows) + "x" + std::to_string(cols),
        .output_size = results};
    k.inputs_size[0] = rows * cols;
    k.low = 0;  // sums of both signs cancel, and their relative error says little
    set_call(k, [rows, cols, call](const auto& t, const auto& v) { call(t, rows, cols, v); });
    out.push_back(k);
  };
  for (const int64_t rows : {1024, 65536}) {
    add("row_sum", rows, 96, rows,
        [](const auto& t, int64_t r, int64_t c, const auto& v) { t.row_sum(r, c, v.a, v.y); });
    add("row_logsumexp", rows, 96, rows, [](const auto& t, int64_t r, int64_t c, const auto& v) {
      t.row_logsumexp(r, c, v.a, v.y);
    });
    add("col_sum", rows, 64, 64,
        [](const auto& t, int64_t r, int64_t c, const auto& v) { t.col_sum(r, c, v.a, v.y); });
  }
}

/// The trunk's 2x2 pools, with winners as training needs them.
void add_pools(std::vector<Kernel>& out) {
  for (const Pool2dShape& s :
       {Pool2dShape{32, 32, 128, 32, 2, 2, 2, 2}, Pool2dShape{32, 16, 64, 64, 2, 2, 2, 2},
        Pool2dShape{32, 8, 32, 128, 2, 1, 2, 1}}) {
    Kernel k = {.problem = "pool/max/" + std::to_string(s.n) + "x" + std::to_string(s.c) + "x" +
                           std::to_string(s.h) + "x" + std::to_string(s.w) + "-" +
                           std::to_string(s.kh) + "x" + std::to_string(s.kw),
                .output_size = s.y_size()};
    k.inputs_size[0] = s.x_size();
    k.more_bytes = double(s.y_size());
    const auto winner = std::make_shared<std::vector<uint8_t>>(size_t(s.y_size()));
    set_call(
        k, [s, winner](const auto& t, const auto& v) { t.max_pool(s, v.a, v.y, winner->data()); });
    out.push_back(k);
  }
}

Row row_of(const Kernel& k, const std::string& isa, int threads) {
  Row row;
  row.problem = k.problem;
  row.way = "talweg/" + isa;
  row.isa = isa;
  row.threads = threads;
  int64_t numbers = k.output_size;
  for (const int64_t size : k.inputs_size) numbers += size;
  row.bytes = double(sizeof(float)) * double(numbers) + k.more_bytes;
  row.nominal_flop = k.flop;
  row.units = double(k.inputs_size[0]);
  row.unit = "element";
  row.error_bound = k.error_bound;
  row.groups = {"kernels", k.problem.substr(0, k.problem.find('/'))};
  row.in_sum = false;
  row.by_default = k.by_default;
  row.in_smoke = k.in_smoke;
  row.make = [k] { return make_work(k); };
  return row;
}

}  // namespace

void add_kernel_rows(Suite& suite) {
  std::vector<Kernel> all;
  add_elementwise(all);
  add_reductions(all);
  add_pools(all);
  for (const Kernel& k : all) {
    for (const std::string& isa : suite.options().isas) {
      for (const int threads : suite.options().threads) suite.add(row_of(k, isa, threads));
    }
  }
}

}  // namespace talweg::bench
