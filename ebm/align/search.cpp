#include "ebm/align/search.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <queue>

#include "core/error.h"
#include "ebm/align/lexicon_bounds.h"
#include "ebm/align/prefix_chain.h"
#include "ebm/align/word_energy.h"

namespace talweg::ebm {
namespace {

void check(int64_t alphabet, const Grammar& grammar, const SearchOptions& o) {
  expect(o.beta > 0, "[search] beta is ", o.beta, "; an inverse temperature is above 0");
  expect(o.count >= 1, "[search] ", o.count, " words are asked for; ask for at least one");
  expect(o.max_prefixes >= 1, "[search] max_prefixes is ", o.max_prefixes,
         "; a search grows at least one");
  expect(o.model_weight >= 0 && std::isfinite(o.model_weight), "[search] the model's weight is ",
         o.model_weight, "; it must be a number that is not negative");
  if (o.lexicon != nullptr) {
    expect(o.lexicon->alphabet() == alphabet, "[search] the lexicon has an alphabet of ",
           o.lexicon->alphabet(), " symbols, the energies one of ", alphabet);
    expect(!o.lexicon->letters()[grammar.between], "[search] the lexicon holds words with BETWEEN",
           " (symbol ", grammar.between, "); a word is made of letters only");
  }
  if (o.model != nullptr) {
    check_model(*o.model, o.to_model, alphabet);
  }
}

/// Columns of many prefixes, in blocks that never move.
class ColumnStore {
 public:
  explicit ColumnStore(int64_t size) : size_(size) {}
  double* at(int64_t k) const { return blocks_[k / kBlock].get() + k % kBlock * size_; }
  int64_t add() {
    if (count_ % kBlock == 0) {
      blocks_.push_back(std::make_unique_for_overwrite<double[]>(kBlock * size_));
    }
    return count_++;
  }

