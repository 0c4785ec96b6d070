// The mistake: recursion. The order is right, inputs before users, but it is found by a function that
// calls itself once for each link of a chain. Every number is right until the stack ends; then the
// program is gone, without a message.
#pragma once

#include "core/study/wrong_engines/graph.h"

namespace talweg::wrong_engines {

class RecursiveEngine : public GraphEngine {
 public:
  void backward(Value y) {
    begin(y);
    std::vector<Value> order;
    visit(y, order);
    for (; !order.empty(); order.pop_back()) {
      for (const Edge& e : order.back()->edges) hand_on(*order.back(), e);
    }
  }

 private:
  static void visit(Value node, std::vector<Value>& order) {
    if (std::exchange(node->met, true)) return;
    for (const Edge& e : node->edges) visit(e.input, order);  // wrong: as deep as the graph is
    order.push_back(node);
  }
};

}  // namespace talweg::wrong_engines
