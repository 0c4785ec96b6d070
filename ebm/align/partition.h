// Sums over all words at once. Each string of window symbols that the grammar admits is one word
// and one path, so
//   Z(x) = sum over words y, paths z of exp(-beta E(x,y,z)) = sum over strings of exp(-beta E)
// is one pass over windows and symbols, and F_all = -(1/beta) log Z, the free energy of all words.
// From it follow the exact probability of every word, p(y|x) = exp(-beta (F_beta(x,y) - F_all)),
// with no list of words; what is probable at each window; and strings drawn as often as they are
// probable.
//
// How the posterior is kept. Read backwards, the string is a Markov chain: given the symbol of a
// window, that of the window before depends on nothing later. The pass from the front leaves those
// probabilities: `stay` of a symbol, that the window before shows it too, and `closing`, which
// letter it is that BETWEEN closes. Everything below is a product or a mean under them: numbers in
// [0,1] and convex combinations, which lose nothing at any scale of energies. A backward pass over
// weights would have to divide numbers as large as Z, of which at 10^30 no digit is left.
//
// Letters: L frames, A alphabet, l[L,A] energies, V = sum_i v_i[s_i] a sum of window values.
// Source: L. R. Rabiner, "A tutorial on hidden Markov models" (1989), for forward filtering and
// backward sampling; the grammar of all words as one chain is this library's.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/rng.h"
#include "ebm/align/grammar.h"
#include "ebm/align/kernels/words_kernels.h"

namespace talweg::ebm {

/// The posterior over all window strings of one image: p(s) = exp(-beta (E(s) - F_all)).
/// At beta = infinity it is all on the string that least_energy_string returns. The object keeps
/// its storage, which only grows, so that one that has seen the largest image allocates no more.
class WordPosterior {
 public:
  /// Takes in l[frames, alphabet] and returns status and F_all. Statuses are those of
  /// least_energy_word; F_all is +inf where no string is possible, NaN for non-finite energies.
  /// Throws Error for a beta that is not above 0, or as check_grammar does.
  template <class T>
  AlignResult observe(const T* energies, int64_t frames, int64_t alphabet, const Grammar& grammar,
                      double beta);
  /// The same for whoever wants F_all alone, faster: there is no posterior afterwards.
  template <class T>
  AlignResult sum(const T* energies, int64_t frames, int64_t alphabet, const Grammar& grammar,
                  double beta);

  /// Grows to what such an image needs, for the posterior or the sum alone.
  void reserve(int64_t frames, int64_t alphabet, bool posterior);

  AlignResult result() const { return result_; }
  const Grammar& grammar() const { return grammar_; }
  int64_t frames() const { return frames_; }
  /// Is there a posterior: was an image observed, and was its status ok?
  bool feasible() const { return kept_ && result_.status == AlignStatus::ok; }
  /// log Z(x), natural; -inf where no string is possible. Throws at beta = infinity, where there is
  /// no such number.
  double log_partition() const;

  /// log p(y|x) = -beta (F_beta(x,y) - F_all) of a word (letters, without BETWEEN); -inf for one
  /// that has no path. Over all words the probabilities sum to 1. At beta = infinity 0 for the word
  /// of the least string and -inf for any other. `energies` are those that were observed or summed.
  /// Throws where there is no string, or for a word that holds BETWEEN or leaves the alphabet.
  template <class T>
  double log_probability(const T* energies, std::span<const int32_t> word,
                         AlignScratch& scratch) const;

  /// marginals[L,A]: the probability of each symbol at each window. Rows sum to 1; where there is
  /// no string all is 0. It is the derivative of F_all by the energies.
  template <class T> void marginals(T* out);

  /// out = -beta Cov(n) v, the second derivative of F_all applied to v[L,A], where n[L,A] is the
  /// random indicator of the symbol of each window: by the conditional means
  ///   out_i[a] = -beta p(s_i = a) (E[V | s_i = a] - E[V])
  /// in O(L A). Zero at beta = infinity and where there is no string.
  template <class T> void hessian_product(const T* v, T* out);

  /// Draws a string of window symbols. Of the word it spells (word_of) and the path to it this is
  /// an exact, independent sample. Throws where there is none.
  void sample(Rng& rng, std::span<int32_t> symbols) const;

  /// The expected number of windows whose symbol differs from `symbols`, exactly:
  /// sum_i (1 - p(s_i = symbols_i)). Throws where there is no posterior.
  double expected_frame_errors(std::span<const int32_t> symbols);

 private:
  bool is_ctc() const { return grammar_.topology == Topology::ctc; }
  WordsImage image() const;
  WordsRows rows();
  AlignResult judge(const ChainSum& sum) const;
  template <class T>
  AlignResult look_at(const T* energies, int64_t frames, int64_t alphabet, const Grammar& grammar,
                      double beta, bool keep);
  template <class T, class Visit> void each_marginal(T* out, const Visit& visit);
  template <class T> double conditional_means(const T* v);
  template <class T> void hessian_product_ctc(const T* v, T* out);
  int32_t draw_letter(int64_t frame, Rng& rng) const;
  void expect_feasible(const char* what, int64_t symbols) const;

  Grammar grammar_;
  int64_t frames_ = 0, alphabet_ = 0, stride_ = 0;  // rows of symbols are padded to stride_
  double beta_ = 0;
  AlignResult result_{AlignStatus::too_short, 0};
  bool kept_ = false;                           // observe(), not sum()
  std::vector<double> stay_, closing_, total_;  // as in WordsRows
  double ends_between_ = 1;                     // p(s_{L-1} = BETWEEN)
  std::vector<double> work_;
  std::vector<double> means_;  // [L,stride] of hessian_product
  std::vector<int32_t> best_;  // the only string, at beta = infinity
};

/// What an expectation by samples came to.
struct SampledMean {
  double mean = 0;
  double standard_error = 0;  ///< of the mean: the samples' deviation / sqrt(samples)
};

/// The expected edit distance between `word` and the word of the image, by `samples` >= 2 exact
/// samples of `posterior`: the mean is unbiased. Throws where there is no posterior.
SampledMean expected_edit_distance(const WordPosterior& posterior, std::span<const int32_t> word,
                                   int64_t samples, Rng& rng);

}  // namespace talweg::ebm
