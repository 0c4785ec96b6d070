#include "ebm/align/partition.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "core/edit_distance.h"
#include "core/error.h"

namespace talweg::ebm {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

void grow(std::vector<double>& v, int64_t n) {
  if (std::ssize(v) < n) v.resize(n);
}

}  // namespace

WordsImage WordPosterior::image() const {
  return {frames_, alphabet_, grammar_.between, grammar_.topology == Topology::classic};
}

WordsRows WordPosterior::rows() { return {stay_.data(), closing_.data(), total_.data()}; }

/// sum = 2^power * count * exp(-beta energy).
AlignResult WordPosterior::judge(const ChainSum& sum) const {
  if (sum.energy == kInf) return {AlignStatus::impossible, kInf};
  const double log_count = std::log(sum.count) + sum.power * std::numbers::ln2;
  const double energy = sum.energy - log_count / beta_;
  if (energy > -kInf) return {AlignStatus::ok, energy};
  return {AlignStatus::non_finite, kNan};
}

void WordPosterior::reserve(int64_t frames, int64_t alphabet, bool posterior) {
  grow(work_, words_work(alphabet));
  if (!posterior) return;
  for (auto* rows : {&stay_, &closing_}) grow(*rows, frames * words_stride(alphabet));
  grow(total_, frames);
}

template <class T>
AlignResult WordPosterior::look_at(const T* energies, int64_t frames, int64_t alphabet,
                                   const Grammar& grammar, double beta, bool keep) {
  check_grammar(frames, alphabet, grammar);
  check_beta(beta);
  grammar_ = grammar;
  frames_ = frames;
  alphabet_ = alphabet;
  stride_ = words_stride(alphabet);
  beta_ = beta;
  kept_ = keep;
  if (frames < least_frames(grammar.topology)) {
    return result_ = {AlignStatus::too_short, kInf};
  }
  if (beta == kInf) {
    best_.resize(frames);
    return result_ = least_energy_string(energies, frames, alphabet, grammar, best_);
  }
  reserve(frames, alphabet, keep);
  const WordsTable<T>& table = words_table<T>();
  const WordsRows kept = keep ? rows() : WordsRows{};
  bool suspicious = false;
  if (is_ctc()) {
    const ChainSum all = table.sum_ctc(image(), energies, beta, kept, work_.data(), &suspicious);
    result_ = judge(all);
  } else {
    const WordsSum all = table.sum(image(), energies, beta, kept, work_.data(), &suspicious);
    ends_between_ = all.ends_between;
    result_ = judge(all.all);
  }
  if (suspicious) result_ = {AlignStatus::non_finite, kNan};
  return result_;
}

template <class T>
AlignResult WordPosterior::observe(const T* energies, int64_t frames, int64_t alphabet,
                                   const Grammar& grammar, double beta) {
  return look_at(energies, frames, alphabet, grammar, beta, true);
}

template <class T>
AlignResult WordPosterior::sum(const T* energies, int64_t frames, int64_t alphabet,
                               const Grammar& grammar, double beta) {
  return look_at(energies, frames, alphabet, grammar, beta, false);
}

double WordPosterior::log_partition() const {
  expect(beta_ < kInf, "[align] log Z has no limit at beta = infinity; use the free energy");
  return -beta_ * result_.energy;
}

template <class T>
double WordPosterior::log_probability(const T* energies, std::span<const int32_t> word,
                                      AlignScratch& scratch) const {
  expect(result_.status == AlignStatus::ok, "[align] no word has a probability: the energies are ",
         to_string(result_.status));
  const std::vector<int32_t> label = expand(word, grammar_.between, grammar_.topology);
  check_symbols(label, alphabet_);
  if (beta_ == kInf) {
    return std::ranges::equal(word, word_of(best_, grammar_.between)) ? 0.0 : -kInf;
  }
  const AlignResult own =
      free_energy_of(energies, frames_, alphabet_, label, beta_, paths_of(grammar_), scratch);
  return std::min(0.0, -beta_ * (own.energy - result_.energy));
}

