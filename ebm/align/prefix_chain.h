// Words letter by letter: what has been spelt so far, and what may still follow.
//
// A prefix w keeps two columns over i = 0..L, the number of windows it has used: the semiring sum
// (semiring.h) of all window strings of length i that spell w and end
//   letter[i]  in its last letter
//   gap[i]     in BETWEEN, behind it (for the empty prefix: before any letter)
// Growing w by the letter c opens it at window i from gap[i], or in ctc also from letter[i] if c is
// another letter than the last:
//   gate[i]     = gap[i] (+) (ctc and c != last ? letter[i] : none)
//   letter'[i+1] = l_i[c] + (gate[i] (+) letter'[i])
//   gap'[i+1]    = l_i[_] + (letter'[i] (+) gap'[i])
//
// Behind stands the sum over all words: H_a[i], the semiring sum over all endings of a string that
// shows the letter a after i windows, and H_[i] the same for BETWEEN. Each string opens c at exactly
// one window, so
//   bound(w c) = (+)_i gate[i] + l_i[c] + H_c[i+1]
// is exactly the sum over all strings of all words that begin with w c: at zero temperature the
// least energy of any of them, else the free energy of all together. No word that begins so has
// less. The bound of a grown prefix is never below its parent's.
//
// All is kept relative to H, as in Johnson's shortest paths: the cost of a step from state s to t is
// l + H_t - H_s, what the step adds to the best (at finite beta: -log of its probability in the
// all-words distribution, over beta). So every column, bound and word below is an excess over F_all,
// the energy of all words, is not negative but for rounding, and near zero, where it matters, keeps
// all its digits.
//
// Source: D. Johnson, "Efficient algorithms for shortest paths in sparse networks" (1977), for the
// costs; P. Hart, N. Nilsson, B. Raphael, "A formal basis for the heuristic determination of minimum
// cost paths" (1968), for searching by exact bounds.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ebm/align/alignment.h"
#include "ebm/align/grammar.h"
#include "ebm/align/semiring.h"

namespace talweg::ebm {

/// The columns of one prefix, each [L+1], in storage that somebody else owns.
struct PrefixColumns {
  double* letter;
  double* gap;
  double* gate;  ///< of a letter that is not the last; the same array as `gap` unless ctc
};

/// The costs of all steps through one image, and the recurrences over them. S is MinPlus or SoftMin.
template <class S> class PrefixChain {
 public:
  /// Takes in l[frames, alphabet]; `letters` says which symbols words may be spelt with (empty: all
  /// but BETWEEN), and only their cells are looked at. Returns the energy F_all of all such words;
  /// statuses are those of least_energy_word.
  template <class T>
  AlignResult observe(const T* energies, int64_t frames, int64_t alphabet, const Grammar& grammar,
                      const S& semiring, std::span<const uint8_t> letters = {});

  int64_t frames() const { return frames_; }
  int64_t alphabet() const { return alphabet_; }
  const S& semiring() const { return semiring_; }
  Topology topology() const { return grammar_.topology; }
  std::span<const int32_t> letters() const { return used_; }
  /// The costs [L] at each window of opening a letter, of staying in it, of closing it, and of staying
  /// in BETWEEN.
  const double* open(int32_t letter) const { return open_.data() + letter * frames_; }
  const double* stay(int32_t letter) const { return stay_.data() + letter * frames_; }
  const double* close(int32_t letter) const { return close_.data() + letter * frames_; }
  const double* rest() const { return rest_.data(); }
  /// F_all.
  double energy() const { return energy_; }
  bool is_ctc() const { return grammar_.topology == Topology::ctc; }
  /// Doubles that the columns of a prefix take, and the columns in such storage.
  int64_t column_size() const { return (is_ctc() ? 3 : 2) * (frames_ + 1); }
  PrefixColumns columns(double* storage) const;

  /// The columns of the empty prefix.
  void begin(const PrefixColumns& out) const;
  /// The columns of a prefix grown by `letter`; `last` is the prefix's own last letter, or -1.
  void grow(const PrefixColumns& prefix, int32_t last, int32_t letter,
            const PrefixColumns& out) const;
  /// Excess of all words that begin with the prefix grown by `letter`.
  double bound(const PrefixColumns& prefix, int32_t last, int32_t letter) const;
  /// The same with another table [L] of what it costs to open the letter at a window and to go on:
  /// of some words only (lexicon_bounds.h).
  double bound(const PrefixColumns& prefix, int32_t last, int32_t letter,
               const double* opening) const;
  /// Excess of the prefix itself as a word: F - F_all.
  double word(const PrefixColumns& prefix) const;

 private:
  template <class T> bool take_in(const T* energies, std::span<const uint8_t> letters);
  void sum_endings();
  void relate_costs();
  bool usable(int64_t frame, bool is_between) const;
  const double* gate_of(const PrefixColumns& p, int32_t last, int32_t letter) const {
    return letter == last ? p.gap : p.gate;
  }

  S semiring_{};
  Grammar grammar_;
  int64_t frames_ = 0, alphabet_ = 0;
  double energy_ = 0, shift_ = 0;
  std::vector<int32_t> used_;  // the letters, ascending
  // [A,L] costs of opening a letter and of staying in it at window i, of closing it: see above. Until
  // relate_costs() `stay_` holds the energies, less the least of their window.
  std::vector<double> open_, stay_, close_;
  std::vector<double> rest_;      // [L] of staying in BETWEEN
  std::vector<double> ending_;    // [A,L+1] H of each letter; BETWEEN's in its own row
  std::vector<double> gathered_;  // a window's terms
};

}  // namespace talweg::ebm
