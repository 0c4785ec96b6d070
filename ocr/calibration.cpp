#include "ocr/calibration.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <utility>

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

/// What p should be of the words that were read right, and of those read wrong.
struct Targets {
  double right, wrong;
};

Targets targets_of(std::span<const JudgedWord> words) {
  const auto right = double(std::ranges::count(words, true, &JudgedWord::right));
  const double wrong = double(words.size()) - right;
  return {(right + 1) / (right + 2), 1 / (wrong + 2)};
}

double mean_loss(std::span<const JudgedWord> words, const ebm::Grammar& grammar, double beta) {
  const Targets targets = targets_of(words);
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
      const double t = words[i].right ? targets.right : targets.wrong;
      losses[i] = -(t * log_p + (1 - t) * log_complement(log_p));
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

double fit_reading_beta(const Recognizer& recognizer, const HeldOut& words, int64_t most) {
  expect(most >= 1, "[calibration] asked to fit on ", most, " words");
  const int64_t count = std::min(most, words.size());
  const ebm::Grammar grammar{recognizer.alphabet().between(), recognizer.topology()};
  std::vector<io::Gray8> images;
  std::vector<std::string> texts;
  for (int64_t i = 0; i < count; ++i) {
    HeldOutWord word = words[i * words.size() / count];
    images.push_back(std::move(word.image));
    texts.push_back(std::move(word.text));
  }
  const std::vector<EnergyMap> maps = recognizer.energies(images);
  std::vector<JudgedWord> judged;
  for (std::size_t i = 0; i < maps.size(); ++i) {
    const EnergyMap& map = maps[i];
    ebm::WordReading read =
        ebm::least_energy_word(map.values.data(), map.windows, map.symbols, grammar);
    if (read.status != ebm::AlignStatus::ok) continue;
    const bool right = recognizer.alphabet().decode(read.word) == texts[i];
    judged.push_back({&map, std::move(read.word), right});
  }
  return fit_reading_beta(judged, grammar);
}

}  // namespace talweg::ocr