 private:
  static constexpr int64_t kBlock = 64;
  int64_t size_, count_ = 0;
  std::vector<std::unique_ptr<double[]>> blocks_;
};

struct Prefix {
  int32_t parent, letter;
  int32_t place;         // in the lexicon
  int32_t state;         // of the model
  double model_cost;     // weighted
  int64_t columns = -1;  // where they stand, once it is grown
};

/// What waits: a prefix to be grown, or a word to be handed out.
struct Waiting {
  double bound;
  int32_t prefix;
  bool is_word;
  /// The least comes out first; of equal ones a word, then the older prefix.
  bool operator<(const Waiting& other) const {
    if (bound != other.bound) return bound > other.bound;
    if (is_word != other.is_word) return other.is_word;
    return prefix > other.prefix;
  }
};

template <class S> class Search {
 public:
  Search(const PrefixChain<S>& chain, const Grammar& grammar, int64_t alphabet,
         const SearchOptions& options)
      : chain_(chain), options_(options), bounds_(chain), store_(chain.column_size()) {
    if (options.lexicon != nullptr) bounds_.observe(*options.lexicon);
    for (int32_t a = 0; a < static_cast<int32_t>(alphabet); ++a) {
      if (a != grammar.between) letters_.push_back(a);
    }
  }

  FoundWords run() {
    FoundWords found;
    prefixes_.push_back({-1, -1, Lexicon::kRoot, 0, 0});
    if (options_.model != nullptr) prefixes_[0].state = options_.model->start();
    waiting_.push({0, 0, false});
    while (!waiting_.empty() && static_cast<int64_t>(words_.size()) < options_.count) {
      const Waiting next = waiting_.top();
      if (!next.is_word && found.prefixes == options_.max_prefixes) break;
      waiting_.pop();
      if (next.is_word) {
        words_.push_back(next.prefix);
      } else {
        ++found.prefixes;
        grow(next.prefix);
      }
    }
    found.complete = found.prefixes < options_.max_prefixes || waiting_.empty() ||
                     static_cast<int64_t>(words_.size()) == options_.count;
    found.rest = chain_.energy() + rest_;
    if (!waiting_.empty()) found.rest = chain_.energy() + std::min(rest_, waiting_.top().bound);
    if (!found.complete) take_words_that_wait();
    return found;
  }

  /// The words found, as prefixes.
  const std::vector<int32_t>& words() const { return words_; }
  const Prefix& prefix(int32_t k) const { return prefixes_[k]; }
  std::vector<int32_t> spell(int32_t k) const {
    std::vector<int32_t> word;
    for (; k != 0; k = prefixes_[k].parent) word.push_back(prefixes_[k].letter);
    std::ranges::reverse(word);
    return word;
  }
  double word_model_cost(int32_t k) const {
    const Prefix& p = prefixes_[k];
    if (options_.model == nullptr) return 0;
    return p.model_cost + options_.model_weight * options_.model->end_cost(p.state);
  }

 private:
  void grow(int32_t k) {
    const int64_t slot = store_.add();
    const PrefixColumns columns = chain_.columns(store_.at(slot));
    Prefix& p = prefixes_[k];
    p.columns = slot;
    if (k == 0) {
      chain_.begin(columns);
    } else {
      const Prefix& parent = prefixes_[p.parent];
      chain_.grow(chain_.columns(store_.at(parent.columns)), parent.letter, p.letter, columns);
    }
    if (options_.lexicon == nullptr || options_.lexicon->word(p.place) >= 0) {
      const double word = chain_.word(columns) + word_model_cost(k);
      if (word < kNoPath && wait({word, k, true})) note_word(word);
    }
    grow_children(k, columns);
  }

  void grow_children(int32_t k, const PrefixColumns& columns) {
    const Prefix p = prefixes_[k];
    const auto child = [&](int32_t letter, int32_t place) {
      double cost = p.model_cost;
      const int32_t symbol = options_.to_model.empty() ? letter : options_.to_model[letter];
      if (options_.model != nullptr) {
        cost += options_.model_weight * options_.model->cost(p.state, symbol);
      }
      const double excess = options_.lexicon == nullptr ? chain_.bound(columns, p.letter, letter)
                                                        : bounds_.bound(columns, p.letter, place);
      const double bound = excess + cost;
      if (bound == kNoPath || !wait({bound, static_cast<int32_t>(prefixes_.size()), false})) return;
      const int32_t state = options_.model != nullptr ? options_.model->next(p.state, symbol) : 0;
      prefixes_.push_back({k, letter, place, state, cost});
    };
    if (options_.lexicon == nullptr) {
      for (const int32_t letter : letters_) child(letter, 0);
      return;
    }
    const Lexicon& lexicon = *options_.lexicon;
    for (int32_t c = lexicon.first_child(p.place); c < lexicon.first_child(p.place + 1); ++c) {
      child(lexicon.letter(c), c);
    }
  }

  /// Queues what can still be among the best; the rest is remembered by its least bound alone.
  bool wait(const Waiting& w) {
    const bool full = static_cast<int64_t>(best_.size()) == options_.count;
    if (full && w.bound > best_.top()) {
      rest_ = std::min(rest_, w.bound);
      return false;
    }
    waiting_.push(w);
    return true;
  }

  /// Keeps the `count` least word scores seen so far.
  void note_word(double score) {
    best_.push(score);
    if (static_cast<int64_t>(best_.size()) > options_.count) best_.pop();
  }

  void take_words_that_wait() {
    for (; !waiting_.empty() && static_cast<int64_t>(words_.size()) < options_.count;
         waiting_.pop()) {
      if (waiting_.top().is_word) words_.push_back(waiting_.top().prefix);
    }
  }

  const PrefixChain<S>& chain_;
  const SearchOptions& options_;
  LexiconBounds<S> bounds_;
  ColumnStore store_;
  std::vector<int32_t> letters_, words_;
  std::vector<Prefix> prefixes_;
  std::priority_queue<Waiting> waiting_;
  std::priority_queue<double> best_;
  double rest_ = kNoPath;
};

template <class T, class S>
FoundWords search(const T* energies, int64_t frames, int64_t alphabet, const Grammar& grammar,
                  const S& semiring, const SearchOptions& options) {
  PrefixChain<S> chain;
  std::span<const uint8_t> letters;
  if (options.lexicon != nullptr) letters = options.lexicon->letters();
  const AlignResult all = chain.observe(energies, frames, alphabet, grammar, semiring, letters);
  if (all.status != AlignStatus::ok) return {all.status, {}, true, kNoPath, 0};
  Search<S> searching(chain, grammar, alphabet, options);
  FoundWords found = searching.run();
  WordEnergy<T> word_energy(energies, frames, alphabet, grammar, options.beta);
  for (const int32_t k : searching.words()) {
    FoundWord w{searching.spell(k), 0, 0};
    w.energy = word_energy(w.word);
    w.score = w.energy + searching.word_model_cost(k);
    if (options.lexicon != nullptr) w.entry = options.lexicon->word(searching.prefix(k).place);
    found.words.push_back(std::move(w));
  }
  std::ranges::stable_sort(found.words, {}, &FoundWord::score);
  if (found.words.empty() && found.complete) found.status = AlignStatus::impossible;
  return found;
}

}  // namespace

template <class T>
FoundWords best_words(const T* energies, int64_t frames, int64_t alphabet, const Grammar& grammar,
                      const SearchOptions& options) {
  check_grammar(frames, alphabet, grammar);
  check(alphabet, grammar, options);
  if (options.beta == std::numeric_limits<double>::infinity()) {
    return search(energies, frames, alphabet, grammar, MinPlus{}, options);
  }
  return search(energies, frames, alphabet, grammar, SoftMin{options.beta}, options);
}

template FoundWords best_words(const float*, int64_t, int64_t, const Grammar&,
                               const SearchOptions&);
template FoundWords best_words(const double*, int64_t, int64_t, const Grammar&,
                               const SearchOptions&);

}  // namespace talweg::ebm
