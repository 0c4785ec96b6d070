// The mistake: no topological order. From the output on, a node hands its gradient to its inputs as
// soon as it is met, and each node once. One that is also reached by a longer way has then passed on
// only what had come by the shorter one; what comes later stays with it.
#pragma once

#include <deque>

#include "core/study/wrong_engines/numbers.h"

namespace talweg::wrong_engines {

class UnorderedEngine {
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

  void backward(Value y) {
    for (Node& n : nodes_) n.gradient.assign(n.value.size(), 0), n.met = false;
    y->gradient.assign(y->value.size(), 1);
    std::deque<Value> waiting{y};
    y->met = true;
    while (!waiting.empty()) {
      const Value node = waiting.front();
      waiting.pop_front();
      for (const Edge& e : node->edges) {
        Node& x = *e.input;
        x.gradient = plus(x.gradient, sum_to(times(node->gradient, e.slope), x.value.size()));
        if (!x.met) waiting.push_back(&x);  // wrong: more of its gradient may be on its way
        x.met = true;
      }
    }
  }

  const Numbers& value(Value x) const { return x->value; }
  const Numbers& gradient(Value x) const { return x->gradient; }
  void overwrite(Value x, Numbers by) { x->value = std::move(by); }

 private:
  struct Edge {
    Value input;
    Numbers slope;  // d output / d input, a copy
  };
  struct Node {
    Numbers value, gradient;
    std::vector<Edge> edges;
    bool met = false;
  };

  Value make(Numbers value, std::vector<Edge> edges) {
    nodes_.push_back({std::move(value), {}, std::move(edges)});
    return &nodes_.back();
  }

  std::deque<Node> nodes_;  // which never moves a node
};

}  // namespace talweg::wrong_engines
