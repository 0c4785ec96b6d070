// The aligner's inner loops, compiled once per instruction set: plain descriptors in, numbers out.
// They allocate nothing, throw nothing, and judge nothing: who calls them prepares the chain and the
// work space, and looks into what `suspicious` reports.
#pragma once

#include <cstdint>
#include <string>

namespace talweg::ebm {

/// States that a path goes through in order, each showing one symbol. Rows of states are padded to
/// `stride` = chain_stride(states, max_step); padding shows some symbol, and +inf in every row of costs.
struct Chain {
  int64_t frames, alphabet, states;
  int64_t stride;
  const int32_t* symbols;  ///< [stride], in [0, alphabet)
  /// [stride] the costs of beginning and of ending there, +inf: not allowed. Null: free in the first
  /// `first`, the last `last` states. Others have neither in any case.
  const double *start, *end;
  int64_t first, last;
  int64_t max_step;  ///< from a frame to the next at most so many states on
  /// [max_step + 1, stride] the cost of coming to a state from d states before. Null: max_step is
  /// 1, staying and advancing are free.
  const double* step_costs;
  /// The symbol of the last state, BETWEEN in the words of every topology, and the states that show
  /// others in order [rest_count(s) of them before state s]: where posteriors of states are summed by
  /// symbol, the many that show it are summed as vectors.
  int32_t main_symbol;
  const double* shows_main;   ///< [stride] 1 or 0
  const int32_t* rest;        ///< states that show another symbol, ascending
  const int32_t* rest_count;  ///< [states + 1]
};

constexpr int64_t kChainPadding = 16;
/// Room for the longest step beyond the last state, and for a block read ahead.
constexpr int64_t chain_stride(int64_t states, int64_t max_step) {
  return ((states + max_step) / kChainPadding + 2) * kChainPadding;
}
/// Doubles of work space for one chain; `soft` with the forward values of every frame.
int64_t chain_work(const Chain& chain, bool soft);

/// What a sum over paths came to: sum_z exp(-beta E(z)) = 2^power * count * exp(-beta energy).
struct ChainSum {
  double energy = 0, count = 0, power = 0;
};

template <class T> struct ChainTable {
  /// The least energy of a path, and path[frames], its states; +inf if there is none, and then path
  /// is left alone. `came` holds frames * stride bytes: how many states back each cell came from.
  double (*least)(const Chain&, const T* energies, uint8_t* came, double* work, int32_t* path,
                  bool* suspicious);
  /// The sum over paths at inverse temperature beta, and, unless null, posterior[frames, alphabet]:
  /// the probability of each symbol at each frame; on_states [frames, states], of each state.
  /// Both are zero when there is no path.
  ChainSum (*sum)(const Chain&, const T* energies, double beta, T* posterior, double* on_states,
                  double* work, bool* suspicious);
};

/// The kernels of the instruction set that core/kernels uses (reference counts as portable).
template <class T> const ChainTable<T>& chain_table();

}  // namespace talweg::ebm
