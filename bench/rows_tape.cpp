// What the tape itself costs: a chain of 1,000 ops, multiplications and additions by turns, on so few
// numbers that the arithmetic hardly counts. A run is forward, backward and giving all of it back; its
// figure is ns an op. The chain's input has a gradient, the numbers it meets are constants.
#include <memory>
#include <string>
#include <vector>

#include "bench/buffer.h"
#include "bench/rows.h"
#include "core/ops/elementwise.h"

namespace talweg::bench {
namespace {

constexpr int kOps = 1000;

template <class T> class Chain {
 public:
  explicit Chain(int64_t elements)
      : x_(tape_.variable(Tensor<T>({elements}, T(0.5)))),
        factor_(tape_.constant(Tensor<T>({elements}, T(0.998046875)))),  // exact in float
        addend_(tape_.constant(Tensor<T>({elements}, T(0.001953125)))),
        dy_(tape_.constant(Tensor<T>({elements}, T(1)))) {}

  /// y, then its gradient in x, one behind the other.
  std::vector<T> result() {
    const TapeScope<T> scope(tape_);
    const Var<T> y = forward(), dx = backward(y);
    std::vector<T> all(y.values().begin(), y.values().end());
    all.insert(all.end(), dx.values().begin(), dx.values().end());
    return all;
  }
  void run() {
    const TapeScope<T> scope(tape_);
    backward(forward());
  }

 private:
  Var<T> forward() const {
    Var<T> y = x_;
    for (int i = 0; i < kOps; i += 2) y = add(mul(y, factor_), addend_);
    return y;
  }
  Var<T> backward(Var<T> y) { return tape_.grad(y, {&x_, 1}, false, dy_)[0]; }

  Tape<T> tape_;
  Var<T> x_, factor_, addend_, dy_;
};

Work make_work(int64_t elements) {
  const auto chain = std::make_shared<Chain<float>>(elements);
  Work work;
  work.run = [chain] { chain->run(); };
  work.error = [chain, elements] {
    return relative_error(chain->result().data(), Chain<double>(elements).result());
  };
  work.hash = [chain] {
    const std::vector<float> found = chain->result();
    return hash_of(found.data(), int64_t(found.size()));
  };
  for (int warm_up = 0; warm_up < 3; ++warm_up) chain->run();
  return work;
}

}  // namespace

void add_tape_rows(Suite& suite) {
  for (const int64_t elements : {1, 64}) {
    for (const std::string& isa : suite.options().isas) {
      Row row;  // one thread: the tape is used by one at a time
      row.problem = message("tape/chain", kOps, "/", elements);
      row.way = "talweg/" + isa;
      row.isa = isa;
      row.units = kOps;
      row.unit = "op";
      row.error_bound = 2e-5;
      row.groups = {"tape"};
      row.in_sum = false;
      row.by_default = false;
      row.in_smoke = elements == 1;
      row.make = [elements] { return make_work(elements); };
      suite.add(std::move(row));
    }
  }
}

}  // namespace talweg::bench
