// The mistake: recursion. The order is right, inputs before users, but it is found by a function that
// calls itself once for each link of a chain. Every number is right until the stack ends; then the
// program is gone, without a message.
#pragma once

#include <deque>

#include "core/study/wrong_engines/numbers.h"

namespace talweg::wrong_engines {

class RecursiveEngine {
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
    std::vector<Value> order;
    visit(y, order);
    while (!order.empty()) {
      const Value node = order.back();
      order.pop_back();
      for (const Edge& e : node->edges) {
        Node& x = *e.input;
        x.gradient = plus(x.gradient, sum_to(times(node->gradient, e.slope), x.value.size()));
      }
    }
  }

  const Numbers& value(Value x) const { return x->value; }
  const Numbers& gradient(Value x) const { return x->gradient; }
  void overwrite(Value x, Numbers by) { x->value = std::move(by); }

 private:
  struct Edge {
    Value input;
    Numbers slope;
  };
  struct Node {
    Numbers value, gradient;
    std::vector<Edge> edges;
    bool met = false;
  };

  static void visit(Value node, std::vector<Value>& order) {
    if (std::exchange(node->met, true)) return;
    for (const Edge& e : node->edges) visit(e.input, order);  // wrong: as deep as the graph is
    order.push_back(node);
  }
  Value make(Numbers value, std::vector<Edge> edges) {
    nodes_.push_back({std::move(value), {}, std::move(edges)});
    return &nodes_.back();
  }

  std::deque<Node> nodes_;
};

}  // namespace talweg::wrong_engines
