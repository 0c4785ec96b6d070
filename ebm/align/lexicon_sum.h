// The sum over a lexicon: how probable is a word among these words?
//
//   log Z = log sum over the lexicon's words y of exp(-beta F_beta(x, y)),
//   p(y | x, lexicon) = exp(-beta F_beta(x, y)) / Z,   F_lexicon = -(1/beta) log Z
//
// The tree is gone through once, depth first. Below a node lies at most the mass of its bound
// (lexicon_bounds.h): where that is negligible the node is dropped, and what was dropped is added up.
// In the end it is known how much can be missing at most; if that is more than asked for, it goes
// again with a lower threshold, at last with none.
#pragma once

#include <cstdint>

#include "ebm/align/grammar.h"
#include "ebm/align/lexicon.h"

namespace talweg::ebm {

struct LexiconSum {
  AlignStatus status = AlignStatus::ok;
  double energy = 0;         ///< F_lexicon, of what was summed
  double log_partition = 0;  ///< log Z, of what was summed
  /// The true Z is at most (1 + missing) times this one, and not less than it but for rounding.
  double missing = 0;
  int64_t nodes = 0;  ///< of the tree, gone through in all passes
  int64_t words = 0;  ///< summed
};

/// `missing` will be at most `tolerance`; 0 sums every word. Statuses and what throws as for
/// best_words; beta is finite here, and the tolerance not negative.
template <class T>
LexiconSum lexicon_sum(const T* energies, int64_t frames, int64_t alphabet, const Grammar& grammar,
                       double beta, const Lexicon& lexicon, double tolerance = 1e-9);

}  // namespace talweg::ebm
