// The mistake: a value that was stretched gets its gradient unsummed. One weight against n numbers is
// n uses of it, and its gradient is the sum of n; here it is a list of n. With lists of one number,
// or of equal length, nothing is to be seen.
#pragma once

#include "core/study/wrong_engines/numbers.h"

namespace talweg::wrong_engines {

class UnsummedEngine {
 public:
  using Value = int;

  Value variable(Numbers x) { return push(std::move(x), {}); }
  Value add(Value a, Value b) {
    return push(plus(value(a), value(b)), {{a, Numbers{1}}, {b, Numbers{1}}});
  }
  Value mul(Value a, Value b) {
    return push(times(value(a), value(b)), {{a, value(b)}, {b, value(a)}});
  }
  Value exp(Value x) {
    const Numbers y = wrong_engines::exp(value(x));
    return push(y, {{x, y}});
  }

  void backward(Value y) {
    for (Node& n : tape_) n.gradient.assign(n.value.size(), 0);
    tape_[y].gradient.assign(tape_[y].value.size(), 1);
    for (Value i = y; i >= 0; --i) {
      for (const Edge& e : tape_[i].edges) {
        Node& x = tape_[e.input];
        x.gradient = plus(x.gradient, times(tape_[i].gradient, e.slope));  // wrong: not summed
      }
    }
  }

  const Numbers& value(Value x) const { return tape_[x].value; }
  const Numbers& gradient(Value x) const { return tape_[x].gradient; }
  void overwrite(Value x, Numbers by) { tape_[x].value = std::move(by); }

 private:
  struct Edge {
    Value input;
    Numbers slope;
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
