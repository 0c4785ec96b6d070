// The ops, from their cards: what a card states to be timed at gives a row of its forward pass and,
// where a gradient flows, one from the output's gradient back to the inputs'. Unlike the kernels'
// rows these include what the tape adds: checks, nodes, memory from the pool.
#include <memory>
#include <string>
#include <vector>

#include "bench/buffer.h"
#include "bench/rows.h"
#include "core/kernels/kernels.h"
#include "core/op_check.h"
#include "core/ops.h"
#include "ebm/align/ops.h"
#include "ebm/graph/ops.h"

namespace talweg::bench {
namespace {

enum class Pass { forward, vjp };

/// One pass of one case on a tape of its own. The inputs stay, and for the vjp the output too; what
/// a run makes behind them goes back to the pool when it ends.
template <class T> class OpRun {
 public:
  OpRun(const OpCase& c, const std::function<Var<T>(std::span<const Var<T>>)>& f, Pass pass)
      : f_(f), pass_(pass) {
    for (const Tensor<double>& t : draw_inputs(c, 1)) {
      Tensor<T> input(t.shape());
      std::copy(t.values().begin(), t.values().end(), input.data());
      inputs_.push_back(tape_.variable(input));
      numbers_ += double(t.size());
    }
    const Var<T> y = f_(inputs_);
    numbers_ += double(y.size());
    if (y.data() == inputs_[0].data()) numbers_ = 0;  // a view moves nothing
    if (pass_ == Pass::forward) return;
    // The inputs' gradients; y stands for its own.
    if (numbers_ > 0) numbers_ += numbers_ - double(y.size());
    y_ = y;
    Rng rng(7);
    Tensor<T> dy(y.shape());
    for (T& v : dy.values()) v = T(float(rng.normal()));
    dy_ = tape_.constant(dy);
  }
  void run() {
    const TapeScope<T> scope(tape_);
    if (pass_ == Pass::forward) {
      f_(inputs_);
    } else {
      tape_.grad(y_, inputs_, false, dy_);
    }
  }
  /// What a run computes, one tensor behind the other.
  std::vector<T> result() {
    const TapeScope<T> scope(tape_);
    std::vector<Var<T>> out;
    if (pass_ == Pass::forward) {
      out.push_back(f_(inputs_));
    } else {
      out = tape_.grad(y_, inputs_, false, dy_);
    }
    std::vector<T> all;
    for (const Var<T>& v : out) all.insert(all.end(), v.values().begin(), v.values().end());
    return all;
  }
  /// What --cold throws out of the caches: all that stays from run to run.
  std::vector<Memory> memory() const {
    std::vector<Memory> pieces;
    for (const Var<T>& v : inputs_) pieces.push_back({v.data(), sizeof(T) * size_t(v.size())});
    if (pass_ == Pass::vjp) {
      for (const Var<T>& v : {y_, dy_}) pieces.push_back({v.data(), sizeof(T) * size_t(v.size())});
    }
    return pieces;
  }
  /// In- and outputs: what has to be moved at the least.
  double numbers() const { return numbers_; }

 private:
  std::function<Var<T>(std::span<const Var<T>>)> f_;
  Pass pass_;
  Tape<T> tape_;
  std::vector<Var<T>> inputs_;
  Var<T> y_, dy_;
  double numbers_ = 0;
};

Work make_work(const OpCase& c, Pass pass) {
  const auto run = std::make_shared<OpRun<float>>(c, c.f.f32, pass);
  const auto exact = std::make_shared<std::vector<double>>();
  Work work;
  work.run = [run] { run->run(); };
  work.error = [run, exact, c, pass] {
    if (exact->empty()) *exact = OpRun<double>(c, c.f.f64, pass).result();
    return relative_error(run->result().data(), *exact);
  };
  work.hash = [run] {
    const std::vector<float> found = run->result();
    return hash_of(found.data(), int64_t(found.size()));
  };
  work.others = run->memory();
  work.bytes = double(sizeof(float)) * run->numbers();
  return work;
}

/// Does a gradient flow through the op? Asked of the smallest of its checks, which costs nothing.
bool differentiates(const OpCard& card) {
  for (const OpCase& c : card.cases) {
    Tape<double> tape;
    std::vector<Var<double>> inputs;
    for (const Tensor<double>& t : draw_inputs(c, 1)) inputs.push_back(tape.variable(t));
    if (c.f.f64(inputs).needs_grad()) return true;
  }
  return false;
}

void add_rows(Suite& suite, const OpCard& card, const OpCase& c, Pass pass) {
  const std::string name = pass == Pass::forward ? "forward" : "vjp";
  double elements = 0;
  for (const OpInput& in : c.inputs) elements += double(in.shape.size());
  for (const std::string& isa : suite.options().isas) {
    for (const int threads : suite.options().threads) {
      Row row;
      row.problem = "op/" + card.name + "/" + name + "/" + c.name;
      row.way = "talweg/" + isa;
      row.isa = isa;
      row.threads = threads;
      row.units = elements;
      row.unit = "element";
      row.error_bound = 2e-5;  // that of the cards' checks
      row.groups = {"ops"};
      row.in_sum = false;
      row.by_default = false;
      row.in_smoke = card.name == "layer_norm";  // a composition of several others
      row.make = [c, pass] { return make_work(c, pass); };
      suite.add(std::move(row));
    }
  }
}

}  // namespace

void add_op_rows(Suite& suite) {
  for (const std::vector<OpCard>* cards : {&talweg::ops(), &ebm::ops(), &ebm::graph_ops()}) {
    for (const OpCard& card : *cards) {
      for (const OpCase& c : card.benches) {
        add_rows(suite, card, c, Pass::forward);
        if (differentiates(card)) add_rows(suite, card, c, Pass::vjp);
      }
    }
  }
}

}  // namespace talweg::bench
