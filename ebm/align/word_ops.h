// Words against all other words on the tape: the exact negative log-likelihood of a word, and the
// same measured in energy, which has a limit at zero temperature.
//
// Shapes as in align_ops.h: e[B,L,A] energies, padded to L frames; sample b uses its first
// sample_frames[b].
#pragma once

#include <algorithm>
#include <limits>
#include <span>
#include <vector>

#include "ebm/align/partition_ops.h"
#include "ebm/align/semiring.h"
#include "ebm/align/soft_ops.h"

namespace talweg::ebm {

/// What the two sums of word_gap came to, and their work space (it only grows, so keep it).
struct WordGaps {
  BatchAlignment word;       ///< of the word alone
  BatchPosterior all_words;  ///< of all words

  bool feasible(int64_t b) const {
    return word.results[b].status == AlignStatus::ok &&
           all_words.results[b].status == AlignStatus::ok;
  }
  int64_t feasible() const {
    int64_t count = 0;
    for (int64_t b = 0; b < std::ssize(word.results); ++b) count += feasible(b);
    return count;
  }
  /// By how much the word's free energy lies above that of all words: at least 0, +inf for a word
  /// that has no path, NaN for non-finite energies.
  double gap(int64_t b) const {
    const AlignResult &own = word.results[b], &all = all_words.results[b];
    for (const AlignStatus s : {own.status, all.status}) {
      if (s == AlignStatus::non_finite) return std::numeric_limits<double>::quiet_NaN();
    }
    return feasible(b) ? std::max(0.0, own.energy - all.energy) : kNoPath;
  }
};

/// The samples that have a gap, kept on the tape.
template <class T> KeptIndices feasible_gaps(Tape<T>& tape, const WordGaps& out) {
  const std::span<int32_t> at = tape.template keep<int32_t>(out.feasible());
  int64_t m = 0;
  for (int64_t b = 0; b < std::ssize(out.word.results); ++b) {
    if (out.feasible(b)) at[m++] = static_cast<int32_t>(b);
  }
  return {at};
}

// --- the gap ---

/// word_gap(e[B,L,A], sample_frames, labels) -> g[B] = F_beta(x,y) - F_all(x), F_all being the free
/// energy of all words of the grammar; so g = -(1/beta) log p(y|x), the negative log-likelihood in
/// units of energy. At beta = infinity it is min_z E(x,y,z) - min over all words, the generalised
/// perceptron's loss, so that one loss anneals from one to the other. Labels are those of
/// expand(word, between, topology).
///
/// Gradient: de = dg (p_y - p), the posterior of the word's paths less that of all strings; its
/// rows sum to 0. Second derivative: -beta (Cov_y - Cov). Both are exact, there is no third. The
/// difference is taken in double, before g is rounded to T; one beyond T's range is +inf, and the
/// word then `impossible`. A sample whose word has no path has
/// g = +inf (NaN for non-finite energies) and a gradient of exactly zero, whatever flows in.
/// Throws as free_energy and all_words_free_energy do. Source: LeCun et al. 2006, sections 2.2.2
/// and 7; that Z over all words is one pass is this library's (partition.h).
template <class T>
Var<T> word_gap(Var<T> e, std::span<const int64_t> sample_frames, const RaggedLabels& labels,
                const Grammar& grammar, double beta, WordGaps& out) {
  check_pairs("word_gap", e, labels);
  Tape<T>& tape = e.tape();
  const int64_t samples = e.shape()[0], frames = e.shape()[1], alphabet = e.shape()[2];
  const PathRule& rule = paths_of(grammar);
  const bool learns = tape.recording() && e.needs_grad();
  Var<T> of_word, of_all;
  if (learns) {
    of_all = word_marginals(e, sample_frames, grammar, beta, out.all_words);
    of_word = path_posterior(e, keep_pairs(tape, sample_frames, labels, beta, rule), out.word);
  } else {
    observe_batch(energy_batch("word_gap", e, sample_frames), grammar, beta, out.all_words,
                  static_cast<T*>(nullptr));
    free_energy_batch(static_cast<const T*>(e.data()), frames, alphabet, sample_frames, labels,
                      beta, rule, out.word, static_cast<T*>(nullptr));
  }
  Var<T> g = tape.make("word_gap", {samples});
  for (int64_t b = 0; b < samples; ++b) {
    if (out.gap(b) > std::numeric_limits<T>::max()) {
      out.word.results[b] = {AlignStatus::impossible, kNoPath};
    }
    g.data()[b] = static_cast<T>(out.gap(b));
  }
  if (!learns) return g;
  const KeptIndices with_gap = feasible_gaps(tape, out);
  const int64_t m = std::ssize(with_gap.at);
  g.wrt(e, [=](Var<T> dg) {
    // An infinite dg would turn the zeros of samples without a gap into NaN.
    const Var<T> passed = scatter_add(gather(dg, with_gap, {m}), with_gap, {samples});
    return mul(sub(of_word, of_all), reshape(passed, {samples, 1, 1}));
  });
  return g;
}

/// For the cards: a few words as labels, BETWEEN being symbol 2.
inline LabelList labels_of(Topology topology, const std::vector<std::vector<int32_t>>& words) {
  LabelList labels;
  for (const auto& word : words) labels.add(expand(word, 2, topology));
  return labels;
}

/// For the cards: the gaps of a few words.
inline auto gaps_of(Topology topology, double beta, const std::vector<int64_t>& frames,
                    const std::vector<std::vector<int32_t>>& words) {
  return [=](auto x) {
    const LabelList labels = labels_of(topology, words);
    WordGaps out;
    return word_gap(x[0], frames, labels.view(), {2, topology}, beta, out);
  };
}

TALWEG_OP_CARD(word_gap) {
  card.formula("g[b] = F_beta(x_b, y_b) - F_all(x_b) = -(1/beta) log p(y_b | x_b)");
  card.rule("de = dg (path_posterior - word_marginals); second derivative -beta (Cov_y - Cov)");
  card.shapes("e[B,L,A], B labels of any length -> g[B]").source("LeCun et al. 2006, section 7");
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<std::vector<int32_t>> two = {{0, 1}, {1}};
  card.check("classic, one padded", {{2, 6, 3}}, gaps_of(Topology::classic, 1.0, {6, 4}, two));
  card.check("margins, hot", {{2, 6, 3}}, gaps_of(Topology::margins, 0.3, {6, 4}, two));
  card.check("ctc", {{2, 5, 4}}, gaps_of(Topology::ctc, 1.5, {5, 3}, {{0, 0, 1}, {}}));
  card.check("zero temperature", {{2, 6, 3}}, gaps_of(Topology::classic, inf, {6, 4}, two));
  card.check("empty", {{0, 4, 3}}, gaps_of(Topology::classic, 1.0, {}, {}));
  const auto three_frames = [=](const std::vector<int32_t>& word, double beta) {
    return [=](auto x) {
      return gaps_of(Topology::classic, beta, {3}, {word})(std::array{reshape(x[0], {1, 3, 3})});
    };
  };
  card.point("zero temperature: the best word has no gap", {{1, 2, 9, 1, 2, 9, 9, 9, 1}},
             three_frames({0}, inf), {0}, {{0, 0, 0, 0, 0, 0, 0, 0, 0}});
  card.point("zero temperature: push the best up, the word down", {{1, 2, 9, 1, 2, 9, 9, 9, 1}},
             three_frames({1}, inf), {2}, {{-1, 1, 0, -1, 1, 0, 0, 0, 0}});
  card.point("a word that does not fit", {{1, 2, 9, 1, 2, 9, 9, 9, 1}}, three_frames({1, 0}, 1.0),
             {inf}, {{0, 0, 0, 0, 0, 0, 0, 0, 0}});
  card.bench({{32, 32, 53}}, gaps_of(Topology::classic, 1.0, std::vector<int64_t>(32, 32),
                                     std::vector<std::vector<int32_t>>(32, {0, 1, 4, 3})));
  const auto one = gaps_of(Topology::classic, 1.0, {6}, {{0, 1}});
  card.rejects({{6, 3}}, one, "energies must be [B,L,A]");
  card.rejects({{3, 6, 3}}, one, "give one a sample");
  card.rejects({{1, 6, 2}}, one, "outside the alphabet");
  card.rejects({{1, 6, 3}}, gaps_of(Topology::classic, -1.0, {6}, {{0}}), "beta is -1");
}

// --- the negative log-likelihood ---

/// word_nll(e[B,L,A], sample_frames, labels): the mean over feasible b of
///   -log p(y_b|x_b) = beta F_beta(x_b,y_b) + log Z(x_b) = beta g_b,
/// the word's own share of all words, not of the symbols of each frame: never below 0, and 0 only
/// where no other word is possible. Throws at beta = infinity, where word_gap is the loss to take.
/// `out` and the errors are otherwise those of word_gap.
template <class T>
PathLoss<T> word_nll(Var<T> e, std::span<const int64_t> sample_frames, const RaggedLabels& labels,
                     const Grammar& grammar, double beta, WordGaps& out) {
  expect(beta < std::numeric_limits<double>::infinity(), "[word_nll] beta is ", beta,
         "; probabilities need a finite one, at infinity take word_gap");
  const Var<T> g = word_gap(e, sample_frames, labels, grammar, beta, out);
  const KeptIndices with_gap = feasible_gaps(e.tape(), out);
  const int64_t m = std::ssize(with_gap.at);
  const double weight = m > 0 ? beta / static_cast<double>(m) : 0.0;
  return {scale(sum(gather(g, with_gap, {m})), static_cast<T>(weight)), m, labels.size() - m};
}

TALWEG_OP_CARD(word_nll) {
  card.formula("mean over feasible b of -log p(y_b|x_b) = beta F_beta(x_b,y_b) + log Z(x_b)");
  card.rule("de = dy beta / B' (path_posterior - word_marginals) over the B' feasible pairs");
  card.shapes("e[B,L,A], B labels of any length -> scalar").source("LeCun et al. 2006, section 7");
  const auto f = [](Topology topology, double beta, const std::vector<int64_t>& frames,
                    const std::vector<std::vector<int32_t>>& words) {
    return [=](auto x) {
      const LabelList labels = labels_of(topology, words);
      WordGaps out;
      return word_nll(x[0], frames, labels.view(), {2, topology}, beta, out).loss;
    };
  };
  card.check("classic", {{2, 6, 3}}, f(Topology::classic, 1.0, {6, 4}, {{0, 1}, {1}}));
  card.check("ctc", {{2, 4, 3}}, f(Topology::ctc, 2.0, {4, 3}, {{0, 1, 0}, {}}));
  card.check("one does not fit", {{2, 4, 3}}, f(Topology::margins, 0.5, {4, 1}, {{1}, {0, 1}}));
  card.check("empty", {{0, 4, 3}}, f(Topology::classic, 1.0, {}, {}));
  card.bench({{32, 32, 53}}, f(Topology::classic, 1.0, std::vector<int64_t>(32, 32),
                               std::vector<std::vector<int32_t>>(32, {0, 1, 4, 3})));
  card.rejects({{6, 3}}, f(Topology::classic, 1.0, {6}, {{0}}), "energies must be [B,L,A]");
  card.rejects({{1, 6, 3}},
               f(Topology::classic, std::numeric_limits<double>::infinity(), {6}, {{0}}),
               "at infinity take word_gap");
}

}  // namespace talweg::ebm
