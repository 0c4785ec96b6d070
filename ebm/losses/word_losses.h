// The losses of energy-based learning on the energies of words: one name, one loss of a batch.
//
// E = F_beta(x, y) is the free energy of the right word, Ebar that of a wrong one, the most offending
// (ebm/align/wrong_words.h) unless said otherwise. What each loss wants, and when it is content, stands
// in pair_losses.h and label_losses.h; what differs between them for words is what they compare with:
//
//   path_ce        the other symbols of the frames on the best path (or, at finite beta, on all paths)
//   forward_ce     the other symbols of the frames, over all paths at beta = 1: CTC's loss
//   perceptron     the best of all words, F(x,y) - min over all words; exact, no search
//   nll            all words by their probability, -log p(y|x); exact, no search
//   hinge, log, mce                the most offending wrong word, by the difference
//   square_square, simple          the same, each of the two by itself
//   infonce        several of the most offending wrong words
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "core/tape.h"
#include "ebm/align/grammar.h"
#include "ebm/align/soft_ops.h"
#include "ebm/align/word_ops.h"

namespace talweg::ebm {

enum class WordLoss : uint8_t {
  path_ce,
  forward_ce,
  nll,
  perceptron,
  hinge,
  log,
  square_square,
  simple,
  infonce,
  mce,
};

/// As the program writes them: "path-ce", "square-square" and so on, in the order of the enum.
const std::vector<std::string_view>& word_loss_names();
std::string_view to_string(WordLoss loss);
/// The loss of that name; throws Error that lists the names.
WordLoss parse_word_loss(std::string_view name);
/// Whether it is a sum over all paths and needs a finite beta: forward_ce (which needs beta = 1) and
/// nll do.
bool needs_temperature(WordLoss loss);

struct WordLossOptions {
  WordLoss loss = WordLoss::path_ce;
  double margin = 1;      ///< of hinge, square_square and simple, in units of energy
  int64_t negatives = 4;  ///< of infonce
  int64_t max_prefixes =
      2'000;  ///< a search for wrong words grows no more (ebm/align/wrong_words.h)
};

/// Throws Error unless beta is above 0 and what the loss can use: 1 for forward_ce, infinite for
/// perceptron, finite for nll; and unless margin, negatives and max_prefixes are positive.
void check(const WordLossOptions& options, double beta);

/// A loss with its work space, for one batch after the other.
template <class T> class WordObjective {
 public:
  WordObjective(const WordLossOptions& options, const Grammar& grammar);

  /// The mean loss over the pairs that have one, of energies e[B,L,A]; sample b uses its first
  /// sample_frames[b] frames and its word is words[b], letters without BETWEEN. A pair takes part
  /// where its word has a path and, for the losses that compare with wrong words, where there is a
  /// wrong word. Differentiable as the energies are: twice at finite beta. Throws as check(options,
  /// beta), free_energy and wrong_words do.
  PathLoss<T> operator()(Var<T> e, std::span<const int64_t> sample_frames,
                         const RaggedLabels& words, double beta);

 private:
  PathLoss<T> against_wrong_words(Var<T> e, std::span<const int64_t> sample_frames,
                                  const RaggedLabels& words, double beta);

  WordLossOptions options_;
  Grammar grammar_;
  LabelList labels_;
  std::vector<LabelList> wrong_;
  BatchAlignment right_;
  std::vector<BatchAlignment> of_wrong_;
  WordGaps gaps_;
};

}  // namespace talweg::ebm
