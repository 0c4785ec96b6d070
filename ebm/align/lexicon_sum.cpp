#include "ebm/align/lexicon_sum.h"

#include <cmath>
#include <limits>
#include <vector>

#include "core/error.h"
#include "ebm/align/lexicon_bounds.h"
#include "ebm/align/prefix_chain.h"
#include "ebm/align/search.h"
#include "ebm/align/word_energy.h"

namespace talweg::ebm {
namespace {

/// Sums as probabilities under the distribution of all words: in [0,1], no logarithm a step. Good
/// where the lexicon's words are not so improbable that doubles end.
class AsProbabilities {
 public:
  AsProbabilities(const PrefixChain<SoftMin>& chain, const LexiconBounds<SoftMin>& bounds)
      : chain_(chain), bounds_(bounds), opening_(bounds.openings()) {
    for (double& x : opening_) x = from_excess(x);
  }

  static constexpr double kNone = 0;
  double from_excess(double excess) const { return std::exp(-chain_.semiring().beta * excess); }
  double to_excess(double sum) const { return -std::log(sum) / chain_.semiring().beta; }
  double plus(double a, double b) const { return a + b; }
  double times(double a, double factor) const { return a * factor; }
  double ratio(double a, double b) const { return a / b; }
  bool is_less(double a, double b) const { return a < b; }

  void begin(const PrefixColumns& out) const {
    const int64_t frames = chain_.frames();
    std::fill(out.letter, out.letter + frames + 1, 0.0);
    out.gap[0] = 1;
    for (int64_t i = 0; i < frames; ++i) out.gap[i + 1] = out.gap[i] * bounds_.rest()[i];
    if (chain_.is_ctc()) std::copy(out.gap, out.gap + frames + 1, out.gate);
  }
  void grow(const PrefixColumns& parent, int32_t last, int32_t letter,
            const PrefixColumns& out) const {
    const int64_t frames = chain_.frames();
    const double* gate = letter == last ? parent.gap : parent.gate;
    const double *open = bounds_.open(letter), *stay = bounds_.stay(letter),
                 *close = bounds_.close(letter), *rest = bounds_.rest();
    double shown = 0, closed = 0;
    out.letter[0] = out.gap[0] = 0;
    for (int64_t i = 0; i < frames; ++i) {
      closed = shown * close[i] + closed * rest[i];
      shown = gate[i] * open[i] + shown * stay[i];
      out.letter[i + 1] = shown;
      out.gap[i + 1] = closed;
    }
    if (!chain_.is_ctc()) return;
    for (int64_t i = 0; i <= frames; ++i) out.gate[i] = out.gap[i] + out.letter[i];
  }
  double bound(const PrefixColumns& parent, int32_t last, int32_t letter, int32_t c) const {
    const double* gate = letter == last ? parent.gap : parent.gate;
    const double* opening = opening_.data() + c * chain_.frames();
    double sums[4] = {0, 0, 0, 0};  // four chains of sums, as one would wait for itself
    int64_t i = 0;
    for (; i + 4 <= chain_.frames(); i += 4) {
      for (int k = 0; k < 4; ++k) sums[k] += gate[i + k] * opening[i + k];
    }
    for (; i < chain_.frames(); ++i) sums[0] += gate[i] * opening[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }
  double word(const PrefixColumns& p) const {
    const int64_t end = chain_.frames();
    return chain_.topology() == Topology::classic ? p.gap[end] : p.gap[end] + p.letter[end];
  }

 private:
  const PrefixChain<SoftMin>& chain_;
  const LexiconBounds<SoftMin>& bounds_;
  std::vector<double> opening_;
};

/// The same as excess energies: slower, and good at any scale.
class AsEnergies {
 public:
  AsEnergies(const PrefixChain<SoftMin>& chain, const LexiconBounds<SoftMin>& bounds)
      : chain_(chain), openings_(bounds.openings()) {}

  static constexpr double kNone = kNoPath;
  double from_excess(double excess) const { return excess; }
  double to_excess(double sum) const { return sum; }
  double plus(double a, double b) const { return chain_.semiring().plus(a, b); }
  double times(double a, double factor) const {
    return a - std::log(factor) / chain_.semiring().beta;
  }
  double ratio(double a, double b) const {
    return a == kNoPath ? 0 : std::exp(-chain_.semiring().beta * (a - b));
  }
  bool is_less(double a, double b) const { return a > b; }

  void begin(const PrefixColumns& out) const { chain_.begin(out); }
  void grow(const PrefixColumns& parent, int32_t last, int32_t letter,
            const PrefixColumns& out) const {
    chain_.grow(parent, last, letter, out);
  }
  double bound(const PrefixColumns& parent, int32_t last, int32_t letter, int32_t c) const {
    return chain_.bound(parent, last, letter, openings_.data() + c * chain_.frames());
  }
  double word(const PrefixColumns& p) const { return chain_.word(p); }

