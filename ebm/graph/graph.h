// Weighted automata on the tape, in the manner of GTN: an automaton, and the energies of its arcs
// as one Var, so that the score of a graph is differentiable in whatever its energies came from.
//
//   Graph<float> image = linear_graph(energies);                  // energies[L,A]: any string
//   Graph<float> word = label_graph(tape, label);                 // c _ a _ t _: its spellings
//   Var<float> f = forward_score(compose(image, word), beta);     // the free energy F_beta
//
// Scores are free energies, low = good: the energy of a path is the sum of its arcs' weights, and
//   viterbi_score = F_min  = min over paths of E
//   forward_score = F_beta = -(1/beta) log sum over paths of exp(-beta E)
// GTN adds scores, high = good: with its weights = -beta times ours, its forwardScore is -beta
// F_beta; with -1 times ours its viterbiScore is -F_min.
//
// This way is for reading and as an oracle: it builds a node for every cell the aligner
// (ebm/align), written by hand for one family of graphs, merely passes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/ops/shape_ops.h"
#include "ebm/graph/automaton.h"
#include "ebm/graph/graph_ops.h"

namespace talweg::ebm {

template <class T> struct Graph {
  Automaton automaton;
  Var<T> weights;  ///< [arcs], energies
};

/// An automaton with these energies, one an arc. Throws where the count differs.
template <class T> Graph<T> weighted(Automaton automaton, Var<T> weights) {
  expect(weights.shape() == Shape{automaton.arc_count()}, "[graph] weights have shape ",
         weights.shape(), ", the automaton has ", automaton.arc_count(), " arcs; give one an arc");
  return {std::move(automaton), weights};
}

/// The same with energies of zero.
template <class T> Graph<T> unweighted(Tape<T>& tape, Automaton automaton) {
  const Shape shape{automaton.arc_count()};
  return {std::move(automaton), tape.full(shape, T(0))};
}

/// Any string of L symbols, the arc of symbol a in frame i at the energy e[i,a]: e itself, seen as
/// a graph, without a copy. Throws unless e is [L,A].
template <class T> Graph<T> linear_graph(Var<T> e) {
  const Shape shape = e.shape();
  expect(shape.rank() == 2, "[linear_graph] energies must be [L,A], found ", shape,
         "; give the frames of one image");
  return {linear_automaton(shape[0], shape[1]), reshape(e, {shape.size()})};
}

/// The spellings of a label, for nothing; see label_automaton.
template <class T>
Graph<T> label_graph(Tape<T>& tape, std::span<const int32_t> symbols, LabelRule rule = {}) {
  return unweighted(tape, label_automaton(symbols, rule));
}

// --- operations ---

/// y_k = weights[arcs[k]], 0 where arcs[k] is kNoArc.
template <class T> Var<T> pick_weights(Var<T> weights, std::span<const int32_t> arcs) {
  Tape<T>& tape = weights.tape();
  const std::span<int32_t> at = tape.template keep<int32_t>(std::ssize(arcs));
  bool any_free = false;
  for (size_t k = 0; k < arcs.size(); ++k) {
    any_free |= arcs[k] == kNoArc;
    at[k] = arcs[k] == kNoArc ? static_cast<int32_t>(weights.size()) : arcs[k];
  }
  if (any_free) weights = concat({weights, tape.full({1}, T(0))}, 0);
  return gather(weights, KeptIndices{at}, {std::ssize(arcs)});
}

/// The paths of a and b at once, where b reads what a writes; energies add. See compose of
/// automata.
template <class T> Graph<T> compose(const Graph<T>& a, const Graph<T>& b) {
  common_tape("compose", a.weights, b.weights);
  Composition c = compose(a.automaton, b.automaton);
  const Var<T> of_a = pick_weights<T>(a.weights, c.arc_a);
  return {std::move(c.automaton), add(of_a, pick_weights<T>(b.weights, c.arc_b))};
}

/// compose for acceptors: the strings that both read. Throws where one is not an acceptor.
template <class T> Graph<T> intersect(const Graph<T>& a, const Graph<T>& b) {
  expect(a.automaton.is_acceptor() && b.automaton.is_acceptor(),
         "[intersect] a graph writes other symbols than it reads; use compose()");
  return compose(a, b);
}

/// What either reads.
template <class T> Graph<T> graph_union(const Graph<T>& a, const Graph<T>& b) {
  common_tape("graph_union", a.weights, b.weights);
  return {automaton_union(a.automaton, b.automaton), concat({a.weights, b.weights}, 0)};
}

/// `automaton`, which begins with the arcs of `weights`; those behind them are free.
template <class T> Graph<T> with_free_arcs(Automaton automaton, Var<T> weights) {
  const int64_t free = automaton.arc_count() - weights.size();
  return {std::move(automaton), concat({weights, weights.tape().full({free}, T(0))}, 0)};
}

/// What a reads, then what b reads.
template <class T> Graph<T> graph_concat(const Graph<T>& a, const Graph<T>& b) {
  common_tape("graph_concat", a.weights, b.weights);
  return with_free_arcs(automaton_concat(a.automaton, b.automaton),
                        concat({a.weights, b.weights}, 0));
}

/// What `a` reads, any number of times, also none.
template <class T> Graph<T> graph_closure(const Graph<T>& a) {
  return with_free_arcs(automaton_closure(a.automaton), a.weights);
}

// --- scores ---

/// The sum over all paths at inverse temperature beta, a scalar: F_beta; F_min at infinity.
/// Differentiable to any order in the graph's weights; the gradient is the probability of each arc.
/// A graph without a path of finite energy has F = +inf, one with a NaN or -inf on an arc of a path
/// F = NaN; in both cases the gradient is exactly zero, whatever flows in. Arcs on no path are not
/// looked at. Throws where a path runs in a cycle or beta is not positive.
template <class T> Var<T> forward_score(const Graph<T>& graph, double beta) {
  check_beta("forward_score", beta);
  Tape<T>& tape = graph.weights.tape();
  const SumOrder order = sum_order(graph.automaton);
  const Var<T> w = pick_weights<T>(graph.weights, order.arc);
  const KeptArcs arcs = keep_arcs<T>(tape, order.nodes, order.from, order.to);
  const Var<T> energies = node_energies(w, arcs, beta);

  const T f = energies.values().back();
  if (std::isfinite(f)) return gather(energies, std::vector<int32_t>{order.nodes - 1}, {});
  constexpr T kInf = std::numeric_limits<T>::infinity();
  bool sound = f == kInf;
  for (const T weight : w.values()) sound &= weight > -kInf;  // false for NaN too
  const Var<T> no_path = tape.make("no_path", {});
  *no_path.data() = sound ? kInf : std::numeric_limits<T>::quiet_NaN();
  const Shape shape = graph.weights.shape();
  no_path.wrt(graph.weights, [=](Var<T> dy) { return dy.tape().full(shape, T(0)); });
  return no_path;
}

/// The least energy of a path: forward_score at zero temperature. Piecewise linear: the gradient is
/// 1 on the arcs of viterbi_path, the second derivative zero.
template <class T> Var<T> viterbi_score(const Graph<T>& graph) {
  return forward_score(graph, std::numeric_limits<double>::infinity());
}

/// The arcs of the path of least energy, from its start; empty where viterbi_score is not finite
/// (or the path has no arc). Of equal paths the one that, seen from its end, comes from the node of
/// greatest number: among frames and labels, the one that stays, as the aligner's.
template <class T> std::vector<int32_t> viterbi_path(const Graph<T>& graph) {
  constexpr double kCold = std::numeric_limits<double>::infinity();
  Tape<T>& tape = graph.weights.tape();
  const TapeScope scope(tape);
  const NoGrad no_grad(tape);
  const SumOrder order = sum_order(graph.automaton);
  const Var<T> w = pick_weights<T>(graph.weights, order.arc);
  const KeptArcs arcs = keep_arcs<T>(tape, order.nodes, order.from, order.to);
  const Var<T> energies = node_energies(w, arcs, kCold);
  std::vector<int32_t> path;
  if (!std::isfinite(energies.values().back())) return path;
  const Var<T> taken = arc_shares(add(gather(energies, arcs.from, {arcs.count()}), w), arcs, kCold);
  int32_t node = order.nodes - 1;
  for (int64_t k = arcs.count() - 1; k >= 0; --k) {  // sorted by `to`: one sweep suffices
    if (order.to[k] != node || taken.data()[k] == 0) continue;
    if (order.arc[k] != kNoArc) path.push_back(order.arc[k]);
    node = order.from[k];
  }
  std::ranges::reverse(path);
  return path;
}

/// The outputs along a path, without epsilons.
inline std::vector<int32_t> outputs(const Automaton& automaton, std::span<const int32_t> path) {
  std::vector<int32_t> written;
  for (const int32_t arc : path) {
    if (automaton.arcs()[arc].output != kEpsilon) written.push_back(automaton.arcs()[arc].output);
  }
  return written;
}

// --- the aligner, said in graphs ---

/// All alignments of energies e[L,A] with a label: each path reads one spelling and writes the label
/// position of each frame. Throws for a symbol outside [0,A).
template <class T>
Graph<T> alignment_graph(Var<T> e, std::span<const int32_t> symbols, LabelRule rule = {}) {
  const Graph<T> image = linear_graph(e);
  for (size_t j = 0; j < symbols.size(); ++j) {
    expect(symbols[j] >= 0 && symbols[j] < e.shape()[1], "[graph] symbol ", symbols[j],
           " at position ", j, " of the label is outside the alphabet [0,", e.shape()[1],
           "); was the text encoded with another one?");
  }
  return compose(image, label_graph(e.tape(), symbols, rule));
}

/// The free energy of energies e[L,A] and a label, the graph way: the aligner's numbers.
template <class T>
Var<T> graph_free_energy(Var<T> e, std::span<const int32_t> symbols, double beta,
                         LabelRule rule = {}) {
  return forward_score(alignment_graph(e, symbols, rule), beta);
}

/// The drawing of a graph, weights at the arcs; see to_dot of automata.
template <class T>
std::string to_dot(const Graph<T>& graph, std::span<const std::string> names = {}) {
  const std::span<T> values = graph.weights.values();
  return to_dot(graph.automaton, std::vector<double>(values.begin(), values.end()), names);
}

}  // namespace talweg::ebm
