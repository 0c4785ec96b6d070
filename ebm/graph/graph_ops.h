// Sums over the paths of an acyclic graph, as ops: four of them, closed under differentiation.
//
// Letters: N nodes and K arcs in the order of SumOrder (from < to, sorted by `to`; node 0 is the
// source, N - 1 the sink), w[K] weights (energies: low = good), beta the inverse temperature,
// infinity for Viterbi. Over the arcs k that enter one node:
//
//   node_energies   alpha_n = softmin_k (alpha_from + w_k),  alpha_0 = 0     what the paths to n cost
//   arc_shares      p_k = exp(-beta s_k) / sum of the same,  s = alpha_from + w
//                   of the paths to the node, weighed by exp(-beta E), the part that comes by arc k
//   flow_back       G_n = g_n + sum over the arcs k out of n of p_k G_to     from the sink to the source
//   flow_on         H_n = h_n + sum over the arcs k into n of p_k H_from     and the other way
//
// The derivative of the free energy is a flow. Let one litre of water stand at the sink and run
// back, at each node parting by the shares: what passes an arc is the probability that a path takes
// it, and that is dF/dw. As (1 - P) G = g and (1 - P^T) H = h, the two flows are each other's
// transpose; each is the other's derivative in g and h, and both give H_from G_to as that in p. So
// derivatives of any order come from these rules. GTN's gradients are graphs of their own that
// carry none; hence it has the first order only.
//
// An arc of weight +inf is as good as none: its share is zero, exactly, and so is its gradient.
//
// Sources: Mohri, "Semiring frameworks and algorithms for shortest-distance problems" (2002);
// Baum and Welch's forward-backward pass, seen as reverse differentiation: Eisner, "Inside-outside
// and forward-backward algorithms are just backprop" (2016).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "core/ops/elementwise.h"
#include "core/ops/select.h"
#include "ebm/graph/automaton.h"

namespace talweg::ebm {

/// The arcs of a SumOrder, kept on a tape for rules to hold.
struct KeptArcs {
  int32_t nodes = 0;
  KeptIndices from, to;

