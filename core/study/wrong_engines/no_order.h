// The mistake: no topological order. From the output on, a node hands its gradient to its inputs as
// soon as it is met, and each node once. One that is also reached by a longer way has then passed on
// only what had come by the shorter one; what comes later stays with it.
#pragma once

#include "core/study/wrong_engines/graph.h"

namespace talweg::wrong_engines {

class UnorderedEngine : public GraphEngine {
 public:
  void backward(Value y) {
    begin(y);
    std::deque<Value> waiting{y};
    y->met = true;
    while (!waiting.empty()) {
      const Value node = waiting.front();
      waiting.pop_front();
      for (const Edge& e : node->edges) {
        hand_on(*node, e);
        if (!e.input->met) waiting.push_back(e.input);  // wrong: more may be on its way to it
        e.input->met = true;
      }
    }
  }
};

}  // namespace talweg::wrong_engines
