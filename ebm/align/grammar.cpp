#include "ebm/align/grammar.h"

#include <algorithm>
#include <limits>

#include "core/error.h"

namespace talweg::ebm {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Least {
  int32_t symbol;
  double energy;
};

/// The programme over all words: one row of D, and for every window and symbol where it came from.
template <class T> class GrammarSearch {
 public:
  GrammarSearch(const T* energies, int64_t frames, int64_t alphabet, const Grammar& grammar)
      : energies_(energies),
        frames_(frames),
        alphabet_(alphabet),
        grammar_(grammar),
        d_(alphabet, kInf),
        from_(frames * alphabet, grammar.between) {}

  AlignResult run(std::span<int32_t> symbols) {
    for (int64_t i = 0; i < frames_; ++i) {
      if (!step(i)) return {AlignStatus::non_finite, kNan};
    }
    const Least end = least(true);
    if (end.energy == kInf) return {AlignStatus::impossible, kInf};
    if (!(end.energy > -kInf)) return {AlignStatus::non_finite, kNan};
    int32_t symbol = end.symbol;
    for (int64_t i = frames_ - 1; i >= 0; --i) {
      symbols[i] = symbol;
      symbol = from_[i * alphabet_ + symbol];
    }
    return {AlignStatus::ok, end.energy};
  }

 private:
  /// The least D over the letters, and over BETWEEN too if asked; the lowest symbol on ties.
  Least least(bool with_between) const {
    Least best{grammar_.between, kInf};
    for (int32_t a = 0; a < static_cast<int32_t>(alphabet_); ++a) {
      if ((a != grammar_.between || with_between) && d_[a] < best.energy) best = {a, d_[a]};
    }
    return best;
  }

  bool usable(int64_t i, bool is_between) const {
    return grammar_.topology != Topology::classic || (is_between ? i > 0 : i < frames_ - 1);
  }

  /// Window i, for all symbols; false at a NaN or -inf that a string could use.
  bool step(int64_t i) {
    const T* row = energies_ + i * alphabet_;
    int32_t* from = from_.data() + i * alphabet_;
    const bool from_any = grammar_.topology == Topology::ctc;
    const Least before = least(from_any);
    const Least opening =
        from_any ? before : Least{grammar_.between, d_[grammar_.between]};  // what opens a letter
    for (int32_t a = 0; a < static_cast<int32_t>(alphabet_); ++a) {
      const bool is_between = a == grammar_.between;
      if (!usable(i, is_between)) {
        d_[a] = kInf;
        continue;
      }
      const double e = static_cast<double>(row[a]);
      if (!(e > -kInf)) return false;
      const Least& entry = is_between ? before : opening;
      const bool stays = i == 0 || !(entry.energy < d_[a]);
      from[a] = stays ? a : entry.symbol;
      d_[a] = i == 0 ? e : e + (stays ? d_[a] : entry.energy);
    }
    return true;
  }

  const T* energies_;
  int64_t frames_, alphabet_;
  Grammar grammar_;
  std::vector<double> d_;      // [A] least energy of a string that ends here in this symbol
  std::vector<int32_t> from_;  // [L,A] the symbol of the window before
};

/// Word and spans of a string in which every letter run is one character.
void read_runs(int32_t between, WordReading& r) {
  for (int64_t i = 0; i < static_cast<int64_t>(r.symbols.size()); ++i) {
    if (r.symbols[i] == between) continue;
    if (i > 0 && r.symbols[i] == r.symbols[i - 1]) {
      r.spans.back().last = i;
    } else {
      r.word.push_back(r.symbols[i]);
      r.spans.push_back({i, i});
    }
  }
}

template <class T> int32_t arg_min_symbol(const T* row, int64_t alphabet, int32_t between) {
  int32_t best = between;
  T least = std::numeric_limits<T>::infinity();
  for (int32_t a = 0; a < alphabet; ++a) {
    if (row[a] < least) {
      least = row[a];
      best = a;
    }
  }
  return best;
}

/// Segments between BETWEENs, each decided by vote; the lowest symbol on ties.
void vote_segments(int64_t alphabet, int32_t between, WordReading& r) {
  std::vector<int64_t> votes(alphabet);
  const int64_t frames = static_cast<int64_t>(r.symbols.size());
  for (int64_t first = 0; first < frames; ++first) {
    if (r.symbols[first] == between) continue;
    std::fill(votes.begin(), votes.end(), 0);
    int64_t end = first;
    while (end < frames && r.symbols[end] != between) ++votes[r.symbols[end++]];
    const auto winner = std::max_element(votes.begin(), votes.end());  // the first of equals
    r.word.push_back(static_cast<int32_t>(winner - votes.begin()));
    r.spans.push_back({first, end - 1});
    first = end;
  }
}

}  // namespace

