#include "ebm/align/lexicon_bounds.h"

#include <algorithm>
#include <cmath>

namespace talweg::ebm {
namespace {

// Weights that multiply along a path and add over paths. At zero temperature they are the excess
// energies themselves; else probabilities exp(-beta excess), in [0,1]: their sums cost no logarithm.
double weight_of(const MinPlus&, double excess) { return excess; }
double weight_of(const SoftMin& s, double excess) { return std::exp(-s.beta * excess); }

double none(const MinPlus&) { return kNoPath; }
double none(const SoftMin&) { return 0; }
double one(const MinPlus&) { return 0; }
double one(const SoftMin&) { return 1; }
double times(const MinPlus&, double a, double b) { return a + b; }
double times(const SoftMin&, double a, double b) { return a * b; }
double plus(const MinPlus&, double a, double b) { return b < a ? b : a; }
double plus(const SoftMin&, double a, double b) { return a + b; }

double excess_of(const MinPlus&, double weight) { return weight; }
/// A weight below double's range may stand for anything smaller than kLeast: it is taken for kLeast,
/// so that a bound stays a bound.
double excess_of(const SoftMin& s, double weight) {
  constexpr double kLeast = 1e-290;
  return -std::log(std::max(weight, kLeast)) / s.beta;
}

}  // namespace

template <class S> void LexiconBounds<S>::take_costs() {
  const int64_t frames = chain_->frames();
  const S& s = chain_->semiring();
  for (auto* v : {&open_, &stay_, &close_}) v->resize(chain_->alphabet() * frames);
  for (auto* v : {&rest_, &next_, &others_}) v->resize(frames);
  const auto take = [&](const double* from, double* to) {
    for (int64_t i = 0; i < frames; ++i) to[i] = weight_of(s, from[i]);
  };
  for (const int32_t a : chain_->letters()) {
    take(chain_->open(a), open_.data() + a * frames);
    take(chain_->stay(a), stay_.data() + a * frames);
    take(chain_->close(a), close_.data() + a * frames);
  }
  take(chain_->rest(), rest_.data());
}

/// Windows from the last to the first, over a class whose edges lead to classes that are done.
template <class S> void LexiconBounds<S>::sum_class(int32_t c) {
  const int64_t frames = chain_->frames();
  const S& s = chain_->semiring();
  const Lexicon::Class& here = lexicon_->class_at(c);
  const double* open = open_.data() + here.letter * frames;
  const double* stay = stay_.data() + here.letter * frames;
  const double* close = close_.data() + here.letter * frames;
  double* opening = opening_.data() + c * frames;
  if (here.open) {
    std::copy(open, open + frames, opening);
    return;
  }
  std::ranges::fill(next_, none(s));
  std::ranges::fill(others_, none(s));
  for (const int32_t to : lexicon_->edges(c)) {
    const double* after = opening_.data() + to * frames;
    for (int64_t i = 0; i < frames; ++i) next_[i] = plus(s, next_[i], after[i]);
    if (!chain_->is_ctc() || lexicon_->class_at(to).letter == here.letter) continue;
    for (int64_t i = 0; i < frames; ++i) others_[i] = plus(s, others_[i], after[i]);
  }
  double in_gap = here.ends ? one(s) : none(s);
  double in_letter = chain_->topology() == Topology::classic ? none(s) : in_gap;
  for (int64_t i = frames - 1; i >= 0; --i) {
    opening[i] = times(s, open[i], in_letter);
    const double on = plus(s, times(s, stay[i], in_letter), times(s, close[i], in_gap));
    in_letter = plus(s, on, others_[i]);  // in ctc BETWEEN may be left out
    in_gap = plus(s, times(s, rest_[i], in_gap), next_[i]);
  }
}

template <class S> void LexiconBounds<S>::observe(const Lexicon& lexicon) {
  lexicon_ = &lexicon;
  take_costs();
  opening_.resize(lexicon.classes() * chain_->frames());
  for (int32_t c = 0; c < lexicon.classes(); ++c) sum_class(c);
  for (double& x : opening_) x = excess_of(chain_->semiring(), x);
}

template class LexiconBounds<MinPlus>;
template class LexiconBounds<SoftMin>;

}  // namespace talweg::ebm
