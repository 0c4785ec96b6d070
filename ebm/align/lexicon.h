// A list of words as a tree of prefixes, for searches that spell nothing else.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ebm/align/batch.h"

namespace talweg::ebm {

/// A compact trie over integer symbols, breadth first, so that the children of a node lie side by
/// side. A node takes 17 bytes: 500,000 words of about 2.5 nodes each take 21 MB. Immutable.
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

  /// The lexicon seen from afar, for bounds. Nodes are of one class when they show the same letter and
  /// the same number of letters may still follow at most; the class of a letter a and k letters also
  /// answers for a with fewer. It may be followed by letters that follow a somewhere, where at most k
  /// letters are left. Every word of the lexicon is exactly one way through the classes (the other way
  /// round it is not). Edges lead to lower classes.
  struct Class {
    int32_t letter;
    int32_t first_edge;  ///< its edges end where those of the next class begin
    bool ends;           ///< a word may end here
    bool open;           ///< kToldApart letters or more may follow: nothing is told of them
  };
  static constexpr int32_t kToldApart = 24;
  int32_t class_of(int32_t node) const { return class_of_[node]; }
  int32_t classes() const { return static_cast<int32_t>(class_.size()) - 1; }
  const Class& class_at(int32_t c) const { return class_[c]; }
  /// The classes that may follow.
  std::span<const int32_t> edges(int32_t c) const {
    return std::span(edges_).subspan(class_[c].first_edge,
                                     class_[c + 1].first_edge - class_[c].first_edge);
  }

  int64_t alphabet() const { return static_cast<int64_t>(used_.size()); }
  /// [alphabet] 1 for symbols that occur.
  std::span<const uint8_t> letters() const { return used_; }
  int64_t nodes() const { return static_cast<int64_t>(letter_.size()); }
  int64_t size() const { return size_; }  ///< different words
  int64_t bytes() const;

 private:
  void grow_tree(const RaggedLabels& words);
  void see_from_afar();

  std::vector<int32_t> first_child_;  // [nodes + 1]
  std::vector<int32_t> letter_, word_, class_of_;
  std::vector<uint8_t> below_;
  std::vector<uint8_t> used_;
  std::vector<Class> class_;  // by letters that follow, then by letter; one more, past the end
  std::vector<int32_t> edges_;
  int64_t size_ = 0;
};

}  // namespace talweg::ebm