void check_grammar(int64_t frames, int64_t alphabet, const Grammar& grammar) {
  expect(frames >= 0, "[align] the number of frames is ", frames, "; it cannot be negative");
  expect(alphabet >= 2, "[align] an alphabet of ", alphabet,
         " symbols cannot spell: it needs BETWEEN and a letter");
  expect(0 <= grammar.between && grammar.between < alphabet, "[align] BETWEEN is symbol ",
         grammar.between, ", outside the alphabet [0,", alphabet, ")");
}

const PathRule& paths_of(const Grammar& grammar) {
  static const PathRule rules[] = {path_rule(Topology::classic), path_rule(Topology::margins),
                                   path_rule(Topology::ctc)};
  return rules[static_cast<size_t>(grammar.topology)];
}

bool spells(std::span<const int32_t> symbols, const Grammar& grammar) {
  if (symbols.empty()) return false;
  if (grammar.topology == Topology::ctc) return true;
  const int32_t between = grammar.between;
  if (grammar.topology == Topology::classic &&
      (symbols.front() == between || symbols.back() != between)) {
    return false;
  }
  for (size_t i = 1; i < symbols.size(); ++i) {
    const int32_t before = symbols[i - 1], now = symbols[i];
    if (before != between && now != between && before != now) return false;
  }
  return true;
}

std::vector<int32_t> word_of(std::span<const int32_t> symbols, int32_t between) {
  std::vector<int32_t> word;
  for (size_t i = 0; i < symbols.size(); ++i) {
    if (symbols[i] != between && (i == 0 || symbols[i] != symbols[i - 1])) {
      word.push_back(symbols[i]);
    }
  }
  return word;
}

template <class T>
AlignResult least_energy_string(const T* energies, int64_t frames, int64_t alphabet,
                                const Grammar& grammar, std::span<int32_t> symbols) {
  check_grammar(frames, alphabet, grammar);
  expect(static_cast<int64_t>(symbols.size()) == frames, "[align] the string has room for ",
         symbols.size(), " symbols, the energies have ", frames, " frames");
  std::ranges::fill(symbols, -1);
  if (frames < least_frames(grammar.topology)) return {AlignStatus::too_short, kInf};
  return GrammarSearch<T>(energies, frames, alphabet, grammar).run(symbols);
}

template <class T>
WordReading least_energy_word(const T* energies, int64_t frames, int64_t alphabet,
                              const Grammar& grammar) {
  check_grammar(frames, alphabet, grammar);
  WordReading r;
  r.symbols.resize(frames);
  const AlignResult found = least_energy_string(energies, frames, alphabet, grammar, r.symbols);
  r.status = found.status;
  r.energy = found.energy;
  if (r.status != AlignStatus::ok) r.symbols.clear();
  read_runs(grammar.between, r);
  return r;
}

template <class T>
WordReading greedy_word(const T* energies, int64_t frames, int64_t alphabet,
                        const Grammar& grammar) {
  check_grammar(frames, alphabet, grammar);
  WordReading r;
  r.symbols.resize(frames);
  for (int64_t i = 0; i < frames; ++i) {
    r.symbols[i] = arg_min_symbol(energies + i * alphabet, alphabet, grammar.between);
  }
  if (grammar.topology == Topology::ctc) {
    read_runs(grammar.between, r);
  } else {
    vote_segments(alphabet, grammar.between, r);
  }
  const Alignment aligned =
      viterbi(energies, frames, alphabet, expand(r.word, grammar.between, grammar.topology),
              paths_of(grammar));
  r.status = aligned.status;
  r.energy = aligned.energy;
  return r;
}

template WordReading least_energy_word(const float*, int64_t, int64_t, const Grammar&);
template WordReading least_energy_word(const double*, int64_t, int64_t, const Grammar&);
template AlignResult least_energy_string(const float*, int64_t, int64_t, const Grammar&,
                                         std::span<int32_t>);
template AlignResult least_energy_string(const double*, int64_t, int64_t, const Grammar&,
                                         std::span<int32_t>);
template WordReading greedy_word(const float*, int64_t, int64_t, const Grammar&);
template WordReading greedy_word(const double*, int64_t, int64_t, const Grammar&);

}  // namespace talweg::ebm
