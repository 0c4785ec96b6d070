// The mistake: a rule reads a value when it runs, not when it was recorded, and nobody notices that
// it was overwritten in between. To copy every value would be right but dear; a version would tell.
#pragma once

#include "core/study/wrong_engines/numbers.h"

namespace talweg::wrong_engines {

class StaleEngine {
 public:
  using Value = int;

  Value variable(Numbers x) { return push(std::move(x), {}); }
  Value add(Value a, Value b) { return push(plus(value(a), value(b)), {{a, kOne}, {b, kOne}}); }
  Value mul(Value a, Value b) { return push(times(value(a), value(b)), {{a, b}, {b, a}}); }
  Value exp(Value x) {
    const Value y = push(wrong_engines::exp(value(x)), {});
    tape_[y].edges = {{x, y}};
    return y;
  }

  void backward(Value y) {
    for (Node& n : tape_) n.gradient.assign(n.value.size(), 0);
    tape_[y].gradient.assign(tape_[y].value.size(), 1);
    for (Value i = y; i >= 0; --i) {
      for (const Edge& e : tape_[i].edges) {
        const Numbers slope = e.slope == kOne ? Numbers{1} : value(e.slope);  // wrong: as it is now
        Node& x = tape_[e.input];
        x.gradient = plus(x.gradient, sum_to(times(tape_[i].gradient, slope), x.value.size()));
      }
    }
  }

  const Numbers& value(Value x) const { return tape_[x].value; }
  const Numbers& gradient(Value x) const { return tape_[x].gradient; }
  void overwrite(Value x, Numbers by) { tape_[x].value = std::move(by); }

 private:
  static constexpr Value kOne = -1;
  struct Edge {
    Value input, slope;  // the node whose value d output / d input is
  };
  struct Node {
    Numbers value, gradient;
    std::vector<Edge> edges;
  };

  Value push(Numbers value, std::vector<Edge> edges) {
    tape_.push_back({std::move(value), {}, std::move(edges)});
    return Value(tape_.size()) - 1;
  }

  std::vector<Node> tape_;
};

}  // namespace talweg::wrong_engines
