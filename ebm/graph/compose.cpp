// Composition: the product of two automata, built from both ends.
#include <algorithm>
#include <limits>

#include "core/error.h"
#include "ebm/graph/automaton.h"

namespace talweg::ebm {
namespace {

enum class End : uint8_t { from, to };
enum class Side : uint8_t { input, output };

/// The arcs that leave (or enter) each node, sorted by the symbol they match with; epsilons, being
/// -1, come first.
class ArcIndex {
 public:
  ArcIndex(const Automaton& automaton, End end, Side side)
      : arcs_(automaton.arcs()), side_(side), first_(automaton.node_count() + 1, 0) {
    const auto node = [end](const Arc& arc) { return end == End::from ? arc.from : arc.to; };
    for (const Arc& arc : arcs_) ++first_[node(arc) + 1];
    for (size_t n = 1; n < first_.size(); ++n) first_[n] += first_[n - 1];
    sorted_.resize(arcs_.size());
    std::vector<int32_t> fill(first_.begin(), first_.end() - 1);
    for (int32_t k = 0; k < std::ssize(arcs_); ++k) sorted_[fill[node(arcs_[k])]++] = k;
    const auto by_symbol = [this](int32_t a, int32_t b) { return symbol(a) < symbol(b); };
    for (size_t n = 0; n + 1 < first_.size(); ++n) {
      const auto begin = sorted_.begin() + first_[n], stop = sorted_.begin() + first_[n + 1];
      if (!std::is_sorted(begin, stop, by_symbol)) std::stable_sort(begin, stop, by_symbol);
    }
  }

  int32_t symbol(int32_t arc) const {
    return side_ == Side::input ? arcs_[arc].input : arcs_[arc].output;
  }
  /// The arcs at a node that match `symbol`.
  std::span<const int32_t> at(int32_t node, int32_t symbol) const {
    const auto all = at(node);
    const auto first =
        std::ranges::lower_bound(all, symbol, {}, [this](int32_t k) { return this->symbol(k); });
    const auto last = std::ranges::upper_bound(first, all.end(), symbol, {},
                                               [this](int32_t k) { return this->symbol(k); });
    return {first, last};
  }
  std::span<const int32_t> at(int32_t node) const {
    return std::span(sorted_).subspan(first_[node], first_[node + 1] - first_[node]);
  }

 private:
  std::span<const Arc> arcs_;
  Side side_;
  std::vector<int32_t> first_, sorted_;
};

/// A node of a, a node of b, and whether b has moved alone since the last match: then a may not.
/// Without that rule, an epsilon of a and one of b could be taken in three ways (a first, b first,
/// both at once), and a sum over paths would count one path three times.
struct Place {
  int32_t a, b;
  bool b_moved;
};

class Composer {
 public:
  Composer(const Automaton& a, const Automaton& b)
      : a_(a),
        b_(b),
        out_a_(a, End::from, Side::output),
        out_b_(b, End::from, Side::input),
        in_a_(a, End::to, Side::output),
        in_b_(b, End::to, Side::input) {
    const int64_t places = 2 * int64_t(a.node_count()) * b.node_count();
    expect(places <= std::numeric_limits<int32_t>::max(), "[graph] composing ", a.node_count(),
           " nodes with ", b.node_count(), " makes too many pairs to number; split the graphs");
    state_.assign(places, 0);
  }

  Composition run() {
    reach_back();
    reach_on();
    return build();
  }

 private:
  static constexpr char kToAccept = 1, kFromStart = 2;

  int32_t index(Place p) const { return (p.a * b_.node_count() + p.b) * 2 + p.b_moved; }
  Place place(int32_t i) const {
    return {i / 2 / b_.node_count(), i / 2 % b_.node_count(), i % 2 == 1};
  }

  /// Calls visit(arc of a, arc of b) for each two that match at these nodes: goes through the
  /// shorter list and looks up the longer.
  template <class Visit>
  static void each_match(const ArcIndex& a, int32_t p, const ArcIndex& b, int32_t q, Visit visit) {
    if (a.at(p).size() <= b.at(q).size()) {
      for (const int32_t i : a.at(p)) {
        if (a.symbol(i) == kEpsilon) continue;
        for (const int32_t j : b.at(q, a.symbol(i))) visit(i, j);
      }
    } else {
      for (const int32_t j : b.at(q)) {
        if (b.symbol(j) == kEpsilon) continue;
        for (const int32_t i : a.at(p, b.symbol(j))) visit(i, j);
      }
    }
  }