 private:
  const PrefixChain<SoftMin>& chain_;
  const std::vector<double>& openings_;
};

/// Depth first through the tree, dropping nodes below a threshold.
template <class Sums> class Pass {
 public:
  Pass(const PrefixChain<SoftMin>& chain, const Lexicon& lexicon, const Sums& sums)
      : chain_(chain), lexicon_(lexicon), sums_(sums) {}

  void run(double threshold) {
    threshold_ = threshold;
    found = dropped = Sums::kNone;
    words = 0;
    sums_.begin(columns(0));
    visit(Lexicon::kRoot, 0);
  }

  double found = Sums::kNone, dropped = Sums::kNone;
  int64_t words = 0, nodes = 0;

 private:
  PrefixColumns columns(size_t depth) {
    while (storage_.size() <= depth) {
      storage_.emplace_back(static_cast<size_t>(chain_.column_size()));
    }
    return chain_.columns(storage_[depth].data());
  }

  void visit(int32_t node, size_t depth) {
    ++nodes;
    const PrefixColumns here = columns(depth);
    if (lexicon_.word(node) >= 0) {
      found = sums_.plus(found, sums_.word(here));
      ++words;
    }
    for (int32_t c = lexicon_.first_child(node); c < lexicon_.first_child(node + 1); ++c) {
      const int32_t last = lexicon_.letter(node), letter = lexicon_.letter(c);
      if (threshold_ != Sums::kNone) {
        const double most = sums_.bound(here, last, letter, lexicon_.class_of(c));
        if (sums_.is_less(most, threshold_)) {
          dropped = sums_.plus(dropped, most);
          continue;
        }
      }
      sums_.grow(here, last, letter, columns(depth + 1));
      visit(c, depth + 1);
    }
  }

  const PrefixChain<SoftMin>& chain_;
  const Lexicon& lexicon_;
  const Sums& sums_;
  double threshold_ = Sums::kNone;
  std::vector<std::vector<double>> storage_;  // a prefix for each depth
};

constexpr int kPasses = 4;            // with thresholds, before one without
constexpr double kFirstShare = 1e-2;  // of the tolerance: a single node that may be dropped
constexpr double kLowering = 1e-3;

template <class Sums>
LexiconSum sum_up(const PrefixChain<SoftMin>& chain, const LexiconBounds<SoftMin>& bounds,
                  const Lexicon& lexicon, double best, double tolerance) {
  const Sums sums(chain, bounds);
  Pass<Sums> pass(chain, lexicon, sums);
  double threshold = Sums::kNone;
  if (tolerance > 0 && best < kNoPath) {
    threshold = sums.times(sums.from_excess(best), std::min(1.0, tolerance * kFirstShare));
  }
  for (int k = 0; k <= kPasses; ++k, threshold = sums.times(threshold, kLowering)) {
    if (k == kPasses) threshold = Sums::kNone;
    pass.run(threshold);
    const bool none_found = pass.found == Sums::kNone;
    if (threshold == Sums::kNone) break;
    if (!none_found && sums.ratio(pass.dropped, pass.found) <= tolerance) break;
  }
  LexiconSum out;
  out.nodes = pass.nodes;
  out.words = pass.words;
  if (pass.found == Sums::kNone)
    return {AlignStatus::impossible, kNoPath, -kNoPath, 0, out.nodes, 0};
  out.energy = chain.energy() + sums.to_excess(pass.found);
  out.log_partition = -chain.semiring().beta * out.energy;
  out.missing = sums.ratio(pass.dropped, pass.found);
  return out;
}

}  // namespace

template <class T>
LexiconSum lexicon_sum(const T* energies, int64_t frames, int64_t alphabet, const Grammar& grammar,
                       double beta, const Lexicon& lexicon, double tolerance) {
  expect(std::isfinite(beta) && beta > 0, "[lexicon] beta is ", beta,
         "; a sum over words needs one above 0 that is finite");
  expect(tolerance >= 0, "[lexicon] the tolerance is ", tolerance, "; it cannot be negative");
  // The best path's word is a good start, and at zero temperature it is found fast.
  const FoundWords best = best_words(energies, frames, alphabet, grammar, {.lexicon = &lexicon});
  if (best.status != AlignStatus::ok) {
    const bool bad = best.status == AlignStatus::non_finite;
    const double none = bad ? std::numeric_limits<double>::quiet_NaN() : kNoPath;
    return {best.status, none, -none, 0, 0, 0};
  }
  PrefixChain<SoftMin> chain;
  chain.observe(energies, frames, alphabet, grammar, SoftMin{beta}, lexicon.letters());
  LexiconBounds<SoftMin> bounds(chain);
  bounds.observe(lexicon);
  double excess = kNoPath;
  if (!best.words.empty()) {
    WordEnergy<T> word_energy(energies, frames, alphabet, grammar, beta);
    excess = word_energy(best.words[0].word) - chain.energy();
  }
  // exp(-400) leaves 130 orders of magnitude for what is negligible beside it.
  constexpr double kEnough = 400;
  if (beta * excess < kEnough) {
    return sum_up<AsProbabilities>(chain, bounds, lexicon, excess, tolerance);
  }
  return sum_up<AsEnergies>(chain, bounds, lexicon, excess, tolerance);
}

template LexiconSum lexicon_sum(const float*, int64_t, int64_t, const Grammar&, double,
                                const Lexicon&, double);
template LexiconSum lexicon_sum(const double*, int64_t, int64_t, const Grammar&, double,
                                const Lexicon&, double);

}  // namespace talweg::ebm