  int64_t count() const { return std::ssize(to.at); }
};

/// Throws unless the arcs are as SumOrder promises.
inline void check_arcs(const char* op, int32_t nodes, std::span<const int32_t> from,
                       std::span<const int32_t> to) {
  expect(nodes >= 1 && from.size() == to.size(), "[", op, "] needs a node and as many starts (",
         from.size(), ") as ends (", to.size(), ") of arcs");
  for (size_t k = 0; k < to.size(); ++k) {
    expect(0 <= from[k] && from[k] < to[k] && to[k] < nodes && (k == 0 || to[k - 1] <= to[k]), "[",
           op, "] arc ", k, " goes from node ", from[k], " to node ", to[k], " of ", nodes,
           "; arcs must lead to greater nodes and be sorted by where they lead");
  }
}

template <class T>
KeptArcs keep_arcs(Tape<T>& tape, int32_t nodes, std::span<const int32_t> from,
                   std::span<const int32_t> to) {
  check_arcs("keep_arcs", nodes, from, to);
  return {nodes, {tape.keep(from)}, {tape.keep(to)}};
}

inline void check_beta(const char* op, double beta) {
  expect(beta > 0, "[", op, "] beta is ", beta,
         "; the inverse temperature must be positive (infinity: the best path alone)");
}

/// Calls visit(node, begin, end) for each node that arcs enter: [begin, end) are those arcs.
template <class Visit> void each_entered_node(const KeptArcs& arcs, Visit visit) {
  const std::span<const int32_t> to = arcs.to.at;
  for (int64_t begin = 0, end = 0; begin < std::ssize(to); begin = end) {
    while (end < std::ssize(to) && to[end] == to[begin]) ++end;
    visit(to[begin], begin, end);
  }
}

/// The least of a node's sums s[begin, end): the last among equals, or the first NaN.
template <class S> int64_t least_sum(S s, int64_t begin, int64_t end) {
  int64_t best = begin;
  for (int64_t k = begin + 1; k < end; ++k) {
    if (s(best) == s(best) && !(s(k) > s(best))) best = k;
  }
  return best;
}

// --- what a part of each node's paths comes by ---

/// arc_shares(s[K], arcs, beta) -> p[K]: p_k = exp(-beta s_k) / sum of the same over the arcs that
/// enter the same node. The gaps to the least sum are taken first, so that no scale of energies
/// overflows. Sums of +inf have share 0, even where a node has no other.
/// ds_k = -beta p_k (dp_k - sum over the node of p dp), softmax's rule node by node. At beta =
/// infinity the least sum has it all (the last among equals) and the shares are constants.
/// Throws where s is not [K] or beta is not positive.
template <class T> Var<T> arc_shares(Var<T> s, KeptArcs arcs, double beta) {
  check_beta("arc_shares", beta);
  expect(s.shape() == Shape{arcs.count()}, "[arc_shares] the sums have shape ", s.shape(),
         ", there are ", arcs.count(), " arcs");
  Var<T> p = s.tape().make("arc_shares", s.shape());
  const T* sum = s.data();
  T* share = p.data();
  std::fill_n(share, p.size(), T(0));
  each_entered_node(arcs, [=](int32_t, int64_t begin, int64_t end) {
    const int64_t best = least_sum([=](int64_t k) { return sum[k]; }, begin, end);
    if (sum[best] == std::numeric_limits<T>::infinity()) return;
    if (std::isinf(beta)) {
      share[best] = T(1);
      return;
    }
    double total = 0;
    const auto mass = [=](int64_t k) {
      return std::exp(-beta * (double(sum[k]) - double(sum[best])));
    };
    for (int64_t k = begin; k < end; ++k) total += mass(k);
    for (int64_t k = begin; k < end; ++k) share[k] = T(mass(k) / total);
  });
  if (std::isinf(beta)) return p;
  p.wrt(s, [=](Var<T> dp) {
    const Var<T> u = mul(p, dp);
    const Var<T> mean = gather(scatter_add(u, arcs.to, {arcs.nodes}), arcs.to, {arcs.count()});
    return scale(sub(u, mul(p, mean)), T(-beta));
  });
  return p;
}

// --- the two flows ---

template <class T> Var<T> flow_back(Var<T> p, Var<T> g, KeptArcs arcs);
template <class T> Var<T> flow_on(Var<T> p, Var<T> h, KeptArcs arcs);

template <class T> void check_flow(const char* op, Var<T> p, Var<T> g, const KeptArcs& arcs) {
  common_tape(op, p, g);
  expect(p.shape() == Shape{arcs.count()} && g.shape() == Shape{arcs.nodes}, "[", op,
         "] needs shares [", arcs.count(), "] and flows [", arcs.nodes, "], found ", p.shape(),
         " and ", g.shape());
}

/// What both flows send back to the shares: dp_k = H_from G_to.
template <class T> Var<T> flow_share_gradient(Var<T> on, Var<T> back, KeptArcs arcs) {
  return mul(gather(on, arcs.from, {arcs.count()}), gather(back, arcs.to, {arcs.count()}));
}

/// flow_back(p[K], g[N]) -> G[N]: G_n = g_n + sum over arcs k out of n of p_k G_to.
/// dg = flow_on(p, dG) = H; dp_k = H_from G_to. Throws where a shape does not fit.
template <class T> Var<T> flow_back(Var<T> p, Var<T> g, KeptArcs arcs) {
  check_flow("flow_back", p, g, arcs);
  Var<T> flow = p.tape().make("flow_back", g.shape());
  const T* share = p.data();
  T* at = flow.data();
  std::copy_n(g.data(), g.size(), at);
  const std::span<const int32_t> from = arcs.from.at, to = arcs.to.at;
  for (int64_t k = arcs.count() - 1; k >= 0; --k) at[from[k]] += share[k] * at[to[k]];
  flow.wrt(g, [=](Var<T> dy) { return flow_on(p, dy, arcs); });
  flow.wrt(p, [=](Var<T> dy) { return flow_share_gradient(flow_on(p, dy, arcs), flow, arcs); });
  return flow;
}

/// flow_on(p[K], h[N]) -> H[N]: H_n = h_n + sum over arcs k into n of p_k H_from.
/// dh = flow_back(p, dH) = G; dp_k = H_from G_to. Throws where a shape does not fit.
template <class T> Var<T> flow_on(Var<T> p, Var<T> h, KeptArcs arcs) {
  check_flow("flow_on", p, h, arcs);
  Var<T> flow = p.tape().make("flow_on", h.shape());
  const T* share = p.data();
  T* at = flow.data();
  std::copy_n(h.data(), h.size(), at);
  const std::span<const int32_t> from = arcs.from.at, to = arcs.to.at;
  for (int64_t k = 0; k < arcs.count(); ++k) at[to[k]] += share[k] * at[from[k]];
  flow.wrt(h, [=](Var<T> dy) { return flow_back(p, dy, arcs); });
  flow.wrt(p, [=](Var<T> dy) { return flow_share_gradient(flow, flow_back(p, dy, arcs), arcs); });
  return flow;
}

// --- what the paths to each node cost ---

/// node_energies(w[K], arcs, beta) -> alpha[N]: alpha_0 = 0 and alpha_n = -(1/beta) log sum over
/// the arcs k into n of exp(-beta (alpha_from + w_k)); at beta = infinity the least of these sums.
/// A node that no arc enters, or only arcs of +inf, has +inf: no path leads there.
/// dw_k = p_k G_to with p = arc_shares(alpha_from + w) and G = flow_back(p, dalpha).
/// Throws where w is not [K] or beta is not positive.
template <class T> Var<T> node_energies(Var<T> w, KeptArcs arcs, double beta) {
  check_beta("node_energies", beta);
  expect(w.shape() == Shape{arcs.count()}, "[node_energies] the weights have shape ", w.shape(),
         ", there are ", arcs.count(), " arcs");
  Var<T> energies = w.tape().make("node_energies", {arcs.nodes});
  const T* weight = w.data();
  T* alpha = energies.data();
  std::fill_n(alpha, arcs.nodes, std::numeric_limits<T>::infinity());
  alpha[0] = T(0);
  const std::span<const int32_t> from = arcs.from.at;
  each_entered_node(arcs, [=](int32_t node, int64_t begin, int64_t end) {
    const auto sum = [=](int64_t k) { return double(alpha[from[k]]) + double(weight[k]); };
    const double least = sum(least_sum(sum, begin, end));
    alpha[node] = T(least);
    if (std::isinf(beta) || std::isinf(least)) return;
    double total = 0;
    for (int64_t k = begin; k < end; ++k) total += std::exp(-beta * (sum(k) - least));
    alpha[node] = T(least - std::log(total) / beta);
  });
  energies.wrt(w, [=](Var<T> dy) {
    const Var<T> p = arc_shares(add(gather(energies, arcs.from, {arcs.count()}), w), arcs, beta);
    return mul(p, gather(flow_back(p, dy, arcs), arcs.to, {arcs.count()}));
  });
  return energies;
}

// --- the cards ---

/// Five nodes, seven arcs, four paths from 0 to 4: along both sides of a diamond, across, past it.
template <class T> KeptArcs example_arcs(Tape<T>& tape) {
  return keep_arcs(tape, 5, std::vector<int32_t>{0, 0, 1, 1, 2, 0, 3},
                   std::vector<int32_t>{1, 2, 2, 3, 3, 4, 4});
}

/// For the cards' benches: eight layers of 256 nodes, each entered from two of the layer before.
constexpr int64_t kLayeredArcs = 256 + 7 * 512;
constexpr int64_t kLayeredNodes = 1 + 8 * 256;
template <class T> KeptArcs layered_arcs(Tape<T>& tape) {
  std::vector<int32_t> from, to;
  for (int32_t node = 1; node < kLayeredNodes; ++node) {
    const int32_t column = (node - 1) % 256, layer_before = node - 256 - column;
    if (node <= 256) {
      from.push_back(0);
      to.push_back(node);
      continue;
    }
    for (const int32_t other : {column, (column + 1) % 256}) {
      from.push_back(layer_before + other);
      to.push_back(node);
    }
  }
  return keep_arcs(tape, static_cast<int32_t>(kLayeredNodes), from, to);
}

TALWEG_OP_CARD(arc_shares) {
  card.formula("p_k = e^(-beta s_k) / sum of the same over the arcs into the same node");
  card.rule("ds = -beta p (dp - sum over the node of p dp); 0 at beta = infinity");
  card.shapes("s[K], K arcs -> p[K]").source("softmax, node by node");
  const auto f = [](double beta) {
    return [=](auto x) { return arc_shares(x[0], example_arcs(x[0].tape()), beta); };
  };
  card.check("beta 1", {{7}}, f(1)).check("beta 3", {{7}}, f(3));
  const double inf = std::numeric_limits<double>::infinity();
  card.point("equal sums", {{1, 2, 2, 3, 3, 4, 4}}, f(1), {1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5},
             {{0, 0, 0, 0, 0, 0, 0}});
  card.point("the best path alone", {{1, 2, 1, 3, 3, 4, 5}}, f(inf), {1, 0, 1, 0, 1, 1, 0}, {});
  card.point("+inf has none", {{inf, inf, inf, 3, inf, inf, 4}}, f(1), {0, 0, 0, 1, 0, 0, 1},
             {{0, 0, 0, 0, 0, 0, 0}});
  card.point("no overflow", {{1e300, 1e300, -1e300, -1e300, 1e300, 0, 0}}, f(2),
             {1, 0, 1, 1, 0, 0.5, 0.5}, {{0, 0, 0, 0, 0, 0, 0}});
  card.rejects({{6}}, f(1), "there are 7 arcs").rejects({{7}}, f(0), "beta is 0");
  card.bench({{kLayeredArcs}},
             [](auto x) { return arc_shares(x[0], layered_arcs(x[0].tape()), 1.0); });
}

TALWEG_OP_CARD(flow_back) {
  card.formula("G_n = g_n + sum over arcs k out of n of p_k G_to");
  card.rule("dg = flow_on(p, dG) = H, dp_k = H_from G_to").shapes("p[K], g[N] -> G[N]");
  card.source("Baum-Welch; Eisner 2016");
  const auto f = [](auto x) { return flow_back(x[0], x[1], example_arcs(x[0].tape())); };
  card.check("five nodes", {{7}, {5}}, f);
  card.point("a litre from the sink", {{1, 0.5, 0.5, 0.25, 0.75, 0.5, 0.5}, {0, 0, 0, 0, 1}}, f,
             {1, 0.3125, 0.375, 0.5, 1}, {});
  card.rejects({{7}, {4}}, f, "needs shares [7] and flows [5]");
  card.bench({{kLayeredArcs}, {kLayeredNodes}},
             [](auto x) { return flow_back(x[0], x[1], layered_arcs(x[0].tape())); });
}

TALWEG_OP_CARD(flow_on) {
  card.formula("H_n = h_n + sum over arcs k into n of p_k H_from");
  card.rule("dh = flow_back(p, dH) = G, dp_k = H_from G_to").shapes("p[K], h[N] -> H[N]");
  card.source("Baum-Welch; Eisner 2016");
  const auto f = [](auto x) { return flow_on(x[0], x[1], example_arcs(x[0].tape())); };
  card.check("five nodes", {{7}, {5}}, f);
  card.point("a litre from the source", {{1, 0.5, 0.5, 0.25, 0.75, 0.5, 0.5}, {1, 0, 0, 0, 0}}, f,
             {1, 1, 1, 1, 1}, {});
  card.rejects({{6}, {5}}, f, "needs shares [7] and flows [5]");
  card.bench({{kLayeredArcs}, {kLayeredNodes}},
             [](auto x) { return flow_on(x[0], x[1], layered_arcs(x[0].tape())); });
}

TALWEG_OP_CARD(node_energies) {
  card.formula("a_0 = 0, a_n = -(1/beta) log sum over arcs k into n of e^(-beta (a_from + w_k))");
  card.rule("dw_k = p_k G_to, p = arc_shares(a_from + w), G = flow_back(p, da)");
  card.shapes("w[K], K arcs between N nodes -> a[N]").source("Mohri 2002; Eisner 2016");
  const auto f = [](double beta) {
    return [=](auto x) { return node_energies(x[0], example_arcs(x[0].tape()), beta); };
  };
  const double inf = std::numeric_limits<double>::infinity();
  card.check("beta 1", {{7}}, f(1)).check("beta 3", {{7}}, f(3));
  card.check("one node", {{0}},
             [](auto x) { return node_energies(x[0], keep_arcs(x[0].tape(), 1, {}, {}), 1.0); });
  card.check("the best path alone", {{{7}, Domain::distinct}}, f(inf));
  card.point("free arcs count the paths", {{0, 0, 0, 0, 0, 0, 0}}, f(1),
             {0, 0, -std::log(2.0), -std::log(3.0), -std::log(4.0)},
             {{1 + 0.5 + 2 / 3.0 + 0.5, 0.5 + 1 / 3.0 + 0.25, 0.5 + 1 / 3.0 + 0.25, 1 / 3.0 + 0.25,
               2 / 3.0 + 0.5, 0.25, 0.75}});
  card.point("a +inf arc is no arc", {{1, inf, 1, inf, 1, inf, 1}}, f(1), {0, 1, 2, 3, 4},
             {{4, 0, 3, 0, 2, 0, 1}});
  card.point("no way", {{1, inf, inf, inf, 1, inf, 1}}, f(1), {0, 1, inf, inf, inf},
             {{1, 0, 0, 0, 0, 0, 0}});
  card.rejects({{6}}, f(1), "there are 7 arcs").rejects({{7}}, f(-1), "beta is -1");
  card.bench({{kLayeredArcs}},
             [](auto x) { return node_energies(x[0], layered_arcs(x[0].tape()), 1.0); });
}

}  // namespace talweg::ebm
