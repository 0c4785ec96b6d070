// The mistake: `=` where `+=` belongs. A gradient that arrives replaces what has arrived before, so
// a value that is used twice keeps one part of its gradient.
#pragma once

#include "core/study/wrong_engines/numbers.h"

namespace talweg::wrong_engines {

class AssigningEngine {
 public:
  using Value = int;

  Value variable(Numbers x) { return push(std::move(x), {}); }
  Value add(Value a, Value b) {
    const Rule same = [](const Numbers& dy) { return dy; };
    return push(plus(value(a), value(b)), {{a, same}, {b, same}});
  }
  Value mul(Value a, Value b) {
    return push(times(value(a), value(b)),
                {{a, times_constant(value(b))}, {b, times_constant(value(a))}});
  }
  Value exp(Value x) {
    const Numbers y = wrong_engines::exp(value(x));
    return push(y, {{x, times_constant(y)}});
  }

  void backward(Value y) {
    for (Node& n : tape_) n.gradient.assign(n.value.size(), 0);
    tape_[y].gradient.assign(tape_[y].value.size(), 1);
    for (Value i = y; i >= 0; --i) {
      for (const Edge& e : tape_[i].edges) {
        Node& x = tape_[e.input];
        x.gradient = sum_to(e.rule(tape_[i].gradient), x.value.size());  // wrong: not added
      }
    }
  }

  const Numbers& value(Value x) const { return tape_[x].value; }
  const Numbers& gradient(Value x) const { return tape_[x].gradient; }
  void overwrite(Value x, Numbers by) { tape_[x].value = std::move(by); }

 private:
  using Rule = std::function<Numbers(const Numbers& dy)>;
  struct Edge {
    Value input;
    Rule rule;
  };
  struct Node {
    Numbers value, gradient;
    std::vector<Edge> edges;
  };

  Value push(Numbers value, std::vector<Edge> edges) {
    tape_.push_back({std::move(value), {}, std::move(edges)});
    return Value(tape_.size()) - 1;
  }
  static Rule times_constant(Numbers c) {
    return [c = std::move(c)](const Numbers& dy) { return times(dy, c); };
  }

  std::vector<Node> tape_;
};

}  // namespace talweg::wrong_engines