/// visit(window, p(s_i = .)) from the last window to the first. Each row goes to out[L,A] too,
/// rounded, unless that is null. BETWEEN's place in the row that is visited is filled in.
template <class T, class Visit> void WordPosterior::each_marginal(T* out, const Visit& visit) {
  const WordsTable<T>& table = words_table<T>();
  const int32_t gap = grammar_.between;
  double* row = work_.data();
  double between = ends_between_;
  for (int64_t i = frames_ - 1; i >= 0; --i) {
    T* const to = out == nullptr ? nullptr : out + i * alphabet_;
    if (is_ctc()) {
      table.scaled_row(image(), rows(), i, 1 / total_[i], row, to);
      visit(i, row);
    } else {
      if (i == frames_ - 1) {
        const double letters = total_[i] > 0 ? (1 - ends_between_) / total_[i] : 0.0;
        table.scaled_row(image(), rows(), i, letters, row, to);
        if (to != nullptr) to[gap] = static_cast<T>(between);
      } else {
        between = table.go_back(image(), rows(), i + 1, row, between, to);
      }
      row[gap] = between;
      visit(i, row);
      row[gap] = 0;
    }
  }
}

template <class T> void WordPosterior::marginals(T* out) {
  if (!feasible() || beta_ == kInf) {
    std::fill(out, out + frames_ * alphabet_, T(0));
    for (int64_t i = 0; feasible() && i < frames_; ++i) out[i * alphabet_ + best_[i]] = T(1);
    return;
  }
  each_marginal(out, [](int64_t, const double*) {});
}

/// means_[i,a] = E[sum_{j <= i} v_j[s_j] | s_i = a], a recursion of convex combinations; returns
/// E[V].
template <class T> double WordPosterior::conditional_means(const T* v) {
  grow(means_, frames_ * stride_);
  const int32_t gap = grammar_.between;
  const auto closing_mean = [&](int64_t i) {
    const double *weight = closing_.data() + i * stride_, *m = means_.data() + i * stride_;
    double mean = 0;
    for (int64_t a = 0; a < alphabet_; ++a) mean += weight[a] * m[a];
    return total_[i] > 0 ? mean / total_[i] : 0.0;
  };
  for (int64_t a = 0; a < alphabet_; ++a) means_[a] = static_cast<double>(v[a]);
  for (int64_t i = 1; i < frames_; ++i) {
    const double* stay = stay_.data() + i * stride_;
    double* mean = means_.data() + i * stride_;
    const double* before = mean - stride_;
    for (int64_t a = 0; a < alphabet_; ++a) {
      mean[a] = stay[a] * before[a] + (1 - stay[a]) * before[gap];
    }
    mean[gap] = stay[gap] * before[gap] + (1 - stay[gap]) * closing_mean(i - 1);
    for (int64_t a = 0; a < alphabet_; ++a) mean[a] += static_cast<double>(v[i * alphabet_ + a]);
  }
  const double between = means_[(frames_ - 1) * stride_ + gap];
  return ends_between_ * between + (1 - ends_between_) * closing_mean(frames_ - 1);
}

/// Windows are independent: -beta p (v - E[v]) in each.
template <class T> void WordPosterior::hessian_product_ctc(const T* v, T* out) {
  each_marginal(static_cast<T*>(nullptr), [&](int64_t i, const double* p) {
    const T* vi = v + i * alphabet_;
    T* to = out + i * alphabet_;
    double mean = 0;
    for (int64_t a = 0; a < alphabet_; ++a) mean += p[a] * static_cast<double>(vi[a]);
    for (int64_t a = 0; a < alphabet_; ++a) {
      to[a] = static_cast<T>(-beta_ * p[a] * (static_cast<double>(vi[a]) - mean));
    }
  });
}

template <class T> void WordPosterior::hessian_product(const T* v, T* out) {
  if (!feasible() || beta_ == kInf) {
    std::fill(out, out + frames_ * alphabet_, T(0));
    return;
  }
  if (is_ctc()) return hessian_product_ctc(v, out);
  // later[a] = p(s_i = a) E[sum_{j > i} v_j[s_j] | s_i = a] is the tangent of the marginals' pass:
  // the same map goes back from one window to the one before.
  const WordsTable<T>& table = words_table<T>();
  const int32_t gap = grammar_.between;
  const double expected = conditional_means(v);
  double* later = work_.data() + stride_;
  std::fill(later, later + stride_, 0.0);
  each_marginal(static_cast<T*>(nullptr), [&](int64_t i, const double* p) {
    const double* mean = means_.data() + i * stride_;
    for (int64_t a = 0; a < alphabet_; ++a) {
      const int64_t k = i * alphabet_ + a;
      out[k] = static_cast<T>(-beta_ * (p[a] * (mean[a] - expected) + later[a]));
      later[a] += p[a] * static_cast<double>(v[k]);
    }
    const double between = std::exchange(later[gap], 0.0);
    if (i > 0) later[gap] = table.go_back(image(), rows(), i, later, between, nullptr);
  });
}