  /// Calls visit(place reached, arc of a or kNoArc, arc of b or kNoArc) for each move out of `p`.
  template <class Visit> void each_move(Place p, Visit visit) const {
    each_match(out_a_, p.a, out_b_, p.b, [&](int32_t i, int32_t j) {
      visit(Place{a_.arcs()[i].to, b_.arcs()[j].to, false}, i, j);
    });
    if (!p.b_moved) {
      for (const int32_t i : out_a_.at(p.a, kEpsilon)) {
        visit(Place{a_.arcs()[i].to, p.b, false}, i, kNoArc);
      }
    }
    for (const int32_t j : out_b_.at(p.b, kEpsilon)) {
      visit(Place{p.a, b_.arcs()[j].to, true}, kNoArc, j);
    }
  }

  /// Calls visit(place) for each place with a move into `p`: each_move read backwards.
  template <class Visit> void each_origin(Place p, Visit visit) const {
    if (p.b_moved) {
      for (const int32_t j : in_b_.at(p.b, kEpsilon)) {
        visit(Place{p.a, b_.arcs()[j].from, false});
        visit(Place{p.a, b_.arcs()[j].from, true});
      }
      return;
    }
    each_match(in_a_, p.a, in_b_, p.b, [&](int32_t i, int32_t j) {
      visit(Place{a_.arcs()[i].from, b_.arcs()[j].from, false});
      visit(Place{a_.arcs()[i].from, b_.arcs()[j].from, true});
    });
    for (const int32_t i : in_a_.at(p.a, kEpsilon)) visit(Place{a_.arcs()[i].from, p.b, false});
  }

  /// The first queue: every place from which an accepting pair can be reached.
  void reach_back() {
    std::vector<int32_t> queue;
    const auto meet = [&](Place p) {
      char& state = state_[index(p)];
      if ((state & kToAccept) == 0) queue.push_back(index(p)), state |= kToAccept;
    };
    for (int32_t p = 0; p < a_.node_count(); ++p) {
      for (int32_t q = 0; a_.is_accept(p) && q < b_.node_count(); ++q) {
        if (b_.is_accept(q)) meet({p, q, false}), meet({p, q, true});
      }
    }
    for (size_t k = 0; k < queue.size(); ++k) each_origin(place(queue[k]), meet);
  }

  /// The second: of those, the places that can be reached from a start pair.
  void reach_on() {
    std::vector<int32_t> queue;
    const auto meet = [&](Place p) {
      char& state = state_[index(p)];
      if (state == kToAccept) queue.push_back(index(p)), state |= kFromStart;
    };
    for (int32_t p = 0; p < a_.node_count(); ++p) {
      for (int32_t q = 0; a_.is_start(p) && q < b_.node_count(); ++q) {
        if (b_.is_start(q)) meet({p, q, false});
      }
    }
    for (size_t k = 0; k < queue.size(); ++k) {
      each_move(place(queue[k]), [&](Place to, int32_t, int32_t) { meet(to); });
    }
  }

  Composition build() const {
    Composition c;
    std::vector<int32_t> number(state_.size(), -1), kept;
    for (int32_t i = 0; i < std::ssize(state_); ++i) {
      if (state_[i] != (kToAccept | kFromStart)) continue;
      const Place p = place(i);
      number[i] = c.automaton.add_node(a_.is_start(p.a) && b_.is_start(p.b) && !p.b_moved,
                                       a_.is_accept(p.a) && b_.is_accept(p.b));
      kept.push_back(i);
    }
    for (const int32_t i : kept) {
      each_move(place(i), [&](Place to, int32_t arc_a, int32_t arc_b) {
        if (number[index(to)] < 0) return;
        c.automaton.add_arc(number[i], number[index(to)],
                            arc_a == kNoArc ? kEpsilon : a_.arcs()[arc_a].input,
                            arc_b == kNoArc ? kEpsilon : b_.arcs()[arc_b].output);
        c.arc_a.push_back(arc_a);
        c.arc_b.push_back(arc_b);
      });
    }
    return c;
  }

  const Automaton &a_, &b_;
  ArcIndex out_a_, out_b_, in_a_, in_b_;
  std::vector<char> state_;  // by place: which queues met it
};

}  // namespace

Composition compose(const Automaton& a, const Automaton& b) { return Composer(a, b).run(); }

}  // namespace talweg::ebm
