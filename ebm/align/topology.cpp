#include "ebm/align/topology.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"

namespace talweg::ebm {

const char* to_string(Topology topology) {
  switch (topology) {
    case Topology::classic:
      return "classic";
    case Topology::margins:
      return "margins";
    case Topology::ctc:
      return "ctc";
  }
  return "unknown";
}

Topology parse_topology(std::string_view name) {
  for (const Topology t : {Topology::classic, Topology::margins, Topology::ctc}) {
    if (name == to_string(t)) return t;
  }
  throw Error(message("[align] unknown topology '", name, "'; choose classic, margins or ctc"));
}

std::vector<int32_t> expand(std::span<const int32_t> word, int32_t between, Topology topology) {
  std::vector<int32_t> label;
  label.reserve(2 * word.size() + 1);
  if (topology != Topology::classic) label.push_back(between);
  for (size_t k = 0; k < word.size(); ++k) {
    expect(word[k] != between, "[align] position ", k, " of the word is BETWEEN (symbol ", between,
           "); a word holds letters only, expand() puts BETWEEN after each");
    label.push_back(word[k]);
    label.push_back(between);
  }
  return label;
}

PathRule path_rule(Topology topology) {
  PathRule rule;
  if (topology == Topology::classic) return rule;
  rule.first = rule.last = 2;
  if (topology == Topology::ctc) {
    rule.step = {0.0, 0.0, 0.0};
    rule.skip_to_other = true;
  }
  return rule;
}

void check_rule(const PathRule& rule) {
  const auto check_costs = [](const std::vector<double>& costs, const char* what) {
    for (size_t d = 0; d < costs.size(); ++d) {
      expect(costs[d] > -std::numeric_limits<double>::infinity(), "[align] ", what, "[", d, "] is ",
             costs[d], "; a path cost must be a number or +inf, which forbids");
    }
  };
  check_costs(rule.step, "step");
  check_costs(rule.duration, "duration");
  const auto allowed = [](double cost) { return std::isfinite(cost); };
  expect(std::ranges::any_of(rule.step, allowed),
         "[align] the path rule allows no step at all; give step[0] (stay) or step[1] (advance) a "
         "finite cost");
  expect(
      rule.duration.empty() || std::ranges::any_of(rule.duration, allowed),
      "[align] the path rule allows no duration at all; give one a finite cost, or none to allow "
      "all");
  const int64_t widest =
      (std::ssize(rule.step) - 1) * std::max<int64_t>(1, std::ssize(rule.duration));
  expect(widest <= kWidestStep, "[align] steps of up to ", std::ssize(rule.step) - 1, " with ",
         rule.duration.size(), " durations make ", widest, " steps of states, at most ",
         kWidestStep, " are possible; allow shorter steps or durations");
  expect(rule.first >= 1 && rule.last >= 1, "[align] a path begins in one of the first ",
         rule.first, " states and ends in one of the last ", rule.last,
         "; both must be at least 1");
}

}  // namespace talweg::ebm
