// Every path that a PathRule allows, by enumeration, with its cost C(z): the specification of the
// aligner for any rule.
#pragma once

#include <cmath>
#include <functional>
#include <vector>

#include "ebm/align/topology.h"
#include "tests/ebm/align/brute_force.h"

namespace talweg::ebm::brute_force {

/// C(z), +inf where a step or a duration is forbidden or the ends are wrong.
inline double rule_cost(const PathRule& rule, const std::vector<int32_t>& label,
                        const std::vector<int32_t>& z) {
  const int64_t length = std::ssize(label), frames = std::ssize(z);
  if (z.front() >= rule.first || z.back() < length - rule.last) return kInf;
  double cost = 0;
  int64_t stayed = 1;
  const auto leave = [&] {
    if (rule.duration.empty()) return 0.0;
    return stayed <= std::ssize(rule.duration) ? rule.duration[stayed - 1] : kInf;
  };
  for (int64_t i = 1; i < frames; ++i) {
    const int64_t d = z[i] - z[i - 1];
    if (d < 0 || d >= std::ssize(rule.step)) return kInf;
    if (d >= 2 && rule.skip_to_other &&
        (label[z[i]] == label[z[i - 1]] || label[z[i]] == label[z[i] - 1])) {
      return kInf;
    }
    cost += rule.step[d];
    if (d == 0) {
      ++stayed;
    } else {
      cost += leave();
      stayed = 1;
    }
  }
  return cost + leave();
}

/// Calls visit(z, E(z)) with every path of finite C(z).
template <class T, class Visit>
void each_rule_path(const std::vector<T>& energies, int64_t frames, int64_t alphabet,
                    const std::vector<int32_t>& label, const PathRule& rule, Visit visit) {
  const auto length = static_cast<int32_t>(label.size());
  std::vector<int32_t> z;
  const std::function<void()> extend = [&] {
    if (static_cast<int64_t>(z.size()) == frames) {
      const double cost = rule_cost(rule, label, z);
      if (cost < kInf) visit(z, path_energy(energies, alphabet, label, z) + cost);
      return;
    }
    for (int32_t s = z.empty() ? 0 : z.back(); s < length; ++s) {
      z.push_back(s);
      extend();
      z.pop_back();
    }
  };
  if (frames > 0) extend();
}

/// What the enumeration gives for one pair.
struct Sum {
  int64_t paths = 0;
  double least = kInf, free_energy = kInf;
  std::vector<double> posterior;  ///< [frames, alphabet]
};

template <class T>
Sum sum_over_paths(const std::vector<T>& energies, int64_t frames, int64_t alphabet,
                   const std::vector<int32_t>& label, const PathRule& rule, double beta) {
  Sum sum;
  sum.posterior.assign(frames * alphabet, 0.0);
  each_rule_path(energies, frames, alphabet, label, rule, [&](const auto&, double e) {
    ++sum.paths;
    sum.least = std::min(sum.least, e);
  });
  if (sum.paths == 0 || sum.least == kInf) return sum;
  double z_sum = 0;
  each_rule_path(energies, frames, alphabet, label, rule, [&](const auto& z, double e) {
    const double weight = std::exp(-beta * (e - sum.least));
    z_sum += weight;
    for (int64_t i = 0; i < frames; ++i) sum.posterior[i * alphabet + label[z[i]]] += weight;
  });
  for (double& p : sum.posterior) p /= z_sum;
  sum.free_energy = sum.least - std::log(z_sum) / beta;
  return sum;
}

/// The rules that tests go through: the topologies, costs, a band of its own, durations.
inline std::vector<PathRule> some_rules() {
  std::vector<PathRule> rules = {path_rule(Topology::classic), path_rule(Topology::margins),
                                 path_rule(Topology::ctc)};
  PathRule costs;
  costs.step = {0.7, 0.2};
  rules.push_back(costs);
  PathRule banded;
  banded.step = {0.5, 0.0, 1.0, kInf, 0.25};
  banded.first = 3;
  banded.last = 2;
  rules.push_back(banded);
  PathRule durations;
  durations.duration = {1.0, kInf, 0.5, 0.0};
  rules.push_back(durations);
  PathRule ctc_durations = path_rule(Topology::ctc);
  ctc_durations.step = {0.1, 0.2, 0.3};
  ctc_durations.duration = {0.5, 0.0, 0.25};
  rules.push_back(ctc_durations);
  return rules;
}

}  // namespace talweg::ebm::brute_force
