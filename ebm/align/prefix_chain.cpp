#include "ebm/align/prefix_chain.h"

#include <algorithm>
#include <cmath>

namespace talweg::ebm {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// (+)_i a[i] + b[i].
double total(const MinPlus&, const double* a, const double* b, int64_t n) {
  // Four chains of minima, as one would wait for itself.
  double least[4] = {kNoPath, kNoPath, kNoPath, kNoPath};
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (int k = 0; k < 4; ++k) {
      const double x = a[i + k] + b[i + k];
      least[k] = x < least[k] ? x : least[k];
    }
  }
  for (; i < n; ++i) least[0] = std::min(least[0], a[i] + b[i]);
  return std::min(std::min(least[0], least[1]), std::min(least[2], least[3]));
}

double total(const SoftMin& semiring, const double* a, const double* b, int64_t n) {
  const double least = total(MinPlus{}, a, b, n);
  if (least == kNoPath) return least;
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(-semiring.beta * (a[i] + b[i] - least));
  return least - std::log(sum) / semiring.beta;
}

double total(const MinPlus&, std::span<const double> a) {
  return a.empty() ? kNoPath : *std::min_element(a.begin(), a.end());
}

double total(const SoftMin& semiring, std::span<const double> a) {
  const double least = total(MinPlus{}, a);
  if (least == kNoPath) return least;
  double sum = 0;
  for (const double x : a) sum += std::exp(-semiring.beta * (x - least));
  return least - std::log(sum) / semiring.beta;
}

/// What a step costs beyond the best: no more than nothing where nothing can follow.
double excess(double energy, double after, double before) {
  return after == kNoPath || before == kNoPath ? kNoPath : energy + after - before;
}

}  // namespace

template <class S> bool PrefixChain<S>::usable(int64_t frame, bool is_between) const {
  if (grammar_.topology != Topology::classic) return true;
  return is_between ? frame > 0 : frame < frames_ - 1;
}

/// Copies the energies into `stay_`, symbol by symbol, less the least of each window; false at a NaN
/// or -inf that a string could use.
template <class S>
template <class T>
bool PrefixChain<S>::take_in(const T* energies, std::span<const uint8_t> letters) {
  used_.clear();
  for (int32_t a = 0; a < static_cast<int32_t>(alphabet_); ++a) {
    if (a != grammar_.between && (letters.empty() || letters[a])) used_.push_back(a);
  }
  shift_ = 0;
  const auto admit = [&](int64_t i, int32_t a) {
    const bool can = usable(i, a == grammar_.between);
    return stay_[a * frames_ + i] =
               can ? static_cast<double>(energies[i * alphabet_ + a]) : kNoPath;
  };
  for (int64_t i = 0; i < frames_; ++i) {
    double least = admit(i, grammar_.between);
    bool sound = least > -kNoPath;
    for (const int32_t a : used_) {
      const double e = admit(i, a);
      sound &= e > -kNoPath;
      least = e < least ? e : least;
    }
    if (!sound) return false;
    if (least == kNoPath) continue;
    stay_[grammar_.between * frames_ + i] -= least;
    for (const int32_t a : used_) stay_[a * frames_ + i] -= least;
    shift_ += least;
  }
  return true;
}

/// H from the last window to the first.
template <class S> void PrefixChain<S>::sum_endings() {
  const int64_t row = frames_ + 1;
  const double* energy_between = stay_.data() + grammar_.between * frames_;
  double* between = ending_.data() + grammar_.between * row;
  between[frames_] = 0;
  const double letter_end = grammar_.topology == Topology::classic ? kNoPath : 0.0;
  for (const int32_t a : used_) ending_[a * row + frames_] = letter_end;
  for (int64_t i = frames_ - 1; i >= 0; --i) {
    const double gap = energy_between[i] + between[i + 1];
    gathered_.clear();
    for (const int32_t a : used_) {
      gathered_.push_back(stay_[a * frames_ + i] + ending_[a * row + i + 1]);
      ending_[a * row + i] = semiring_.plus(gathered_.back(), gap);
    }
    gathered_.push_back(gap);
    between[i] = total(semiring_, gathered_);
    if (!is_ctc()) continue;
    for (const int32_t a : used_) ending_[a * row + i] = between[i];  // anything may follow
  }
}

