// What a path may do between the states of a label: the topologies, and the rules they stand for.
//
// A label is a row of states y[0..S), each with the symbol it shows. A path z gives every frame a
// state; from one frame to the next it goes d >= 0 states on. The energy of a path is
//   E(z) = sum_i l_i[y_{z(i)}] + C(z),   C(z) = sum_i step[z(i) - z(i-1)] + sum over states of
//                                                duration[frames in it]
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace talweg::ebm {

/// Which window strings spell a word. `c` is a letter, `_` is BETWEEN, + one or more, * any number.
enum class Topology : uint8_t {
  classic,  ///< c+ _+ a+ _+ t+ _+        the coursework's: BETWEEN after every letter
  margins,  ///< _* c+ _+ a+ _+ t+ _*     the same with optional BETWEEN around the word
  ctc,      ///< _* c+ _* a+ _* t+ _*     and optional between different letters
};

/// "classic", "margins", "ctc".
const char* to_string(Topology topology);
/// The topology of that name; throws Error that lists the names.
Topology parse_topology(std::string_view name);

/// The states of a word: `c a t` -> `c _ a _ t _` (classic) or `_ c _ a _ t _` (margins, ctc). The
/// empty word has no state in classic and one, `_`, in the others.
/// Throws Error when the word itself holds `between`.
std::vector<int32_t> expand(std::span<const int32_t> word, int32_t between,
                            Topology topology = Topology::classic);

/// The longest step times the longest duration that a rule may have.
inline constexpr int64_t kWidestStep = 255;

/// What a path may do. The default is the classic rule: begin in the first state, end in the last,
/// stay or advance by one, at no cost. A rule of your own is such a value: more steps, costs.
struct PathRule {
  /// step[d] is the cost of going d states on; +inf forbids it. At least one step is allowed.
  std::vector<double> step{0.0, 0.0};
  int64_t first = 1;  ///< a path begins in one of the first `first` states,
  int64_t last = 1;   ///< and ends in one of the last `last`
  /// A step over states (d >= 2) only from a symbol to a different one that is not the symbol of
  /// the state stepped over: CTC's rule, which keeps the strings of `aa` and `a` apart.
  bool skip_to_other = false;
  /// duration[n-1] is the cost of n frames in one state, each state's stay; more frames than
  /// entries are forbidden. Empty: any number, free. Staying costs step[0] a frame besides.
  std::vector<double> duration{};

  bool operator==(const PathRule&) const = default;
};

/// The rule of a topology for labels made by `expand`.
PathRule path_rule(Topology topology);

/// Throws Error, saying what is wrong, unless the rule can be used: no NaN, no -inf, `first` and
/// `last` positive, a step that is allowed, none wider than kWidestStep.
void check_rule(const PathRule& rule);

}  // namespace talweg::ebm
