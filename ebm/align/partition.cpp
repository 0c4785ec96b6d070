#include "ebm/align/partition.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/edit_distance.h"
#include "core/error.h"

namespace talweg::ebm {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

void grow(std::vector<double>& v, int64_t n) {
  if (std::ssize(v) < n) v.resize(n);
}

/// log2(2^a + 2^b), and the share of the first in it: 0 where neither is possible.
struct Sum {
  double log2, share;
};
Sum log2_add(double a, double b) {
  const double most = std::max(a, b);
  if (most == -kInf) return {-kInf, 0.0};
  const double weight_a = std::exp2(a - most), total = weight_a + std::exp2(b - most);
  return {most + std::log2(total), weight_a / total};
}

/// log2 sum_a 2^x_a; the shares 2^x_a / sum take the place of x, all 0 where nothing is possible.
double log2_sum_and_shares(std::span<double> x) {
  const double most = *std::ranges::max_element(x);
  if (most == -kInf) {
    std::ranges::fill(x, 0.0);
    return -kInf;
  }
  double total = 0;
  for (double& v : x) total += v = std::exp2(v - most);
  for (double& v : x) v /= total;
  return most + std::log2(total);
}

}  // namespace

void check_beta(double beta) {
  expect(beta > 0, "[align] beta is ", beta,
         "; it must be above 0 (infinity is the limit of zero temperature)");
}

AlignResult WordPosterior::judge(double log2_sum) const {
  if (log2_sum == -kInf) return {AlignStatus::impossible, kInf};
  const double energy = -log2_sum * std::numbers::ln2 / beta_;
  if (energy > -kInf) return {AlignStatus::ok, energy};
  return {AlignStatus::non_finite, kNan};
}

/// Every string is admitted, so the windows are independent.
template <class T> AlignResult WordPosterior::sum_ctc(const T* energies) {
  const double slope = -beta_ * std::numbers::log2e;
  double sum = 0;
  for (int64_t i = 0; i < frames_; ++i) {
    const std::span<double> row(closing_.data() + i * alphabet_, alphabet_);
    for (int64_t a = 0; a < alphabet_; ++a) {
      const double e = static_cast<double>(energies[i * alphabet_ + a]);
      if (!(e > -kInf)) return {AlignStatus::non_finite, kNan};
      row[a] = slope * e;
    }
    sum += log2_sum_and_shares(row);
  }
  return judge(sum);
}

/// classic and margins. With w_i[a] = exp(-beta l_i[a]), and f_i[a] the sum over all beginnings
/// that show a at window i:
///   f_i[a] = w_i[a] (f_{i-1}[a] + f_{i-1}[_])      f_i[_] = w_i[_] (f_{i-1}[_] + sum_a f_{i-1}[a])
/// in logarithms to the base 2.
template <class T> AlignResult WordPosterior::sum_chain(const T* energies) {
  const double slope = -beta_ * std::numbers::log2e;
  const bool classic = grammar_.topology == Topology::classic;
  const int32_t gap = grammar_.between;
  double between = -kInf;
  for (int64_t i = 0; i < frames_; ++i) {
    // closing_[i] holds log f_i of the letters until the next window has read it.
    double* letters = closing_.data() + i * alphabet_;
    double* stay = stay_.data() + i * alphabet_;
    const T* row = energies + i * alphabet_;
    Sum closed{i == 0 ? 0.0 : -kInf, 0.0};
    for (int64_t a = 0; a < alphabet_; ++a) {
      const double e = static_cast<double>(row[a]);
      letters[a] = -kInf;
      stay[a] = 0;
      if (a == gap || (classic && i == frames_ - 1)) continue;
      if (!(e > -kInf)) return {AlignStatus::non_finite, kNan};
      const Sum before = i == 0 ? Sum{0.0, 0.0} : log2_add(letters[a - alphabet_], between);
      letters[a] = slope * e + before.log2;
      stay[a] = before.share;
    }
    if (i > 0) {
      closed = log2_add(between, log2_sum_and_shares({letters - alphabet_, size_t(alphabet_)}));
    }
    if (classic && i == 0) continue;
    const double e = static_cast<double>(row[gap]);
    if (!(e > -kInf)) return {AlignStatus::non_finite, kNan};
    between = slope * e + closed.log2;
    stay[gap] = closed.share;
  }
  const double letters =
      log2_sum_and_shares({closing_.data() + (frames_ - 1) * alphabet_, size_t(alphabet_)});
  const Sum end = log2_add(between, letters);
  ends_between_ = end.share;
  return judge(end.log2);
}

