// Automata: nodes, arcs that read one symbol and write another, and the few operations a recognizer
// of words is built from. Only shapes here, no weights: those live on a tape (graph.h).
//
// A path goes from a start node to an accepting node; it reads the inputs of its arcs and writes
// their outputs. An automaton whose arcs write what they read is called an acceptor: it stands for
// the set of strings along its paths. kEpsilon reads, or writes, nothing.
//
// Source: M. Mohri, F. Pereira, M. Riley, "Speech recognition with weighted finite-state
// transducers" (2008); A. Hannun et al., "Differentiable weighted finite-state transducers" (2020).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace talweg::ebm {

inline constexpr int32_t kEpsilon = -1;

struct Arc {
  int32_t from, to;
  int32_t input, output;

  bool operator==(const Arc&) const = default;
};

/// Nodes and arcs, numbered in the order they were added.
class Automaton {
 public:
  /// Adds a node and returns its number.
  int32_t add_node(bool start = false, bool accept = false);
  /// Adds an arc and returns its number. Throws Error for a node that does not exist or a symbol
  /// below kEpsilon.
  int32_t add_arc(int32_t from, int32_t to, int32_t input, int32_t output);
  /// The same for an arc that writes what it reads.
  int32_t add_arc(int32_t from, int32_t to, int32_t symbol) {
    return add_arc(from, to, symbol, symbol);
  }

  int32_t node_count() const { return static_cast<int32_t>(nodes_.size()); }
  int32_t arc_count() const { return static_cast<int32_t>(arcs_.size()); }
  std::span<const Arc> arcs() const { return arcs_; }
  bool is_start(int32_t node) const { return nodes_[node].start; }
  bool is_accept(int32_t node) const { return nodes_[node].accept; }
  void set_start(int32_t node, bool start) { nodes_[node].start = start; }
  void set_accept(int32_t node, bool accept) { nodes_[node].accept = accept; }
  bool is_acceptor() const;

  bool operator==(const Automaton&) const = default;

 private:
  struct Node {
    bool start, accept;
    bool operator==(const Node&) const = default;
  };
  std::vector<Node> nodes_;
  std::vector<Arc> arcs_;
};

// --- automata for energies and labels ---

/// Reads any string of `frames` symbols out of [0, alphabet): node i is the time before frame i,
/// arc i * alphabet + a reads symbol a in frame i.
Automaton linear_automaton(int64_t frames, int64_t alphabet);

/// What a string may leave out of a label. The default leaves nothing out: the coursework's rule.
struct LabelRule {
  /// The first state and the last: BETWEEN around a word.
  bool optional_ends = false;
  /// A state between two different symbols, neither of them its own: BETWEEN between two different
  /// letters. (Between equal letters it must stay, or `aa` and `a` would be the same strings.)
  bool optional_between = false;

  static LabelRule classic() { return {}; }
  static LabelRule margins() { return {.optional_ends = true}; }
  static LabelRule ctc() { return {.optional_ends = true, .optional_between = true}; }
};

/// Reads every string that spells the label, each of its symbols for one frame or several; writes
/// for each frame the position in the label, so that a best path says which frame shows what.
/// Node 0 is the start, node j + 1 says that position j was read last.
/// Throws Error for a symbol below 0.
Automaton label_automaton(std::span<const int32_t> symbols, LabelRule rule = {});

// --- operations; each says where its arcs came from, so that weights can follow ---

/// An arc made of arcs of two others, or of one of them: kNoArc says that it stood still.
inline constexpr int32_t kNoArc = -1;
struct Composition {
  Automaton automaton;
  std::vector<int32_t> arc_a, arc_b;  ///< by arc
};

/// Paths that are a path of `a` and a path of `b` at once, where b reads what a writes. Its nodes
/// are the pairs of nodes that lie on such a path, in the order of a's number, then b's; two queues
/// find them, one from the accepting pairs back, one from the start pairs on, so that no dead node
/// is built. An arc that writes, or reads, nothing moves its own side alone. Between two matches,
/// a's lone moves come before b's, which counts each pair of paths once.
/// Throws Error where there are too many pairs of nodes to number.
Composition compose(const Automaton& a, const Automaton& b);

/// Reads what either reads: both side by side, b's nodes and arcs behind a's.
Automaton automaton_union(const Automaton& a, const Automaton& b);
/// Reads what a reads and then what b reads: both side by side, and behind their arcs an epsilon
/// arc from each accepting node of a to each start of b.
Automaton automaton_concat(const Automaton& a, const Automaton& b);
/// Reads nothing, or what `a` reads, any number of times: one more node, a start that accepts, and
/// behind a's arcs an epsilon arc from it to each start and to it from each accepting node.
Automaton automaton_closure(const Automaton& a);

// --- the order in which paths are summed ---

/// The arcs on some path of an acyclic automaton, with one node in front, the source, and one
/// behind, the sink, so that every path runs from source to sink. Nodes are numbered anew, along
/// the arcs: from < to; source 0, sink nodes - 1. Arcs are sorted by `to`, then by `from`.
struct SumOrder {
  int32_t nodes = 2;
  std::vector<int32_t> from, to;
  std::vector<int32_t>
      arc;  ///< whose it is in the automaton; kNoArc out of the source, to the sink
};

/// Of the nodes that could come next, the one of least number does: so that the order, and the
/// path chosen on a tie, follow from the numbers alone.
/// Throws Error, naming a node, where the nodes on paths form a cycle.
SumOrder sum_order(const Automaton& automaton);

// --- drawing ---

/// A description for `dot -Tsvg`: starts bold, accepting nodes double, arcs `input:output/weight`.
/// `names` has the text of each symbol (else its number); `weights` one a arc, or none.
std::string to_dot(const Automaton& automaton, std::span<const double> weights = {},
                   std::span<const std::string> names = {});

}  // namespace talweg::ebm
