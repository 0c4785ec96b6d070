#include "ebm/graph/automaton.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <queue>
#include <sstream>
#include <tuple>

#include "core/error.h"

namespace talweg::ebm {

int32_t Automaton::add_node(bool start, bool accept) {
  nodes_.push_back({start, accept});
  return node_count() - 1;
}

int32_t Automaton::add_arc(int32_t from, int32_t to, int32_t input, int32_t output) {
  for (const int32_t node : {from, to}) {
    expect(node >= 0 && node < node_count(), "[graph] an arc from node ", from, " to node ", to,
           " needs both, but there are ", node_count(), " nodes; add_node() comes first");
  }
  expect(input >= kEpsilon && output >= kEpsilon, "[graph] an arc's symbols are ", input, " and ",
         output, "; use numbers from 0, or kEpsilon for none");
  arcs_.push_back({from, to, input, output});
  return arc_count() - 1;
}

bool Automaton::is_acceptor() const {
  return std::ranges::all_of(arcs_, [](const Arc& arc) { return arc.input == arc.output; });
}

Automaton linear_automaton(int64_t frames, int64_t alphabet) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  expect(
      frames >= 0 && alphabet >= 0 && frames < kMost && (frames == 0 || alphabet <= kMost / frames),
      "[graph] a linear graph of ", frames, " frames and ", alphabet,
      " symbols cannot be numbered in 32 bits; split it");
  Automaton line;
  line.add_node(true, frames == 0);
  for (int32_t i = 0; i < frames; ++i) {
    line.add_node(false, i + 1 == frames);
    for (int32_t a = 0; a < alphabet; ++a) line.add_arc(i, i + 1, a);
  }
  return line;
}

Automaton label_automaton(std::span<const int32_t> symbols, LabelRule rule) {
  const auto length = static_cast<int32_t>(symbols.size());
  Automaton label;
  label.add_node(true, length == 0);
  for (int32_t j = 0; j < length; ++j) {
    expect(symbols[j] >= 0, "[graph] symbol ", symbols[j], " at position ", j,
           " of the label is negative; symbols count from 0");
    label.add_node(false, j == length - 1 || (rule.optional_ends && j == length - 2));
  }
  for (int32_t j = 0; j < length; ++j) {
    const int32_t symbol = symbols[j];
    const auto read_from = [&](int32_t node) { label.add_arc(node, j + 1, symbol, j); };
    if (j == 1 && rule.optional_ends) read_from(0);
    if (j >= 2 && rule.optional_between && symbols[j - 2] != symbol && symbols[j - 1] != symbol) {
      read_from(j - 1);
    }
    read_from(j);      // from the state before
    read_from(j + 1);  // one frame more
  }
  return label;
}

namespace {

/// `into`, and behind it the nodes and arcs of `other`. Returns the number of other's first node.
int32_t append(Automaton& into, const Automaton& other) {
  const int32_t shift = into.node_count();
  for (int32_t n = 0; n < other.node_count(); ++n) {
    into.add_node(other.is_start(n), other.is_accept(n));
  }
  for (const Arc& arc : other.arcs()) {
    into.add_arc(shift + arc.from, shift + arc.to, arc.input, arc.output);
  }
  return shift;
}

}  // namespace

Automaton automaton_union(const Automaton& a, const Automaton& b) {
  Automaton both = a;
  append(both, b);
  return both;
}

Automaton automaton_concat(const Automaton& a, const Automaton& b) {
  Automaton both = a;
  const int32_t shift = append(both, b);
  for (int32_t n = 0; n < b.node_count(); ++n) both.set_start(shift + n, false);
  for (int32_t p = 0; p < a.node_count(); ++p) {
    if (!a.is_accept(p)) continue;
    both.set_accept(p, false);
    for (int32_t q = 0; q < b.node_count(); ++q) {
      if (b.is_start(q)) both.add_arc(p, shift + q, kEpsilon);
    }
  }
  return both;
}

Automaton automaton_closure(const Automaton& a) {
  Automaton loop = a;
  const int32_t hub = loop.add_node(true, true);
  for (int32_t n = 0; n < hub; ++n) {
    if (a.is_start(n)) loop.add_arc(hub, n, kEpsilon);
    if (a.is_accept(n)) loop.add_arc(n, hub, kEpsilon);
    loop.set_start(n, false);
    loop.set_accept(n, false);
  }
  return loop;
}

