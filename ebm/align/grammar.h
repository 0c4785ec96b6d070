// Reading: from the energies l[L,A] to a word, with no word given.
//
// A topology says which strings of window symbols spell a word: under the classic one those of the
// form (letter+ BETWEEN+)+, where letter+ is one letter repeated, so that `ccc_aa___t_` spells
// `cat`. Each string is one word and one path through its expanded label, and the other way round,
// so the least string energy is the least F over *all* words: arg min_y min_z E(x,y,z), exactly,
// with no list of words and no beam.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ebm/align/alignment.h"
#include "ebm/align/topology.h"

namespace talweg::ebm {

/// All words over an alphabet, as window strings. What may stand in a string:
///   classic  begins with a letter, ends with BETWEEN; a letter is followed by itself or BETWEEN
///   margins  begins and ends with anything; a letter is followed by itself or BETWEEN
///   ctc      anything
/// All BETWEEN is the empty word in margins and ctc; classic has no empty word.
struct Grammar {
  int32_t between = 0;
  Topology topology = Topology::classic;

  bool operator==(const Grammar&) const = default;
};

/// Throws Error unless BETWEEN is a symbol of the alphabet with a letter beside it.
void check_grammar(int64_t frames, int64_t alphabet, const Grammar& grammar);

/// The rule of paths through a word's expanded label: path_rule(topology), kept for good.
const PathRule& paths_of(const Grammar& grammar);

/// The fewest windows that spell anything: 2 in classic, 1 in the others.
constexpr int64_t least_frames(Topology topology) { return topology == Topology::classic ? 2 : 1; }

/// Does a string of window symbols spell a word? A string of no windows spells none.
bool spells(std::span<const int32_t> symbols, const Grammar& grammar);

/// The word that a string spells: its letters, one for each run.
std::vector<int32_t> word_of(std::span<const int32_t> symbols, int32_t between);

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

/// The word of least energy, in O(L·A). For classic and margins
///   D[i,a] = l_i[a] + min(D[i-1,a], D[i-1,_])              a letter goes on, or follows BETWEEN
///   D[i,_] = l_i[_] + min(D[i-1,_], min_a D[i-1,a])        BETWEEN goes on, or closes a letter
/// and for ctc D[i,a] = l_i[a] + min_b D[i-1,b]. It begins with D[0,a] = l_0[a], where classic
/// forbids BETWEEN, and ends with the least D[L-1,a], where classic allows BETWEEN only. One
/// minimum over letters a window is all that is kept (A² transitions never appear).
///
/// Ties: read from the last window to the first, staying in the symbol wins, then the lowest
/// symbol. The symbols sum, in order and in double, to exactly `energy`, which is exactly what the
/// aligner finds for the expanded word. Status too_short where no word fits (least_frames),
/// non_finite for a NaN or -inf on a usable cell (energy NaN; in classic the first window cannot be
/// BETWEEN nor the last a letter, so those are unused), impossible if every string crosses a +inf
/// cell; the word is then empty. Throws Error when `between` is outside the alphabet or no letter
/// is beside it.
template <class T>
WordReading least_energy_word(const T* energies, int64_t frames, int64_t alphabet,
                              const Grammar& grammar);

/// The same, the string alone: `symbols` has `frames` entries and receives it, or -1 everywhere
/// when there is none.
template <class T>
AlignResult least_energy_string(const T* energies, int64_t frames, int64_t alphabet,
                                const Grammar& grammar, std::span<int32_t> symbols);

/// The coursework's decoding: the arg min symbol of every window; then
///   classic, margins  cut at BETWEEN, one majority vote per segment
///   ctc               equal neighbours are one character
/// Under classic and margins it ignores the grammar inside a segment (`a b a` votes `a`), so its
/// word's energy is never below least_energy_word's, and the word may not fit its windows at all
/// (status, energy +inf). Under ctc it finds a word of least energy. Ties, in a window and in a
/// vote: the lowest symbol. BETWEEN before the first letter is skipped; a last segment not closed
/// by BETWEEN counts; all BETWEEN is the empty word. A NaN never wins a window, and a window with
/// nothing below +inf counts as BETWEEN. Throws as least_energy_word does.
template <class T>
WordReading greedy_word(const T* energies, int64_t frames, int64_t alphabet,
                        const Grammar& grammar);

}  // namespace talweg::ebm
