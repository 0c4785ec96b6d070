#include "ocr/calibration.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "ebm/align/partition.h"

namespace talweg::ocr {
namespace {

constexpr double kMostBeta = 8, kPrecision = 1e-3;

/// Near 1, log(1 - p) of log p; never infinite, as a word that is sure and wrong would forbid the rest.
double log_complement(double log_p) {
  constexpr double kLeast = 1e-12;
  return std::log(std::max(kLeast, -std::expm1(std::min(log_p, 0.0))));
}

double mean_loss(std::span<const JudgedWord> words, const ebm::Grammar& grammar, double beta) {
  std::vector<double> losses(words.size());
#pragma omp parallel
  {
    ebm::WordPosterior all;
    ebm::AlignScratch scratch;
#pragma omp for schedule(dynamic, 16)
    for (std::size_t i = 0; i < words.size(); ++i) {
      const EnergyMap& map = *words[i].map;
      all.sum(map.values.data(), map.windows, map.symbols, grammar, beta);
      if (all.result().status != ebm::AlignStatus::ok) continue;  // says nothing at any beta
      const double log_p = all.log_probability(map.values.data(), words[i].word, scratch);
      losses[i] = -(words[i].right ? log_p : log_complement(log_p));
    }
  }
  double sum = 0;  // in their order, so that it does not depend on the threads
  for (double loss : losses) sum += loss;
  return sum / double(words.size());
}

}  // namespace

double fit_reading_beta(std::span<const JudgedWord> words, const ebm::Grammar& grammar) {
  expect(!words.empty(), "[calibration] there is no word to fit probabilities on");
  const auto loss = [&](double log_beta) { return mean_loss(words, grammar, std::exp(log_beta)); };
  constexpr double kShrink = 1 / std::numbers::phi;
  double low = -std::log(kMostBeta), high = std::log(kMostBeta);
  double left = high - kShrink * (high - low), right = low + kShrink * (high - low);
  double at_left = loss(left), at_right = loss(right);
  while (high - low > kPrecision) {
    if (at_left <= at_right) {
      high = right, right = left, at_right = at_left;
      left = high - kShrink * (high - low);
      at_left = loss(left);
    } else {
      low = left, left = right, at_left = at_right;
      right = low + kShrink * (high - low);
      at_right = loss(right);
    }
  }
  return std::exp((low + high) / 2);
}

}  // namespace talweg::ocr
