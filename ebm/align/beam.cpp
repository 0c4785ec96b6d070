#include "ebm/align/beam.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "core/error.h"
#include "ebm/align/semiring.h"
#include "ebm/align/word_energy.h"

namespace talweg::ebm {
namespace {

void check(int64_t alphabet, const BeamOptions& o) {
  expect(o.beta > 0, "[beam] beta is ", o.beta, "; an inverse temperature is above 0");
  expect(o.width >= 1, "[beam] the width is ", o.width, "; a beam keeps at least one prefix");
  expect(o.count >= 1, "[beam] ", o.count, " words are asked for; ask for at least one");
  expect(std::isfinite(o.model_weight) && std::isfinite(o.letter_bonus),
         "[beam] the model's weight ", o.model_weight, " and the bonus ", o.letter_bonus,
         " must be finite numbers");
  if (o.model != nullptr) check_model(*o.model, o.to_model, alphabet);
}

/// A prefix, known once and for all by its number.
struct Prefix {
  int32_t parent, letter;
  NgramModel::State state;
  double cost;  // of its letters: the model's, weighted, and the bonus
};

/// A prefix in the beam, and its sums after so many windows.
struct Held {
  int32_t prefix;
  double letter = kNoPath, gap = kNoPath;
  double rank = kNoPath;
};

template <class T, class S> class Beam {
 public:
  Beam(const T* energies, int64_t frames, int64_t alphabet, const Grammar& grammar,
       const S& semiring, const BeamOptions& options)
      : energies_(energies),
        frames_(frames),
        alphabet_(alphabet),
        grammar_(grammar),
        semiring_(semiring),
        options_(options) {}

  /// False at a NaN or -inf that a string could use.
  bool run() {
    prefixes_.push_back({-1, -1, options_.model == nullptr ? 0 : options_.model->start(), 0});
    place_.push_back(-1);
    held_.push_back({0, kNoPath, 0});
    for (int64_t i = 0; i < frames_; ++i) {
      if (!is_sound(i)) return false;
      go_on(i);
      cut();
    }
    return true;
  }

  bool was_cut() const { return was_cut_; }
  int64_t prefixes() const { return static_cast<int64_t>(prefixes_.size()); }

  /// The words that the beam ends with.
  std::vector<FoundWord> words() const {
    std::vector<FoundWord> found;
    for (const Held& h : held_) {
      const bool may_end_in_letter = grammar_.topology != Topology::classic;
      const double sum = may_end_in_letter ? semiring_.plus(h.letter, h.gap) : h.gap;
      if (!(sum < kNoPath)) continue;
      const Prefix& p = prefixes_[h.prefix];
      double cost = p.cost;
      if (options_.model != nullptr) {
        cost += options_.model_weight * options_.model->end_cost(p.state);
      }
      found.push_back({spell(h.prefix), sum, cost});
    }
    return found;
  }

 private:
  bool usable(int64_t frame, bool is_between) const {
    if (grammar_.topology != Topology::classic) return true;
    return is_between ? frame > 0 : frame < frames_ - 1;
  }
  double at(int64_t frame, int32_t symbol) const {
    return static_cast<double>(energies_[frame * alphabet_ + symbol]);
  }
  bool is_sound(int64_t i) const {
    for (int32_t a = 0; a < static_cast<int32_t>(alphabet_); ++a) {
      if (usable(i, a == grammar_.between) && !(at(i, a) > -kNoPath)) return false;
    }
    return true;
  }

  /// The window i: from held_ to the new held_, uncut.
  void go_on(int64_t i) {
    next_.clear();
    const bool letters = usable(i, false), gaps = usable(i, true);
    for (const Held& h : held_) {
      const Prefix p = prefixes_[h.prefix];  // growing moves them
      const double all = semiring_.plus(h.letter, h.gap);
      if (gaps && all < kNoPath) {
        Held& same = next(h.prefix);
        same.gap = semiring_.plus(same.gap, all + at(i, grammar_.between));
      }
      if (!letters) continue;
      if (h.letter < kNoPath) {
        Held& same = next(h.prefix);
        same.letter = semiring_.plus(same.letter, h.letter + at(i, p.letter));
      }
      for (int32_t a = 0; a < static_cast<int32_t>(alphabet_); ++a) {
        if (a == grammar_.between) continue;
        const bool joins = grammar_.topology == Topology::ctc && a != p.letter;
        const double sum = (joins ? all : h.gap) + at(i, a);
        if (!(sum < kNoPath)) continue;
        Held& longer = next(grown(h.prefix, a));
        longer.letter = semiring_.plus(longer.letter, sum);
      }
    }
    for (const Held& h : next_) place_[h.prefix] = -1;
    std::swap(held_, next_);
  }

  Held& next(int32_t prefix) {
    if (place_[prefix] < 0) {
      place_[prefix] = static_cast<int32_t>(next_.size());
      next_.push_back({prefix});
    }
    return next_[place_[prefix]];
  }

  int32_t grown(int32_t prefix, int32_t letter) {
    const uint64_t key = (static_cast<uint64_t>(prefix) << 32) | static_cast<uint32_t>(letter);
    const auto [child, is_new] = children_.try_emplace(key, static_cast<int32_t>(prefixes_.size()));
    if (!is_new) return child->second;
    const Prefix p = prefixes_[prefix];
    double cost = p.cost - options_.letter_bonus;
    NgramModel::State state = 0;
    if (options_.model != nullptr) {
      const int32_t symbol = options_.to_model.empty() ? letter : options_.to_model[letter];
      cost += options_.model_weight * options_.model->cost(p.state, symbol);
      state = options_.model->next(p.state, symbol);
    }
    prefixes_.push_back({prefix, letter, state, cost});
    place_.push_back(-1);
    return child->second;
  }

  void cut() {
    if (static_cast<int64_t>(held_.size()) <= options_.width) return;
    for (Held& h : held_) {
      h.rank = semiring_.plus(h.letter, h.gap) + prefixes_[h.prefix].cost;
    }
    const auto better = [](const Held& a, const Held& b) {
      return a.rank != b.rank ? a.rank < b.rank : a.prefix < b.prefix;
    };
    std::nth_element(held_.begin(), held_.begin() + options_.width, held_.end(), better);
    held_.resize(options_.width);
    was_cut_ = true;
  }

  std::vector<int32_t> spell(int32_t k) const {
    std::vector<int32_t> word;
    for (; k != 0; k = prefixes_[k].parent) word.push_back(prefixes_[k].letter);
    std::ranges::reverse(word);
    return word;
  }

  const T* energies_;
  int64_t frames_, alphabet_;
  Grammar grammar_;
  S semiring_;
  const BeamOptions& options_;
  std::vector<Prefix> prefixes_;
  std::unordered_map<uint64_t, int32_t> children_;
  std::vector<Held> held_, next_;
  std::vector<int32_t> place_;  // of each prefix in next_, or -1
  bool was_cut_ = false;
};

template <class T, class S>
FoundWords search(const T* energies, int64_t frames, int64_t alphabet, const Grammar& grammar,
                  const S& semiring, const BeamOptions& options) {
  Beam<T, S> beam(energies, frames, alphabet, grammar, semiring, options);
  FoundWords found;
  if (!beam.run()) {
    found.status = AlignStatus::non_finite;
    return found;
  }
  found.complete = !beam.was_cut();
  found.rest = found.complete ? kNoPath : -kNoPath;
  found.prefixes = beam.prefixes();
  // Cut prefixes may have held a part of a word's paths: the aligner knows them all.
  WordEnergy<T> word_energy(energies, frames, alphabet, grammar, options.beta);
  for (FoundWord& w : beam.words()) {
    w.energy = word_energy(w.word);
    w.score += w.energy;
    found.words.push_back(std::move(w));
  }
  std::ranges::stable_sort(found.words, {}, &FoundWord::score);
  if (static_cast<int64_t>(found.words.size()) > options.count) {
    found.rest = std::min(found.rest, found.words[options.count].score);
    found.words.resize(options.count);
  }
  if (found.words.empty()) found.status = AlignStatus::impossible;
  return found;
}

}  // namespace

template <class T>
FoundWords beam_words(const T* energies, int64_t frames, int64_t alphabet, const Grammar& grammar,
                      const BeamOptions& options) {
  check_grammar(frames, alphabet, grammar);
  check(alphabet, options);
  if (frames < least_frames(grammar.topology)) {
    return {AlignStatus::too_short, {}, true, kNoPath, 0};
  }
  if (options.beta == std::numeric_limits<double>::infinity()) {
    return search(energies, frames, alphabet, grammar, MinPlus{}, options);
  }
  return search(energies, frames, alphabet, grammar, SoftMin{options.beta}, options);
}

template FoundWords beam_words(const float*, int64_t, int64_t, const Grammar&, const BeamOptions&);
template FoundWords beam_words(const double*, int64_t, int64_t, const Grammar&, const BeamOptions&);

}  // namespace talweg::ebm
