#include "ocr/calibration.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/error.h"
#include "core/rng.h"
#include "ebm/align/partition.h"
#include "ebm/align/search.h"
#include "ocr/confidence_metrics.h"
#include "tests/ocr/small_training.h"

using namespace talweg;
using namespace talweg::ocr;

namespace {

constexpr ebm::Grammar kGrammar{2, ebm::Topology::ctc};  // letters 0 and 1

struct Judged {
  std::vector<EnergyMap> maps;
  std::vector<JudgedWord> words;
};

/// Words whose truth is drawn from p_beta, and read as the most probable one of a hundred draws.
Judged words_of_temperature(double beta, int count) {
  Judged all;
  Rng rng(7);
  for (int i = 0; i < count; ++i) {
    EnergyMap map{4, 3, 1, {}};
    for (int k = 0; k < 12; ++k) map.values.push_back(float(1.5 * rng.normal()));
    all.maps.push_back(std::move(map));
  }
  ebm::AlignScratch scratch;
  for (const EnergyMap& map : all.maps) {
    ebm::WordPosterior posterior;
    posterior.observe(map.values.data(), map.windows, map.symbols, kGrammar, beta);
    const auto draw = [&] {
      std::vector<int32_t> symbols(4);
      posterior.sample(rng, symbols);
      return ebm::word_of(symbols, kGrammar.between);
    };
    std::vector<int32_t> best;
    double most = -INFINITY;
    for (int k = 0; k < 100; ++k) {
      const std::vector<int32_t> word = draw();
      const double p = posterior.log_probability(map.values.data(), word, scratch);
      if (p > most) most = p, best = word;
    }
    all.words.push_back({&map, best, draw() == best});
  }
  return all;
}

}  // namespace

TEST_CASE("the temperature that words were drawn at is found again") {
  // The fit's standard error: 1 / sqrt(n I), I the information a word holds about log beta, about 0.1
  // here (measured: the curvature of the mean loss); with 4,000 words 0.05. Four of them are allowed.
  for (const double beta : {0.5, 1.0, 2.0}) {
    CAPTURE(beta);
    const Judged judged = words_of_temperature(beta, 4000);
    const double found = fit_reading_beta(judged.words, kGrammar);
    CHECK(std::abs(std::log(found / beta)) < 0.2);
  }
}

TEST_CASE(
    "with every word right, probabilities stop short of one; with every word wrong, of more") {
  Judged judged = words_of_temperature(1, 50);
  for (EnergyMap& map : judged.maps) {
    for (float& energy : map.values) energy *= 20;  // a reader that is very sure
  }
  for (JudgedWord& w : judged.words) {
    w.word = ebm::least_energy_word(w.map->values.data(), 4, 3, kGrammar).word;
    w.right = true;
  }
  const double right = fit_reading_beta(judged.words, kGrammar);
  CHECK(right < 4);
  for (JudgedWord& w : judged.words) w.right = false;
  CHECK(fit_reading_beta(judged.words, kGrammar) < right / 2);
}

TEST_CASE("a fitted model's confidences say how often it is right") {
  const FontSource source = font_source();
  WordTrainer trainer(small_plan(20, 60), source);
  trainer.run();
  const ClassicTask task = ClassicTask::standard();
  const auto words_of = [&](uint64_t seed) {
    return HeldOut(400, [&task, seed](int64_t i) {
      Rng rng = Rng(seed).split(uint64_t(i));
      const std::string text = random_word({.min_length = 1, .max_length = 3}, rng);
      return HeldOutWord{task.render(text, Variant::kJitter, rng), text, ""};
    });
  };
  const Recognizer raw = trainer.recognizer();
  const double beta = fit_reading_beta(raw, words_of(1));
  // On other words than it was fitted on.
  const HeldOut fresh = words_of(2);
  const auto ece_at = [&](double at) {
    std::vector<JudgedConfidence> judged;
    DecoderOptions options;
    options.beta = at;
    for (int64_t i = 0; i < fresh.size(); ++i) {
      const Reading r = raw.read(fresh[i].image, options);
      judged.push_back({r.confidence, r.text == fresh[i].text});
    }
    return score_confidences(judged);
  };
  const ConfidenceScore fitted = ece_at(beta);
  CAPTURE(beta);
  CAPTURE(fitted.ece);
  CHECK(fitted.ece < fitted.ece_by_chance + 0.03);
  CHECK(fitted.ece < ece_at(8 * beta).ece);
  CHECK(fitted.ece < ece_at(beta / 8).ece);
  CHECK(fit_reading_beta(raw, words_of(1), 50) == doctest::Approx(beta).epsilon(0.5));
}

TEST_CASE("no word, no fit") { CHECK_THROWS_AS(fit_reading_beta({}, kGrammar), Error); }
