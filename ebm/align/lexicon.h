// A list of words as a tree of prefixes, for searches that spell nothing else.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ebm/align/batch.h"

namespace talweg::ebm {

/// A compact trie over integer symbols, breadth first, so that the children of a node lie side by
/// side. A node takes 13 bytes: 500,000 words of about 2.5 nodes each take 16 MB. Immutable.
class Lexicon {
 public:
  /// The words in any order; one that comes again is the first one. Throws Error for no word at all,
  /// and for a symbol outside [0, alphabet), naming the word.
  Lexicon(const RaggedLabels& words, int64_t alphabet);

  static constexpr int32_t kRoot = 0;
  /// The children of a node are [first_child(n), first_child(n + 1)), their letters ascending.
  int32_t first_child(int32_t node) const { return first_child_[node]; }
  int32_t letter(int32_t node) const { return letter_[node]; }
  /// The word that ends in the node: its place in the list it was made from, or -1.
  int32_t word(int32_t node) const { return word_[node]; }
  /// The letters that may still follow: the longest way down. At most 255 are told apart.
  int32_t letters_below(int32_t node) const { return below_[node]; }

  int64_t alphabet() const { return static_cast<int64_t>(used_.size()); }
  /// [alphabet] 1 for symbols that occur.
  std::span<const uint8_t> letters() const { return used_; }
  int64_t nodes() const { return static_cast<int64_t>(letter_.size()); }
  int64_t size() const { return size_; }  ///< different words
  int64_t bytes() const;

 private:
  std::vector<int32_t> first_child_;  // [nodes + 1]
  std::vector<int32_t> letter_, word_;
  std::vector<uint8_t> below_;
  std::vector<uint8_t> used_;
  int64_t size_ = 0;
};

}  // namespace talweg::ebm
