// The best words, exactly: best-first over prefixes.
//
// Of all prefixes at hand the one with the least bound (prefix_chain.h) is grown by each letter that
// may follow, and stands as a word of its own too. No word has less than the bound of its prefixes,
// so words leave the queue best first, each once, whatever the temperature; at beta = infinity by
// F_min, else by F_beta, which sums over all paths of the word.
//
//   over all words        any letter may follow
//   within a lexicon      the children in its trie
//   with an n-gram model  its cost, never negative, is added letter by letter, which keeps bounds
//                         bounds: words are ranked by F(x, w) + weight * -log p(w)
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "ebm/align/grammar.h"
#include "ebm/align/lexicon.h"
#include "ebm/align/ngram.h"

namespace talweg::ebm {

struct SearchOptions {
  double beta = std::numeric_limits<double>::infinity();
  int64_t count = 1;                  ///< how many words are wanted
  const Lexicon* lexicon = nullptr;   ///< null: all words
  const NgramModel* model = nullptr;  ///< null: every word alike
  double model_weight = 1;            ///< energy for each -log p; not negative
  /// [alphabet] the model's own number for each symbol, or NgramModel::kUnknown; empty: the same.
  std::span<const int32_t> to_model{};
  /// Gives up after growing so many prefixes: noise can have very many words about as good. Each
  /// takes 16 L bytes (24 L in ctc).
  int64_t max_prefixes = 100'000;
};

struct FoundWord {
  std::vector<int32_t> word;
  double energy;       ///< F(x, word) at the search's beta: at infinity bit for bit the aligner's
  double score;        ///< what words are ranked by: the energy, and the model's weighted cost
  int32_t entry = -1;  ///< its place in the list the lexicon was made from
};

struct FoundWords {
  AlignStatus status = AlignStatus::ok;
  std::vector<FoundWord>
      words;  ///< different, ascending by score; fewer than asked if no more exist
  /// Whether these are the best, in order (scores nearer than rounding may change places). False
  /// where the search gave up: then the words are the best seen, and
  bool complete = true;
  double rest = 0;       ///< no other word scores less than this
  int64_t prefixes = 0;  ///< how many were grown
};

/// The `count` best different words of l[frames, alphabet]. Statuses: those of least_energy_word, and
/// `impossible` where no word of the lexicon has a path. With a lexicon only the cells of its letters
/// and BETWEEN are judged. Throws Error for a beta not above 0, a count or max_prefixes below 1, a
/// negative weight, or a lexicon or model of another alphabet, or a lexicon that holds BETWEEN.
template <class T>
FoundWords best_words(const T* energies, int64_t frames, int64_t alphabet, const Grammar& grammar,
                      const SearchOptions& options = {});

}  // namespace talweg::ebm
