// What the two engines without a tape share: nodes that know their inputs, and each input's slope. In
// which order to visit them, backward() has to find out.
#pragma once

#include <deque>

#include "core/study/wrong_engines/numbers.h"

namespace talweg::wrong_engines {

class GraphEngine {
 protected:
  struct Node;

 public:
  using Value = Node*;

  Value variable(Numbers x) { return make(std::move(x), {}); }
  Value add(Value a, Value b) {
    return make(plus(a->value, b->value), {{a, Numbers{1}}, {b, Numbers{1}}});
  }
  Value mul(Value a, Value b) {
    return make(times(a->value, b->value), {{a, b->value}, {b, a->value}});
  }
  Value exp(Value x) {
    const Numbers y = wrong_engines::exp(x->value);
    return make(y, {{x, y}});
  }

  const Numbers& value(Value x) const { return x->value; }
  const Numbers& gradient(Value x) const { return x->gradient; }
  void overwrite(Value x, Numbers by) { x->value = std::move(by); }

 protected:
  struct Edge {
    Value input;
    Numbers slope;  // d output / d input, a copy
  };
  struct Node {
    Numbers value, gradient;
    std::vector<Edge> edges;
    bool met = false;
  };

  /// No gradient anywhere but at y, and no node met.
  void begin(Value y) {
    for (Node& n : nodes_) n.gradient.assign(n.value.size(), 0), n.met = false;
    y->gradient.assign(y->value.size(), 1);
  }
  /// Adds what y's gradient means for x to x's.
  static void hand_on(const Node& y, const Edge& to_x) {
    Node& x = *to_x.input;
    x.gradient = plus(x.gradient, sum_to(times(y.gradient, to_x.slope), x.value.size()));
  }

 private:
  Value make(Numbers value, std::vector<Edge> edges) {
    nodes_.push_back({std::move(value), {}, std::move(edges)});
    return &nodes_.back();
  }

  std::deque<Node> nodes_;  // which never moves a node
};

}  // namespace talweg::wrong_engines
