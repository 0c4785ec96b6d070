#include "ocr/confidence_metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "core/rng.h"

namespace talweg::ocr {
namespace {

/// The words once sorted and put into bins, so that a sample of them is scored in one pass.
class Scorer {
 public:
  Scorer(std::span<const JudgedConfidence> words, int bins) : bins_(bins) {
    std::vector<JudgedConfidence> sorted(words.begin(), words.end());
    std::ranges::stable_sort(sorted, {}, &JudgedConfidence::confidence);
    words_ = std::move(sorted);
    for (const JudgedConfidence& w : words_) {
      bin_of_.push_back(std::max(0, int(std::ceil(w.confidence * bins)) - 1));
    }
  }

  std::vector<ConfidenceBin> bins() const {
    std::vector<ConfidenceBin> all(std::size_t(bins_), ConfidenceBin{});
    for (std::size_t i = 0; i < words_.size(); ++i) {
      ConfidenceBin& bin = all[std::size_t(bin_of_[i])];
      ++bin.words;
      bin.confidence += words_[i].confidence;
      bin.accuracy += words_[i].right;
    }
    for (int b = 0; b < bins_; ++b) {
      ConfidenceBin& bin = all[std::size_t(b)];
      bin.low = double(b) / bins_;
      bin.high = double(b + 1) / bins_;
      if (bin.words == 0) continue;
      bin.confidence /= double(bin.words);
      bin.accuracy /= double(bin.words);
    }
    return all;
  }

  /// The ECE of the same confidences where each word is right with the probability that it claims.
  double honest_ece(Rng& rng) const {
    std::vector<double> gap(std::size_t(bins_), 0.0);
    for (std::size_t i = 0; i < words_.size(); ++i) {
      const double c = words_[i].confidence;
      gap[std::size_t(bin_of_[i])] += (rng.uniform() < c ? 1 : 0) - c;
    }
    double sum = 0;
    for (double g : gap) sum += std::abs(g);
    return sum / double(words_.size());
  }

  /// Of a sample that drew word i times[i] times. Mann and Whitney's count: for each right word the wrong ones below it, and half of those beside it.
  std::optional<double> auroc(std::span<const int> times) const {
    double ordered = 0, right = 0, wrong = 0;
    for (std::size_t i = 0; i < words_.size();) {
      double right_here = 0, wrong_here = 0;
      const double confidence = words_[i].confidence;
      for (; i < words_.size() && words_[i].confidence == confidence; ++i) {
        (words_[i].right ? right_here : wrong_here) += times[i];
      }
      ordered += right_here * (wrong + wrong_here / 2);
      right += right_here;
      wrong += wrong_here;
    }
    if (right == 0 || wrong == 0) return std::nullopt;
    return ordered / (right * wrong);
  }

 private:
  int bins_;
  std::vector<JudgedConfidence> words_;  // least sure first
  std::vector<int> bin_of_;
};

double ece_of(std::span<const ConfidenceBin> bins, int64_t words) {
  double sum = 0;
  for (const ConfidenceBin& bin : bins) {
    sum += double(bin.words) * std::abs(bin.accuracy - bin.confidence);
  }
  return sum / double(words);
}

Interval middle_of(std::vector<double> values) {
  if (values.empty()) return {0, 1};
  std::ranges::sort(values);
  return {quantile(values, 0.025), quantile(values, 0.975)};
}

}  // namespace

ConfidenceScore score_confidences(std::span<const JudgedConfidence> words, uint64_t seed, int bins,
                                  int resamples) {
  expect(!words.empty(), "[metrics] there is no confidence to score");
  expect(bins > 0 && resamples > 0, "[metrics] ", bins, " bins and ", resamples,
         " resamples must be at least 1 each");
  for (const JudgedConfidence& w : words) {
    expect(w.confidence >= 0 && w.confidence <= 1, "[metrics] a confidence of ", w.confidence,
           " is no probability; expected 0 to 1");
  }
  const Scorer scorer(words, bins);
  std::vector<int> times(words.size(), 1);
  ConfidenceScore score;
  score.words = std::ssize(words);
  score.bins = scorer.bins();
  score.ece = ece_of(score.bins, score.words);
  score.auroc = scorer.auroc(times);
  Rng chance = Rng(seed).split(0), sampling = Rng(seed).split(1);
  std::vector<double> eces, aurocs;
  for (int r = 0; r < resamples; ++r) {
    eces.push_back(scorer.honest_ece(chance));
    std::ranges::fill(times, 0);
    for (std::size_t i = 0; i < words.size(); ++i) ++times[sampling.below(words.size())];
    if (const auto auroc = scorer.auroc(times)) aurocs.push_back(*auroc);
  }
  std::ranges::sort(eces);
  score.ece_by_chance = quantile(eces, 0.95);
  score.auroc_interval = middle_of(std::move(aurocs));
  return score;
}

}  // namespace talweg::ocr