template <class T>
AlignResult WordPosterior::observe(const T* energies, int64_t frames, int64_t alphabet,
                                   const Grammar& grammar, double beta) {
  check_grammar(frames, alphabet, grammar);
  check_beta(beta);
  grammar_ = grammar;
  frames_ = frames;
  alphabet_ = alphabet;
  beta_ = beta;
  if (frames < least_frames(grammar.topology)) {
    return result_ = {AlignStatus::too_short, kInf};
  }
  if (beta == kInf) {
    best_.resize(frames);
    return result_ = least_energy_string(energies, frames, alphabet, grammar, best_);
  }
  grow(closing_, frames * alphabet);
  grow(stay_, frames * alphabet);
  grow(rows_, 2 * alphabet);
  return result_ = is_ctc() ? sum_ctc(energies) : sum_chain(energies);
}

double WordPosterior::log_partition() const {
  expect(beta_ < kInf, "[align] log Z has no limit at beta = infinity; use the free energy");
  return -beta_ * result_.energy;
}

void WordPosterior::begin_at_the_end(std::span<double> row) const {
  const double* letters = closing_.data() + (frames_ - 1) * alphabet_;
  for (int64_t a = 0; a < alphabet_; ++a) row[a] = (1 - ends_between_) * letters[a];
  row[grammar_.between] = ends_between_;
}

/// From what the symbols of window `frame` weigh to what those of the window before weigh.
void WordPosterior::go_back(int64_t frame, std::span<double> row) const {
  const double* stay = stay_.data() + frame * alphabet_;
  const double* letters = closing_.data() + (frame - 1) * alphabet_;
  const int32_t gap = grammar_.between;
  const double closed = row[gap] * (1 - stay[gap]);
  double between = row[gap] * stay[gap];
  row[gap] = 0;
  for (int64_t a = 0; a < alphabet_; ++a) {
    const double kept = row[a] * stay[a];
    between += row[a] - kept;
    row[a] = kept + closed * letters[a];
  }
  row[gap] = between;
}

/// visit(window, p(s_i = .)) from the last window to the first.
template <class Visit> void WordPosterior::each_marginal(const Visit& visit) {
  if (is_ctc()) {
    for (int64_t i = frames_ - 1; i >= 0; --i) visit(i, closing_.data() + i * alphabet_);
    return;
  }
  const std::span<double> row(rows_.data(), alphabet_);
  begin_at_the_end(row);
  visit(frames_ - 1, row.data());
  for (int64_t i = frames_ - 1; i > 0; --i) {
    go_back(i, row);
    visit(i - 1, row.data());
  }
}

template <class T> void WordPosterior::marginals(T* out) {
  if (!feasible() || beta_ == kInf) {
    std::fill(out, out + frames_ * alphabet_, T(0));
    for (int64_t i = 0; feasible() && i < frames_; ++i) out[i * alphabet_ + best_[i]] = T(1);
    return;
  }
  each_marginal([&](int64_t i, const double* row) {
    std::transform(row, row + alphabet_, out + i * alphabet_,
                   [](double p) { return static_cast<T>(p); });
  });
}