void WordPosterior::expect_feasible(const char* what, int64_t symbols) const {
  expect(feasible(), "[align] ", what, " needs a posterior, but the energies are ",
         to_string(result_.status));
  expect(symbols == frames_, "[align] ", what, ": ", symbols, " symbols for ", frames_,
         " windows; give one a window");
}

/// A symbol from a row of closing_, by its cumulative sum; rounding falls to the last possible.
int32_t WordPosterior::draw_letter(int64_t frame, Rng& rng) const {
  const double* weight = closing_.data() + frame * stride_;
  double left = rng.uniform() * total_[frame];
  int32_t letter = grammar_.between;
  for (int32_t a = 0; a < static_cast<int32_t>(alphabet_); ++a) {
    if (!(weight[a] > 0)) continue;
    letter = a;
    left -= weight[a];
    if (left < 0) break;
  }
  return letter;
}

void WordPosterior::sample(Rng& rng, std::span<int32_t> symbols) const {
  expect_feasible("a sample", std::ssize(symbols));
  if (beta_ == kInf) {
    std::copy(best_.begin(), best_.begin() + frames_, symbols.begin());
    return;
  }
  const int32_t gap = grammar_.between;
  for (int64_t i = frames_ - 1; i >= 0; --i) {
    const int32_t after = i + 1 < frames_ ? symbols[i + 1] : gap;
    if (is_ctc()) {
      symbols[i] = draw_letter(i, rng);
    } else if (rng.uniform() <
               (i + 1 < frames_ ? stay_[(i + 1) * stride_ + after] : ends_between_)) {
      symbols[i] = after;
    } else {
      symbols[i] = after == gap ? draw_letter(i, rng) : gap;
    }
  }
}

double WordPosterior::expected_frame_errors(std::span<const int32_t> symbols) {
  expect_feasible("expected_frame_errors", std::ssize(symbols));
  check_symbols(symbols, alphabet_);
  double errors = 0;
  if (beta_ == kInf) {
    for (int64_t i = 0; i < frames_; ++i) errors += symbols[i] != best_[i];
    return errors;
  }
  each_marginal(static_cast<double*>(nullptr),
                [&](int64_t i, const double* row) { errors += 1 - row[symbols[i]]; });
  return errors;
}

SampledMean expected_edit_distance(const WordPosterior& posterior, std::span<const int32_t> word,
                                   int64_t samples, Rng& rng) {
  expect(samples >= 2, "[align] an expectation from ", samples,
         " samples has no standard error; take at least 2");
  std::vector<int32_t> symbols(posterior.frames());
  double sum = 0, squares = 0;
  for (int64_t k = 0; k < samples; ++k) {
    posterior.sample(rng, symbols);
    const std::vector<int32_t> drawn = word_of(symbols, posterior.grammar().between);
    const double d = EditDistanceTable<int32_t>(word, drawn).distance();
    sum += d;
    squares += d * d;
  }
  const double n = static_cast<double>(samples), mean = sum / n;
  const double variance = std::max(0.0, (squares - n * mean * mean) / (n - 1));
  return {mean, std::sqrt(variance / n)};
}

template AlignResult WordPosterior::observe(const float*, int64_t, int64_t, const Grammar&, double);
template AlignResult WordPosterior::observe(const double*, int64_t, int64_t, const Grammar&,
                                            double);
template AlignResult WordPosterior::sum(const float*, int64_t, int64_t, const Grammar&, double);
template AlignResult WordPosterior::sum(const double*, int64_t, int64_t, const Grammar&, double);
template double WordPosterior::log_probability(const float*, std::span<const int32_t>,
                                               AlignScratch&) const;
template double WordPosterior::log_probability(const double*, std::span<const int32_t>,
                                               AlignScratch&) const;
template void WordPosterior::marginals(float*);
template void WordPosterior::marginals(double*);
template void WordPosterior::hessian_product(const float*, float*);
template void WordPosterior::hessian_product(const double*, double*);

}  // namespace talweg::ebm