namespace {

/// Marks what can be reached from the nodes marked already, along the arcs or against them.
void spread(const Automaton& automaton, bool forward, std::vector<char>& marked) {
  const int32_t nodes = automaton.node_count();
  std::vector<int32_t> first(nodes + 1, 0), next;  // by node: where its arcs lead
  for (const Arc& arc : automaton.arcs()) ++first[(forward ? arc.from : arc.to) + 1];
  for (int32_t n = 0; n < nodes; ++n) first[n + 1] += first[n];
  next.resize(automaton.arc_count());
  std::vector<int32_t> fill(first.begin(), first.end() - 1);
  for (const Arc& arc : automaton.arcs()) {
    next[fill[forward ? arc.from : arc.to]++] = forward ? arc.to : arc.from;
  }
  std::vector<int32_t> queue;
  for (int32_t n = 0; n < nodes; ++n) {
    if (marked[n]) queue.push_back(n);
  }
  for (size_t k = 0; k < queue.size(); ++k) {
    for (int32_t i = first[queue[k]]; i < first[queue[k] + 1]; ++i) {
      if (!marked[next[i]]) queue.push_back(next[i]), marked[next[i]] = 1;
    }
  }
}

/// By node: does it lie on a path from a start to an accepting node?
std::vector<char> nodes_on_paths(const Automaton& automaton) {
  std::vector<char> from_start(automaton.node_count()), to_accept(automaton.node_count());
  for (int32_t n = 0; n < automaton.node_count(); ++n) {
    from_start[n] = automaton.is_start(n);
    to_accept[n] = automaton.is_accept(n);
  }
  spread(automaton, true, from_start);
  spread(automaton, false, to_accept);
  for (size_t n = 0; n < to_accept.size(); ++n) to_accept[n] &= from_start[n];
  return to_accept;
}

/// The number that each useful node gets in a SumOrder, 1 for the first; 0 for the others. Kahn's
/// algorithm with a heap, which hands out the node of least number among those that wait for none.
std::vector<int32_t> number_along_arcs(const Automaton& automaton, const std::vector<char>& useful,
                                       int32_t& count) {
  const int32_t nodes = automaton.node_count();
  const auto is_useful = [&](const Arc& arc) { return useful[arc.from] && useful[arc.to]; };
  std::vector<int32_t> first(nodes + 1, 0), waits_for(nodes, 0);
  for (const Arc& arc : automaton.arcs()) {
    if (is_useful(arc)) ++first[arc.from + 1], ++waits_for[arc.to];
  }
  for (int32_t n = 0; n < nodes; ++n) first[n + 1] += first[n];
  std::vector<int32_t> next(first[nodes]), fill(first.begin(), first.end() - 1);
  for (const Arc& arc : automaton.arcs()) {
    if (is_useful(arc)) next[fill[arc.from]++] = arc.to;
  }

  std::priority_queue<int32_t, std::vector<int32_t>, std::greater<>> ready;
  for (int32_t n = 0; n < nodes; ++n) {
    if (useful[n] && waits_for[n] == 0) ready.push(n);
  }
  std::vector<int32_t> number(nodes, 0);
  for (count = 0; !ready.empty();) {
    const int32_t n = ready.top();
    ready.pop();
    number[n] = ++count;
    for (int32_t i = first[n]; i < first[n + 1]; ++i) {
      if (--waits_for[next[i]] == 0) ready.push(next[i]);
    }
  }
  for (int32_t n = 0; n < nodes; ++n) {
    expect(!useful[n] || number[n] > 0, "[graph] the graph has a cycle that leads to node ", n,
           ", so its paths have no end; compose it with a linear graph before it is scored");
  }
  return number;
}

}  // namespace

SumOrder sum_order(const Automaton& automaton) {
  const std::vector<char> useful = nodes_on_paths(automaton);
  int32_t count = 0;
  const std::vector<int32_t> number = number_along_arcs(automaton, useful, count);

  struct Entry {
    int32_t to, from, arc;
  };
  std::vector<Entry> entries;
  entries.reserve(automaton.arc_count() + 2);
  const int32_t sink = count + 1;
  for (int32_t n = 0; n < automaton.node_count(); ++n) {
    if (useful[n] && automaton.is_start(n)) entries.push_back({number[n], 0, kNoArc});
    if (useful[n] && automaton.is_accept(n)) entries.push_back({sink, number[n], kNoArc});
  }
  for (int32_t k = 0; k < automaton.arc_count(); ++k) {
    const Arc& arc = automaton.arcs()[k];
    if (useful[arc.from] && useful[arc.to]) {
      entries.push_back({number[arc.to], number[arc.from], k});
    }
  }
  std::ranges::sort(entries, {}, [](const Entry& e) { return std::tuple(e.to, e.from, e.arc); });

  SumOrder order;
  order.nodes = count + 2;
  for (const Entry& e : entries) {
    order.to.push_back(e.to);
    order.from.push_back(e.from);
    order.arc.push_back(e.arc);
  }
  return order;
}

std::string to_dot(const Automaton& automaton, std::span<const double> weights,
                   std::span<const std::string> names) {
  expect(weights.empty() || std::ssize(weights) == automaton.arc_count(), "[graph] ",
         weights.size(), " weights do not fit ", automaton.arc_count(), " arcs; give one an arc");
  const auto name = [&](int32_t symbol) -> std::string {
    if (symbol == kEpsilon) return "ε";
    if (symbol >= std::ssize(names)) return std::to_string(symbol);
    std::string quoted;
    for (const char c : names[symbol]) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    return quoted;
  };
  std::ostringstream out;
  out << "digraph {\n  rankdir = LR\n  node [shape = circle]\n";
  for (int32_t n = 0; n < automaton.node_count(); ++n) {
    out << "  " << n;
    if (automaton.is_start(n)) out << " [style = bold]";
    if (automaton.is_accept(n)) out << " [shape = doublecircle]";
    out << '\n';
  }
  for (int32_t k = 0; k < automaton.arc_count(); ++k) {
    const Arc& arc = automaton.arcs()[k];
    out << "  " << arc.from << " -> " << arc.to << " [label = \"" << name(arc.input);
    if (arc.output != arc.input) out << ':' << name(arc.output);
    if (!weights.empty()) out << '/' << weights[k];
    out << "\"]\n";
  }
  out << "}\n";
  return out.str();
}

}  // namespace talweg::ebm
