// The engine that others spoil in one place: a tape of lists of numbers. Nodes stand behind their
// inputs, gradients add up, what was stretched is summed, and a value that a rule still needs has a
// version.
#pragma once

#include "core/error.h"
#include "core/study/wrong_engines/numbers.h"

namespace talweg::wrong_engines {

class RightEngine {
 public:
  using Value = int;  // the node's place on the tape

  RightEngine() = default;
  RightEngine(const RightEngine&) = delete;  // its rules point at it
  virtual ~RightEngine() = default;

  Value variable(Numbers x) { return push(std::move(x), {}); }
  Value add(Value a, Value b) {
    const Rule same = [](const Numbers& dy) { return dy; };
    return push(plus(value(a), value(b)), {{a, same}, {b, same}});
  }
  Value mul(Value a, Value b) {
    return push(times(value(a), value(b)), {{a, times_saved(b)}, {b, times_saved(a)}});
  }
  Value exp(Value x) {
    const Value y = push(wrong_engines::exp(value(x)), {});
    tape_[y].edges = {{x, times_saved(y)}};
    return y;
  }

  /// Leaves the gradient of the sum of y on every node before it.
  void backward(Value y) {
    for (Node& n : tape_) n.gradient.assign(n.value.size(), 0);
    tape_[y].gradient.assign(tape_[y].value.size(), 1);
    for (Value i = y; i >= 0; --i) {  // every user of a node stands behind it
      for (const Edge& e : tape_[i].edges) receive(tape_[e.input], e.rule(tape_[i].gradient));
    }
  }

  const Numbers& value(Value x) const { return tape_[x].value; }
  const Numbers& gradient(Value x) const { return tape_[x].gradient; }
  void overwrite(Value x, Numbers by) { tape_[x].value = std::move(by), ++tape_[x].version; }

 protected:
  using Rule = std::function<Numbers(const Numbers& dy)>;
  struct Edge {
    Value input;
    Rule rule;
  };
  struct Node {
    Numbers value, gradient;
    std::vector<Edge> edges;
    int version = 0;
  };

  /// x gets a part of its gradient.
  virtual void receive(Node& x, const Numbers& dx) const {
    x.gradient = plus(x.gradient, sum_to(dx, x.value.size()));
  }
  /// dy times what x's value was, which must still be what it is.
  virtual Rule times_saved(Value x) const {
    return [this, x, saved = tape_[x].version](const Numbers& dy) {
      expect(tape_[x].version == saved, "the value of node ", x, " was overwritten");
      return times(dy, value(x));
    };
  }

 private:
  Value push(Numbers value, std::vector<Edge> edges) {
    tape_.push_back({std::move(value), {}, std::move(edges)});
    return Value(tape_.size()) - 1;
  }

  std::vector<Node> tape_;
};

}  // namespace talweg::wrong_engines
