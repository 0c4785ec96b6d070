// Reading: from the energies l[L,A] to a word, with no word given.
//
// A string of window symbols spells a word when it has the form (letter+ BETWEEN+)+, where letter+
// is one letter repeated: `ccc_aa___t_` spells `cat`. Each such string is one word and one path
// through its expanded label, and the other way round, so the least string energy is the least F
// over *all* words: arg min_y min_z E(x,y,z), exactly, with no list of words and no beam.
#pragma once

#include <cstdint>
#include <vector>

#include "ebm/align/alignment.h"

namespace talweg::ebm {

/// The windows [first, last] that show one character.
struct WindowSpan {
  int64_t first, last;
  bool operator==(const WindowSpan&) const = default;
};

/// A word read from energies. `energy` is F(x, word), and `status` says whether the word has a
/// path.
struct WordReading {
  AlignStatus status = AlignStatus::ok;
  double energy = 0;
  std::vector<int32_t> word;      ///< symbols, without BETWEEN
  std::vector<WindowSpan> spans;  ///< one a character
  std::vector<int32_t> symbols;   ///< [L] the symbol read at each window
};

/// The word of least energy under (letter+ BETWEEN+)+, in O(L·A):
///   D[i,a] = l_i[a] + min(D[i-1,a], D[i-1,_])              a letter goes on, or follows BETWEEN
///   D[i,_] = l_i[_] + min(D[i-1,_], min_a D[i-1,a])        BETWEEN goes on, or closes a letter
///   D[0,a] = l_0[a],  D[0,_] = +inf,  energy = D[L-1,_]
/// Any letter may follow BETWEEN and BETWEEN any letter, so one minimum over letters a window is
/// all that is kept (A² transitions never appear). Ties: staying in the symbol wins, then the
/// lowest letter; hence fewest characters from the end. The symbols sum, in order and in double, to
/// exactly `energy`, which is exactly what `viterbi` finds for the expanded word. Status too_short
/// for L < 2 (no word fits), non_finite for a NaN or -inf on a usable cell (energy NaN; the first
/// window cannot be BETWEEN nor the last a letter, so those are unused), impossible if every string
/// crosses a +inf cell; the word is then empty. Throws Error when `between` is outside the alphabet
/// or no letter is beside it.
template <class T>
WordReading least_energy_word(const T* energies, int64_t frames, int64_t alphabet, int32_t between);

/// The classic decoding: the arg min symbol of every window, cut at BETWEEN, one majority vote per
/// segment. It ignores the grammar inside a segment (`a b a` votes `a`), so its word's energy is
/// never below least_energy_word's, and the word may not fit its windows at all (status, energy
/// +inf). Ties, in a window and in a vote: the lowest symbol. BETWEEN before the first letter is
/// skipped; a last segment not closed by BETWEEN counts; all BETWEEN is the empty word. A NaN never
/// wins a window, and a window with nothing below +inf counts as BETWEEN. Throws as
/// least_energy_word does.
template <class T>
WordReading greedy_word(const T* energies, int64_t frames, int64_t alphabet, int32_t between);

}  // namespace talweg::ebm
