// Bounds for searches within a lexicon: what may follow a prefix is not every word, but at most what
// the lexicon, seen from afar, lets follow its last letter (Lexicon::Class).
//
// Noise makes words of very many letters cheap, which no lexicon has; with the bounds of all words a
// search would look at nearly all of it. For each class c with letter a the sum over all ways on
// through the classes, for every window i at which a may open,
//   opening_c[i] = open_a[i] + (what follows),
// stands in place of open_a in the bound of a prefix. It is exact over the ways through the classes,
// and every word is one of them, so that no word of the lexicon has less than its prefixes' bounds.
#pragma once

#include <cstdint>
#include <vector>

#include "ebm/align/lexicon.h"
#include "ebm/align/prefix_chain.h"

namespace talweg::ebm {

template <class S> class LexiconBounds {
 public:
  explicit LexiconBounds(const PrefixChain<S>& chain) : chain_(&chain) {}
  /// Works out the tables, in O(L · edges): once an image.
  void observe(const Lexicon& lexicon);
  /// Excess of the words below a node of the lexicon, given the columns of its parent, whose own
  /// letter is `last`.
  double bound(const PrefixColumns& parent, int32_t last, int32_t node) const {
    const int32_t c = lexicon_->class_of(node);
    return chain_->bound(parent, last, lexicon_->letter(node),
                         opening_.data() + c * chain_->frames());
  }

  /// [classes,L] opening_c, as excess energies.
  const std::vector<double>& openings() const { return opening_; }
  /// The chain's costs [L] as weights (see the source).
  const double* open(int32_t letter) const { return open_.data() + letter * chain_->frames(); }
  const double* stay(int32_t letter) const { return stay_.data() + letter * chain_->frames(); }
  const double* close(int32_t letter) const { return close_.data() + letter * chain_->frames(); }
  const double* rest() const { return rest_.data(); }

 private:
  void take_costs();
  void sum_class(int32_t c);

  const PrefixChain<S>* chain_;
  const Lexicon* lexicon_ = nullptr;
  // Weights (see the source): [A,L] of a step each, [L] of staying in BETWEEN.
  std::vector<double> open_, stay_, close_, rest_;
  std::vector<double> opening_;  // [classes,L] weights, in the end energies
  std::vector<double> next_,
      others_;  // [L] opening whatever follows a class; all but its own letter
};

}  // namespace talweg::ebm