/// means_[i,a] = E[sum_{j <= i} v_j[s_j] | s_i = a], a recursion of convex combinations; returns
/// E[V].
template <class T> double WordPosterior::conditional_means(const T* v) {
  grow(means_, frames_ * alphabet_);
  const int32_t gap = grammar_.between;
  const auto closing_mean = [&](int64_t i) {
    const double *p = closing_.data() + i * alphabet_, *m = means_.data() + i * alphabet_;
    double mean = 0;
    for (int64_t a = 0; a < alphabet_; ++a) {
      if (p[a] > 0) mean += p[a] * m[a];
    }
    return mean;
  };
  for (int64_t a = 0; a < alphabet_; ++a) means_[a] = static_cast<double>(v[a]);
  for (int64_t i = 1; i < frames_; ++i) {
    const double* stay = stay_.data() + i * alphabet_;
    double* mean = means_.data() + i * alphabet_;
    const double* before = mean - alphabet_;
    for (int64_t a = 0; a < alphabet_; ++a) {
      mean[a] = stay[a] * before[a] + (1 - stay[a]) * before[gap];
    }
    mean[gap] = stay[gap] * before[gap] + (1 - stay[gap]) * closing_mean(i - 1);
    for (int64_t a = 0; a < alphabet_; ++a) mean[a] += static_cast<double>(v[i * alphabet_ + a]);
  }
  const double between = means_[(frames_ - 1) * alphabet_ + gap];
  return ends_between_ * between + (1 - ends_between_) * closing_mean(frames_ - 1);
}

template <class T> void WordPosterior::hessian_product(const T* v, T* out) {
  if (!feasible() || beta_ == kInf) {
    std::fill(out, out + frames_ * alphabet_, T(0));
    return;
  }
  if (is_ctc()) {
    each_marginal([&](int64_t i, const double* p) {
      const T* vi = v + i * alphabet_;
      double mean = 0;
      for (int64_t a = 0; a < alphabet_; ++a) mean += p[a] * static_cast<double>(vi[a]);
      for (int64_t a = 0; a < alphabet_; ++a) {
        out[i * alphabet_ + a] =
            static_cast<T>(-beta_ * p[a] * (static_cast<double>(vi[a]) - mean));
      }
    });
    return;
  }
  // later[a] = p(s_i = a) E[sum_{j > i} v_j[s_j] | s_i = a] is the tangent of the marginals' pass:
  // the same map goes back from one window to the one before.
  const double expected = conditional_means(v);
  const std::span<double> later(rows_.data() + alphabet_, alphabet_);
  std::ranges::fill(later, 0.0);
  each_marginal([&](int64_t i, const double* p) {
    const double* mean = means_.data() + i * alphabet_;
    for (int64_t a = 0; a < alphabet_; ++a) {
      const int64_t k = i * alphabet_ + a;
      out[k] = static_cast<T>(-beta_ * (p[a] * (mean[a] - expected) + later[a]));
      later[a] += p[a] * static_cast<double>(v[k]);
    }
    if (i > 0) go_back(i, later);
  });
}

void WordPosterior::expect_feasible(const char* what, int64_t symbols) const {
  expect(feasible(), "[align] ", what, " needs a posterior, but the energies are ",
         to_string(result_.status));
  expect(symbols == frames_, "[align] ", what, ": ", symbols, " symbols for ", frames_,
         " windows; give one a window");
}

/// A letter from closing_, by its cumulative sum; rounding falls to the last that is possible.
int32_t WordPosterior::draw_letter(int64_t frame, Rng& rng) const {
  const double* p = closing_.data() + frame * alphabet_;
  double left = rng.uniform();
  int32_t letter = grammar_.between;
  for (int32_t a = 0; a < static_cast<int32_t>(alphabet_); ++a) {
    if (!(p[a] > 0)) continue;
    letter = a;
    left -= p[a];
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
               (i + 1 < frames_ ? stay_[(i + 1) * alphabet_ + after] : ends_between_)) {
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
  each_marginal([&](int64_t i, const double* row) { errors += 1 - row[symbols[i]]; });
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
template void WordPosterior::marginals(float*);
template void WordPosterior::marginals(double*);
template void WordPosterior::hessian_product(const float*, float*);
template void WordPosterior::hessian_product(const double*, double*);

}  // namespace talweg::ebm
