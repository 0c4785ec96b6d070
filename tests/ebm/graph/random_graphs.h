// Random automata, and weights for them.
#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "ebm/graph/graph.h"

namespace talweg::ebm {

/// Weights as a leaf of the tape.
inline Var<double> leaf(Tape<double>& tape, const std::vector<double>& values) {
  return tape.variable(Tensor<double>({std::ssize(values)}, std::span<const double>(values)));
}

/// Up to six nodes, arcs from smaller to greater numbers after a shuffle, several starts and ends.
inline Automaton draw_automaton(std::mt19937& random, int symbols, bool epsilons) {
  Automaton a;
  const int nodes = 1 + int(random() % 6);
  for (int n = 0; n < nodes; ++n) a.add_node(n == 0 || random() % 4 == 0, random() % 3 == 0);
  std::vector<int32_t> place(nodes);
  for (int n = 0; n < nodes; ++n) place[n] = n;
  std::shuffle(place.begin(), place.end(), random);
  const auto symbol = [&] {
    return epsilons && random() % 3 == 0 ? kEpsilon : int32_t(random() % symbols);
  };
  for (int k = int(random() % 12); k > 0 && nodes > 1; --k) {
    int from = int(random() % nodes), to = int(random() % nodes);
    if (from == to) continue;
    if (from > to) std::swap(from, to);
    a.add_arc(place[from], place[to], symbol(), symbol());
  }
  return a;
}

inline std::vector<double> draw_weights(std::mt19937& random, int32_t count) {
  std::normal_distribution<double> normal(0, 2);
  std::vector<double> w(count);
  for (double& x : w) x = normal(random);
  return w;
}

}  // namespace talweg::ebm
