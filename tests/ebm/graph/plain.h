// What weighted graphs must give, by other means: a plain dynamic programme over frames and label
// positions, in long double, and the enumeration of all paths of a graph.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "ebm/align/topology.h"
#include "ebm/graph/automaton.h"

namespace talweg::ebm::plain {

using Real = long double;
inline constexpr Real kInf = std::numeric_limits<Real>::infinity();

/// min at beta = infinity, else -(1/beta) log sum exp(-beta .).
inline Real soft_min(const std::vector<Real>& x, double beta) {
  Real least = kInf;
  for (const Real v : x) least = v < least ? v : least;
  if (least == kInf || std::isinf(beta)) return least;
  Real total = 0;
  for (const Real v : x) total += std::exp(-beta * (v - least));
  return least - std::log(total) / beta;
}

/// May a path go `d` positions on, from j to j + d?
inline bool may_step(const PathRule& rule, std::span<const int32_t> label, int64_t j, int64_t d) {
  if (j < 0 || j + d >= std::ssize(label) || d >= std::ssize(rule.step)) return false;
  if (d < 2 || !rule.skip_to_other) return true;
  for (int64_t over = j; over < j + d; ++over) {
    if (label[over] == label[j + d]) return false;
  }
  return true;
}

struct Sum {
  Real energy = kInf;
  std::vector<Real> posterior;  ///< [L,A]: the probability of symbol a in frame i
};

/// F_beta and its gradient by the forward and the backward pass over cells.
inline Sum sum_over_paths(const std::vector<double>& e, int64_t frames, int64_t alphabet,
                          const std::vector<int32_t>& label, const PathRule& rule, double beta) {
  const int64_t length = std::ssize(label), most = std::ssize(rule.step) - 1;
  const auto cell = [&](int64_t i, int64_t j) { return Real(e[i * alphabet + label[j]]); };
  std::vector<Real> on(frames * length, kInf), back(frames * length, kInf);
  for (int64_t i = 0; i < frames; ++i) {
    for (int64_t j = 0; j < length; ++j) {
      std::vector<Real> before;
      if (i == 0 && j < rule.first) before.push_back(0);
      for (int64_t d = 0; i > 0 && d <= most; ++d) {
        if (may_step(rule, label, j - d, d)) before.push_back(on[(i - 1) * length + j - d]);
      }
      on[i * length + j] = cell(i, j) + soft_min(before, beta);
    }
  }
  for (int64_t i = frames - 1; i >= 0; --i) {
    for (int64_t j = 0; j < length; ++j) {
      std::vector<Real> after;
      if (i == frames - 1 && j >= length - rule.last) after.push_back(0);
      for (int64_t d = 0; i < frames - 1 && d <= most; ++d) {
        if (!may_step(rule, label, j, d)) continue;
        after.push_back(cell(i + 1, j + d) + back[(i + 1) * length + j + d]);
      }
      back[i * length + j] = soft_min(after, beta);
    }
  }
  Sum sum;
  sum.posterior.assign(frames * alphabet, 0);
  std::vector<Real> through;
  for (int64_t j = 0; frames > 0 && j < length; ++j) through.push_back(on[j] + back[j]);
  sum.energy = frames == 0 && length == 0 ? 0 : soft_min(through, beta);
  if (!std::isfinite(sum.energy) || std::isinf(beta)) return sum;
  for (int64_t i = 0; i < frames; ++i) {
    for (int64_t j = 0; j < length; ++j) {
      const Real excess = on[i * length + j] + back[i * length + j] - sum.energy;
      sum.posterior[i * alphabet + label[j]] += std::exp(-beta * excess);
    }
  }
  return sum;
}

/// Calls `visit` with the arcs of each path of an automaton without cycles.
inline void each_path(const Automaton& automaton,
                      const std::function<void(const std::vector<int32_t>&)>& visit) {
  std::vector<int32_t> path;
  const std::function<void(int32_t)> extend = [&](int32_t node) {
    if (automaton.is_accept(node)) visit(path);
    for (int32_t k = 0; k < automaton.arc_count(); ++k) {
      if (automaton.arcs()[k].from != node) continue;
      path.push_back(k);
      extend(automaton.arcs()[k].to);
      path.pop_back();
    }
  };
  for (int32_t n = 0; n < automaton.node_count(); ++n) {
    if (automaton.is_start(n)) extend(n);
  }
}

/// F_beta of a graph and the probability of each arc, from all its paths.
inline Sum sum_over_paths(const Automaton& automaton, std::span<const double> weights,
                          double beta) {
  std::vector<Real> energies;
  std::vector<std::vector<int32_t>> paths;
  each_path(automaton, [&](const std::vector<int32_t>& path) {
    Real energy = 0;
    for (const int32_t k : path) energy += weights[k];
    energies.push_back(energy);
    paths.push_back(path);
  });
  Sum sum;
  sum.energy = soft_min(energies, beta);
  sum.posterior.assign(automaton.arc_count(), 0);
  if (!std::isfinite(sum.energy) || std::isinf(beta)) return sum;
  for (size_t p = 0; p < paths.size(); ++p) {
    for (const int32_t k : paths[p]) {
      sum.posterior[k] += std::exp(-beta * (energies[p] - sum.energy));
    }
  }
  return sum;
}

}  // namespace talweg::ebm::plain
