#include "ebm/align/grammar.h"

#include <algorithm>
#include <limits>

#include "core/error.h"

namespace talweg::ebm {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

void check_alphabet(int64_t frames, int64_t alphabet, int32_t between) {
  expect(frames >= 0, "[align] the number of frames is ", frames, "; it cannot be negative");
  expect(alphabet >= 2, "[align] an alphabet of ", alphabet,
         " symbols cannot spell: it needs BETWEEN and a letter");
  expect(0 <= between && between < alphabet, "[align] BETWEEN is symbol ", between,
         ", outside the alphabet [0,", alphabet, ")");
}

struct Least {
  int32_t symbol;
  double energy;
};

/// The least D over the letters; the lowest letter on ties.
Least least_letter(const std::vector<double>& d, int32_t between) {
  Least best{between, kInf};
  for (int32_t a = 0; a < static_cast<int32_t>(d.size()); ++a) {
    if (a != between && d[a] < best.energy) best = {a, d[a]};
  }
  return best;
}

/// The programme over all words: one row of D, and for every window and symbol where it came from.
template <class T> class GrammarSearch {
 public:
  GrammarSearch(const T* energies, int64_t frames, int64_t alphabet, int32_t between)
      : energies_(energies),
        frames_(frames),
        alphabet_(alphabet),
        between_(between),
        d_(alphabet, kInf),
        from_(frames * alphabet, between) {}

  AlignResult run() {
    for (int64_t i = 0; i < frames_; ++i) {
      if (!step(i)) return {AlignStatus::non_finite, kNan};
    }
    const double energy = d_[between_];
    if (energy == kInf) return {AlignStatus::impossible, kInf};
    if (!(energy > -kInf)) return {AlignStatus::non_finite, kNan};
    return {AlignStatus::ok, energy};
  }

  /// The best string, back from BETWEEN at the last window.
  std::vector<int32_t> symbols() const {
    std::vector<int32_t> s(frames_);
    int32_t symbol = between_;
    for (int64_t i = frames_ - 1; i >= 0; --i) {
      s[i] = symbol;
      symbol = from_[i * alphabet_ + symbol];
    }
    return s;
  }

 private:
  /// Window i, for all symbols; false at a NaN or -inf that a string could use.
  bool step(int64_t i) {
    const T* row = energies_ + i * alphabet_;
    int32_t* from = from_.data() + i * alphabet_;
    const bool first = i == 0, last = i == frames_ - 1;
    const Least letter = least_letter(d_, between_);
    const double after_between = first ? 0.0 : d_[between_];
    for (int32_t a = 0; a < alphabet_; ++a) {
      const bool is_between = a == between_;
      const bool usable = is_between ? !first : !last;
      if (!usable) {
        d_[a] = kInf;
        continue;
      }
      const double e = static_cast<double>(row[a]);
      if (!(e > -kInf)) return false;
      const double entry = is_between ? letter.energy : after_between;
      const bool stays = !(entry < d_[a]);
      from[a] = stays ? a : (is_between ? letter.symbol : between_);
      d_[a] = e + (stays ? d_[a] : entry);
    }
    return true;
  }

  const T* energies_;
  int64_t frames_, alphabet_;
  int32_t between_;
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

template <class T>
WordReading least_energy_word(const T* energies, int64_t frames, int64_t alphabet,
                              int32_t between) {
  check_alphabet(frames, alphabet, between);
  WordReading r;
  r.status = AlignStatus::too_short;
  r.energy = kInf;
  if (frames < 2) return r;
  GrammarSearch<T> search(energies, frames, alphabet, between);
  const AlignResult found = search.run();
  r.status = found.status;
  r.energy = found.energy;
  if (r.status != AlignStatus::ok) return r;
  r.symbols = search.symbols();
  read_runs(between, r);
  return r;
}

template <class T>
WordReading greedy_word(const T* energies, int64_t frames, int64_t alphabet, int32_t between) {
  check_alphabet(frames, alphabet, between);
  WordReading r;
  r.symbols.resize(frames);
  for (int64_t i = 0; i < frames; ++i) {
    r.symbols[i] = arg_min_symbol(energies + i * alphabet, alphabet, between);
  }
  vote_segments(alphabet, between, r);
  const Alignment aligned = viterbi(energies, frames, alphabet, expand(r.word, between));
  r.status = aligned.status;
  r.energy = aligned.energy;
  return r;
}

template WordReading least_energy_word(const float*, int64_t, int64_t, int32_t);
template WordReading least_energy_word(const double*, int64_t, int64_t, int32_t);
template WordReading greedy_word(const float*, int64_t, int64_t, int32_t);
template WordReading greedy_word(const double*, int64_t, int64_t, int32_t);

}  // namespace talweg::ebm
