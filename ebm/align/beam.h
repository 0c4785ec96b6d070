// Beam search: all prefixes side by side, window by window, only the best of them kept.
//
// After i windows a prefix holds the semiring sums of the strings that spell it and end in its last
// letter, or in BETWEEN (prefix_chain.h). The next window lets each stay, close, or grow by a letter;
// what then spells the same prefix is summed. Of the prefixes the `width` best go on, by their sums
// with the letter model's cost. What is cut cannot come back: a beam may miss the best word, but its
// time is known beforehand. With a width of all prefixes nothing is cut, and the words are exact.
//
// Source: A. Graves, N. Jaitly, "Towards end-to-end speech recognition with recurrent neural
// networks" (2014); A. Hannun et al., "First-pass large vocabulary continuous speech recognition using
// bi-directional recurrent DNNs" (2014), for prefixes with a language model.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

#include "ebm/align/search.h"

namespace talweg::ebm {

struct BeamOptions {
  double beta = std::numeric_limits<double>::infinity();
  int64_t width = 32;                   ///< prefixes kept after each window
  int64_t count = 1;                    ///< how many words are wanted
  const NgramModel* model = nullptr;    ///< null: every word alike
  double model_weight = 1;              ///< energy for each -log p
  std::span<const int32_t> to_model{};  ///< as in SearchOptions
  /// Taken off a word's score for each of its letters: a model alone prefers short words.
  double letter_bonus = 0;
};

/// The best different words that the beam finds in l[frames, alphabet], ascending by
///   score = F(x, w) + model_weight * -log p(w) - letter_bonus * letters,
/// each with its exact energy. `complete` says that no prefix was cut, so that these are the best;
/// else `rest` is -inf, as nothing is known of what was cut. `prefixes` counts those ever held.
/// Statuses are those of least_energy_word; `impossible` too where the beam lost all words. Throws
/// Error for a beta not above 0, a width or count below 1, weight or bonus not finite, or a model of
/// another alphabet.
template <class T>
FoundWords beam_words(const T* energies, int64_t frames, int64_t alphabet, const Grammar& grammar,
                      const BeamOptions& options = {});

}  // namespace talweg::ebm