/// Energies into costs relative to H.
template <class S> void PrefixChain<S>::relate_costs() {
  const int64_t row = frames_ + 1;
  const double* between = ending_.data() + grammar_.between * row;
  const double* energy_between = stay_.data() + grammar_.between * frames_;
  for (const int32_t a : used_) {
    const double* ending = ending_.data() + a * row;
    double* stay = stay_.data() + a * frames_;
    for (int64_t i = 0; i < frames_; ++i) {
      const double energy = stay[i];
      open_[a * frames_ + i] = excess(energy, ending[i + 1], between[i]);
      stay[i] = excess(energy, ending[i + 1], ending[i]);
      close_[a * frames_ + i] = excess(energy_between[i], between[i + 1], ending[i]);
    }
  }
  for (int64_t i = 0; i < frames_; ++i) {
    rest_[i] = excess(energy_between[i], between[i + 1], between[i]);
  }
}

template <class S>
template <class T>
AlignResult PrefixChain<S>::observe(const T* energies, int64_t frames, int64_t alphabet,
                                    const Grammar& grammar, const S& semiring,
                                    std::span<const uint8_t> letters) {
  check_grammar(frames, alphabet, grammar);
  semiring_ = semiring;
  grammar_ = grammar;
  frames_ = frames;
  alphabet_ = alphabet;
  energy_ = kNoPath;
  if (frames < least_frames(grammar.topology)) return {AlignStatus::too_short, kNoPath};
  const auto grow_to = [](std::vector<double>& v, int64_t n) {
    if (static_cast<int64_t>(v.size()) < n) v.resize(n);
  };
  for (auto* v : {&open_, &stay_, &close_}) grow_to(*v, alphabet * frames);
  grow_to(ending_, alphabet * (frames + 1));
  grow_to(rest_, frames);
  if (!take_in(energies, letters)) return {AlignStatus::non_finite, kNan};
  sum_endings();
  const double all = ending_[grammar.between * (frames + 1)];
  if (all == kNoPath) return {AlignStatus::impossible, kNoPath};
  relate_costs();
  energy_ = all + shift_;
  if (!std::isfinite(energy_)) {
    return {energy_ == kNoPath ? AlignStatus::impossible : AlignStatus::non_finite,
            energy_ == kNoPath ? kNoPath : kNan};
  }
  return {AlignStatus::ok, energy_};
}

template <class S> PrefixColumns PrefixChain<S>::columns(double* storage) const {
  double* gap = storage + frames_ + 1;
  return {storage, gap, is_ctc() ? gap + frames_ + 1 : gap};
}

template <class S> void PrefixChain<S>::begin(const PrefixColumns& out) const {
  std::fill(out.letter, out.letter + frames_ + 1, kNoPath);
  out.gap[0] = 0;
  for (int64_t i = 0; i < frames_; ++i) out.gap[i + 1] = out.gap[i] + rest_[i];
  if (is_ctc()) std::copy(out.gap, out.gap + frames_ + 1, out.gate);
}

template <class S>
void PrefixChain<S>::grow(const PrefixColumns& prefix, int32_t last, int32_t letter,
                          const PrefixColumns& out) const {
  const double* gate = gate_of(prefix, last, letter);
  const double* open = open_.data() + letter * frames_;
  const double* stay = stay_.data() + letter * frames_;
  const double* close = close_.data() + letter * frames_;
  double shown = kNoPath, closed = kNoPath;
  out.letter[0] = out.gap[0] = kNoPath;
  for (int64_t i = 0; i < frames_; ++i) {
    closed = semiring_.plus(shown + close[i], closed + rest_[i]);
    shown = semiring_.plus(gate[i] + open[i], shown + stay[i]);
    out.letter[i + 1] = shown;
    out.gap[i + 1] = closed;
  }
  if (!is_ctc()) return;
  for (int64_t i = 0; i <= frames_; ++i) out.gate[i] = semiring_.plus(out.gap[i], out.letter[i]);
}

template <class S>
double PrefixChain<S>::bound(const PrefixColumns& prefix, int32_t last, int32_t letter) const {
  return bound(prefix, last, letter, open(letter));
}

template <class S>
double PrefixChain<S>::bound(const PrefixColumns& prefix, int32_t last, int32_t letter,
                             const double* opening) const {
  return total(semiring_, gate_of(prefix, last, letter), opening, frames_);
}

template <class S> double PrefixChain<S>::word(const PrefixColumns& prefix) const {
  if (grammar_.topology == Topology::classic) return prefix.gap[frames_];
  return semiring_.plus(prefix.gap[frames_], prefix.letter[frames_]);
}

#define TALWEG_INSTANTIATE(S)                                                                   \
  template class PrefixChain<S>;                                                                \
  template AlignResult PrefixChain<S>::observe(const float*, int64_t, int64_t, const Grammar&,  \
                                               const S&, std::span<const uint8_t>);             \
  template AlignResult PrefixChain<S>::observe(const double*, int64_t, int64_t, const Grammar&, \
                                               const S&, std::span<const uint8_t>);
TALWEG_INSTANTIATE(MinPlus)
TALWEG_INSTANTIATE(SoftMin)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm
