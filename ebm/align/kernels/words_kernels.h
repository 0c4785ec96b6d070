// The inner loops of the sums over all words, compiled once per instruction set: plain descriptors
// in, numbers out. They allocate nothing, throw nothing, and judge nothing: who calls them prepares
// rows and work space, and looks into what `suspicious` reports.
#pragma once

#include <cstdint>

#include "ebm/align/kernels/chain_kernels.h"

namespace talweg::ebm {

/// Rows of symbols are padded to this many; the padding has no weight.
constexpr int64_t words_stride(int64_t alphabet) { return (alphabet + 7) / 8 * 8; }

/// One image under the grammar of all words.
struct WordsImage {
  int64_t frames, alphabet;
  int32_t between;
  bool classic;  ///< a letter first, BETWEEN last; else anything (margins)
};

/// The backward chain of symbols, as a forward pass leaves it. All null where only the sum is
/// wanted. Letters alone; BETWEEN's place in a row of `closing` is 0.
struct WordsRows {
  double* stay = nullptr;     ///< [L,stride] p(s_{i-1} = a | s_i = a), also for BETWEEN
  double* closing = nullptr;  ///< [L,stride] p(s_i = a | a letter closed by BETWEEN) * total[i]
  double* total = nullptr;    ///< [L] 0 where no letter is possible
};

/// What all strings came to, as a ChainSum, and how probable it is that BETWEEN ends them.
struct WordsSum {
  ChainSum all;
  double ends_between = 0;
};

/// Doubles of work space for one image, whose padding the kernels expect and leave as it is.
constexpr int64_t words_work(int64_t alphabet) { return 6 * words_stride(alphabet); }

template <class T> struct WordsTable {
  /// classic and margins; frames >= 1 (2 in classic).
  WordsSum (*sum)(const WordsImage&, const T* energies, double beta, const WordsRows&, double* work,
                  bool* suspicious);
  /// ctc, where every window is free: `closing` receives p(s_i = a) * total[i].
  ChainSum (*sum_ctc)(const WordsImage&, const T* energies, double beta, const WordsRows&,
                      double* work, bool* suspicious);
  /// What letters[stride] and BETWEEN weigh at window `frame` becomes what they weigh at the window
  /// before; BETWEEN's is returned. out[A], unless null, receives both, rounded to T.
  double (*go_back)(const WordsImage&, const WordsRows&, int64_t frame, double* letters,
                    double between, T* out);
  /// row[stride] = closing[frame] * scale; out as above.
  void (*scaled_row)(const WordsImage&, const WordsRows&, int64_t frame, double scale, double* row,
                     T* out);
};

/// The kernels of the instruction set that core/kernels uses (reference counts as portable).
template <class T> const WordsTable<T>& words_table();

}  // namespace talweg::ebm
