#include "ebm/losses/word_losses.h"

#include <cmath>
#include <string>

#include "core/ops/reduce.h"
#include "core/ops/shape_ops.h"
#include "ebm/align/wrong_words.h"
#include "ebm/losses/label_losses.h"
#include "ebm/losses/pair_losses.h"

namespace talweg::ebm {

const std::vector<std::string_view>& word_loss_names() {
  static const std::vector<std::string_view> names{
      "path-ce", "forward-ce",    "nll",    "perceptron", "hinge",
      "log",     "square-square", "simple", "infonce",    "mce"};
  return names;
}

std::string_view to_string(WordLoss loss) { return word_loss_names()[std::size_t(loss)]; }

WordLoss parse_word_loss(std::string_view name) {
  const auto& names = word_loss_names();
  std::string all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return WordLoss(i);
    all += (i == 0 ? "" : ", ") + std::string(names[i]);
  }
  throw Error(message("there is no loss '", name, "'; there are ", all));
}

bool needs_temperature(WordLoss loss) {
  return loss == WordLoss::forward_ce || loss == WordLoss::nll;
}

void check(const WordLossOptions& options, double beta) {
  check_beta(beta);
  const std::string_view name = to_string(options.loss);
  if (options.loss == WordLoss::forward_ce) {
    expect(beta == 1, "the loss ", name, " is that of beta 1, where a path counts by its ",
           "probability, and beta is ", beta,
           "; leave it, or take path-ce with a beta of your own");
  }
  if (options.loss == WordLoss::nll) {
    expect(std::isfinite(beta), "the loss ", name, " is a sum over all words by probability and ",
           "needs a finite beta; at infinity it is the perceptron's loss");
  }
  if (options.loss == WordLoss::perceptron) {
    expect(std::isinf(beta), "the loss ", name, " follows the best path alone, and beta is ", beta,
           "; leave it at inf, or take nll");
  }
  expect(options.margin > 0 && std::isfinite(options.margin), "the margin is ", options.margin,
         "; it must be above 0, or equal energies of all words cost nothing");
  expect(options.negatives >= 1, "the number of wrong words is ", options.negatives,
         "; there must be at least one");
  expect(options.max_prefixes >= 1, "a search may grow ", options.max_prefixes,
         " prefixes; it needs at least one");
}

namespace {

/// The pairs whose right word and first wrong word both have a path.
template <class T>
KeptIndices pairs_of(Tape<T>& tape, const BatchAlignment& right, const BatchAlignment& wrong) {
  const auto both = [&](int64_t b) {
    return right.results[b].status == AlignStatus::ok && wrong.results[b].status == AlignStatus::ok;
  };
  int64_t count = 0;
  for (int64_t b = 0; b < std::ssize(right.results); ++b) count += both(b);
  const std::span<int32_t> at = tape.template keep<int32_t>(count);
  int64_t m = 0;
  for (int64_t b = 0; b < std::ssize(right.results); ++b) {
    if (both(b)) at[m++] = static_cast<int32_t>(b);
  }
  return {at};
}

/// The mean of the losses that there are, 0 if none.
template <class T> PathLoss<T> mean_of(Var<T> losses, int64_t samples) {
  const int64_t m = losses.size();
  return {m > 0 ? mean(losses) : sum(losses), m, samples - m};
}

template <class T> Var<T> pair_loss(const WordLossOptions& options, Var<T> good, Var<T> bad) {
  switch (options.loss) {
    case WordLoss::hinge:
      return hinge_loss(good, bad, options.margin);
    case WordLoss::log:
      return log_loss(good, bad);
    case WordLoss::mce:
      return mce_loss(good, bad);
    case WordLoss::square_square:
      return square_square_loss(good, bad, options.margin);
    case WordLoss::simple:
      return simple_loss(good, bad, options.margin);
    default:
      throw Error(message("[word_losses] ", to_string(options.loss), " is no loss of a pair"));
  }
}

}  // namespace

template <class T>
WordObjective<T>::WordObjective(const WordLossOptions& options, const Grammar& grammar)
    : options_(options), grammar_(grammar) {}

template <class T>
PathLoss<T> WordObjective<T>::operator()(Var<T> e, std::span<const int64_t> sample_frames,
                                         const RaggedLabels& words, double beta) {
  check(options_, beta);
  labels_.clear();
  for (int64_t b = 0; b < words.size(); ++b) {
    labels_.add(expand(words[b], grammar_.between, grammar_.topology));
  }
  switch (options_.loss) {
    case WordLoss::path_ce:
    case WordLoss::forward_ce: {
      const AlignOptions options{beta, paths_of(grammar_)};
      return path_cross_entropy(e, sample_frames, labels_.view(), options, right_);
    }
    case WordLoss::nll:
      return word_nll(e, sample_frames, labels_.view(), grammar_, beta, gaps_);
    case WordLoss::perceptron: {
      const Var<T> gap = word_gap(e, sample_frames, labels_.view(), grammar_, beta, gaps_);
      const KeptIndices pairs = feasible_gaps(e.tape(), gaps_);
      return mean_of(gather(gap, pairs, {std::ssize(pairs.at)}), words.size());
    }
    default:
      return against_wrong_words(e, sample_frames, words, beta);
  }
}

template <class T>
PathLoss<T> WordObjective<T>::against_wrong_words(Var<T> e, std::span<const int64_t> sample_frames,
                                                  const RaggedLabels& words, double beta) {
  check_pairs("word_losses", e, words);
  const bool several = options_.loss == WordLoss::infonce;
  const EnergyBatch<T> batch{e.data(), e.shape()[1], e.shape()[2], sample_frames};
  wrong_words(batch, words, grammar_, several ? options_.negatives : 1, options_.max_prefixes,
              wrong_);
  const AlignOptions options{beta, paths_of(grammar_)};
  const Var<T> good = free_energy(e, sample_frames, labels_.view(), options, right_);
  of_wrong_.resize(wrong_.size());
  std::vector<Var<T>> bad;
  for (std::size_t k = 0; k < wrong_.size(); ++k) {
    bad.push_back(free_energy(e, sample_frames, wrong_[k].view(), options, of_wrong_[k]));
  }
  const KeptIndices pairs = pairs_of(e.tape(), right_, of_wrong_[0]);
  const int64_t m = std::ssize(pairs.at);
  const Var<T> own = gather(good, pairs, {m});
  if (!several) return mean_of(pair_loss(options_, own, gather(bad[0], pairs, {m})), words.size());
  // A word that does not exist has an energy of +inf and so a probability of 0.
  for (Var<T>& energy : bad) energy = gather(energy, pairs, {m, 1});
  return mean_of(info_nce_loss(own, concat(std::span<const Var<T>>(bad), 1)), words.size());
}

template class WordObjective<float>;
template class WordObjective<double>;

}  // namespace talweg::ebm
