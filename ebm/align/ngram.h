// An n-gram model of words over integer symbols: how probable is the next letter after the last few?
//
// Witten and Bell's interpolation. A word w_1..w_n is read as BEGIN w_1 .. w_n END. After a history h
// (at most order-1 symbols, BEGIN among them) that was seen C(h) times, before T(h) different
// symbols, and before s c(h s) times,
//   p(s | h) = (c(h s) + T(h) p(s | h')) / (C(h) + T(h)),   h' = h without its first symbol
// and at the bottom p(s) = (c(s) + T p0) / (C + T) with p0 = 1 / (symbols + 1), so that every letter
// and END always have some probability, and for every history they sum to one.
//
// Source: I. Witten, T. Bell, "The zero-frequency problem" (1991); S. Chen, J. Goodman, "An empirical
// study of smoothing techniques for language modeling" (1998), section 2.7.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ebm/align/batch.h"

namespace talweg::ebm {

/// Immutable; any number of threads may ask.
class NgramModel {
 public:
  static constexpr int kMaxOrder = 8;

  /// Counts words whose symbols are in [0, symbols). Throws Error for an order outside 1..8, for no
  /// word, and for a symbol out of range, naming the word.
  static NgramModel train(const RaggedLabels& words, int64_t symbols, int order);

  /// What of the past counts: a node of the tree of histories.
  using State = int32_t;
  /// At the beginning of a word.
  State start() const { return start_; }
  State next(State state, int32_t symbol) const;
  /// A symbol that the model doesn't have. It costs as much as one of its own that was never seen
  /// (so that all probabilities together are above one by that much), and forgets the past.
  static constexpr int32_t kUnknown = -1;
  /// -log p, natural, never negative: of a symbol, and of the word ending here. Throws for a symbol
  /// out of range.
  double cost(State state, int32_t symbol) const;
  double end_cost(State state) const { return cost_of(state, end()); }
  /// Of a whole word with its end.
  double word_cost(std::span<const int32_t> word) const;

  int order() const { return order_; }
  int64_t symbols() const { return symbols_; }
  /// How many different n-grams of `n` symbols (END and BEGIN among them) were seen.
  int64_t count(int n) const { return level_[n] - level_[n - 1]; }
  int64_t words() const { return words_; }
  int64_t bytes() const;

  /// The counts as the bytes of a file, with `alphabet`, any text that says what the symbols stand
  /// for. They end with a checksum.
  std::string to_bytes(std::string_view alphabet) const;
  /// The model of such bytes; `alphabet`, unless null, receives the text. Throws IoError in one
  /// sentence, which calls them `name`, where they are of another kind or version, cut, or damaged.
  static NgramModel from_bytes(std::string_view bytes, const std::string& name,
                               std::string* alphabet = nullptr);
  /// The same in a file, which is whole or absent.
  void save(const std::filesystem::path& path, std::string_view alphabet) const;
  static NgramModel load(const std::filesystem::path& path, std::string* alphabet = nullptr);

 private:
  friend class NgramBuilder;
  struct Node {
    int32_t symbol;       ///< the last of the n-gram
    int32_t first_child;  ///< those that go on with one more symbol; ascending
    int32_t children;
    int32_t shorter;  ///< the n-gram without its first symbol
    int64_t count;
    double cost;          ///< -log p(symbol | the symbols before it)
    double shorter_cost;  ///< -log of T / (C + T) of this n-gram as a history
  };

  int32_t end() const { return static_cast<int32_t>(symbols_); }
  int32_t begin() const { return static_cast<int32_t>(symbols_) + 1; }
  int32_t child(State node, int32_t symbol) const;
  double cost_of(State state, int32_t symbol) const;
  bool is_sound() const;
  bool finish();

  int order_ = 1;
  int64_t symbols_ = 0, words_ = 0;
  State start_ = 0;
  std::vector<Node> nodes_;     // breadth first: the empty n-gram, those of 1 symbol, of 2...
  std::vector<int64_t> level_;  // [order+1] the nodes of up to n symbols
};

/// Throws Error unless the model can be asked about an alphabet of so many symbols: as many of its
/// own, or a number of its own (or kUnknown) for each in `to_model`.
void check_model(const NgramModel& model, std::span<const int32_t> to_model, int64_t alphabet);

}  // namespace talweg::ebm
