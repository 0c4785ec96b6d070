// The end of a run: which state is kept, what its confidences mean, what is said of it.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/io/text.h"
#include "ocr/calibration.h"
#include "ocr/cli/train_run.h"
#include "ocr/training_report.h"

namespace talweg::ocr::cli {

namespace {

constexpr int64_t kFewestToFit = 100;  // words, for a temperature
constexpr const char* kSummaryKey = "training_summary";

std::string percent(double share) { return io::format_number(100 * share, 3); }

void print_score(const Score& s, const char* of) {
  std::printf("CER %s %% [%s, %s], exact words %s %% [%s, %s] of %lld %s\n",
              percent(s.cer()).c_str(), percent(s.cer_interval.low).c_str(),
              percent(s.cer_interval.high).c_str(), percent(s.exact_rate()).c_str(),
              percent(s.exact_interval.low).c_str(), percent(s.exact_interval.high).c_str(),
              static_cast<long long>(s.words), of);
}

/// What a run learns from, in a few words.
std::string description(const DataSpec& spec) {
  std::string text = spec.train;
  if (!spec.typefaces.empty()) {
    if (!text.empty())
      text += message(" in ", io::format_number(100 * spec.mix, 1), " % of the steps, else ");
    text += "words drawn in the typefaces of";
    for (const std::string& folder : spec.typefaces) text += " " + folder;
  } else if (text.empty()) {
    text = "words drawn in";
    for (const std::string& font : spec.fonts) text += " " + font;
  }
  return text;
}

}  // namespace

/// What the model file says of its training. Nothing of the clock: the same run gives the same bytes.
nn::Metadata TrainRun::summary(const Score& score, std::optional<double> beta) const {
  nlohmann::ordered_json j{{"steps", trainer_->next_step()}, {"kept_step", kept_step()}};
  if (score.words > 0) {
    j["validation"] = {{"words", score.words},
                       {"own_images", !data_.own.empty()},
                       {"cer", score.cer()},
                       {"exact", score.exact_rate()}};
  }
  nn::Metadata metadata = data_entries();
  metadata[kSummaryKey] = j.dump();
  if (beta) metadata[kReadingBetaKey] = io::format_number(*beta, 4);
  return metadata;
}

int64_t TrainRun::kept_step() const {
  const LearningPoint* kept = record_->rules().keep_best ? record_->kept() : nullptr;
  return kept != nullptr ? kept->step : trainer_->next_step();
}

/// The temperature at which the model's confidences hold, from the words that decided which one to keep,
/// or from drawn ones where those are few. Where there are no words to fit it on, a model that was taken
/// further keeps its own.
std::optional<double> TrainRun::fit_confidences(const Recognizer& kept) const {
  for (const HeldOut* words : {&data_.own, &data_.drawn}) {
    if (words->size() < kFewestToFit) continue;
    const double beta = fit_reading_beta(kept, *words);
    if (!settings_.quiet) {
      std::fprintf(stderr, "confidences fitted on %s: inverse temperature %s\n",
                   words == &data_.own ? "validation words" : "drawn words",
                   io::format_number(beta, 4).c_str());
    }
    return beta;
  }
  return base_beta_;
}

void TrainRun::calibrate() {
  base_beta_.reset();
  const std::optional<double> beta = fit_confidences(trainer_->recognizer());
  if (!beta) {
    throw IoError(message("confidences are fitted on at least ", kFewestToFit, " words, and ",
                          data_.own.size(), " are kept back; give more with --val or --val-share, ",
                          "or draw some with --font-dir"));
  }
  const nn::Checkpoint loaded = nn::Checkpoint::load(asked_.load);
  const ModelInfo info = model_info(loaded);
  const nn::Network<float> network = network_in(loaded, info);
  nn::Metadata metadata = info.metadata;
  metadata[kReadingBetaKey] = io::format_number(*beta, 4);
  nn::Checkpoint fitted(metadata);
  fitted.store(network.parameters);
  fitted.save(asked_.out);
  std::printf("reading_beta %s\nmodel: %s\n", metadata[kReadingBetaKey].c_str(),
              asked_.out.c_str());
}

void TrainRun::finish() {
  const Recognizer kept = trainer_->kept_recognizer();
  const Score score = score_held_out(kept, data_.validation(), spec_.seed);
  trainer_->save_kept(asked_.out, summary(score, fit_confidences(kept)));
  std::error_code ignored;
  std::filesystem::remove(checkpoint_, ignored);
  const std::string end = how_it_ended();
  if (!end.empty()) std::printf("%s\n", end.c_str());
  if (score.words > 0) print_score(score, data_.own.empty() ? "drawn words" : "validation words");
  if (!data_.own.empty() && !data_.drawn.empty()) {
    print_score(score_held_out(kept, data_.drawn, spec_.seed), "drawn words");
  }
  if (!asked_.report.empty()) write_report();
  std::printf("model: %s\n", asked_.out.c_str());
}

/// Which state was kept, and whether the run was stopped; empty where it simply ended.
std::string TrainRun::how_it_ended() const {
  std::string text;
  if (record_->out_of_patience()) {
    text += message("stopped early after step ", trainer_->next_step(), " of ",
                    trainer_->plan().steps(), ": ", record_->measurements_since_better(),
                    " measurements without a lower CER");
  }
  if (record_->rules().keep_best && record_->kept() != nullptr) {
    text += message(text.empty() ? "" : "\n", "kept the model of step ", kept_step(),
                    ", the best of ", record_->points().size(), " measured");
  }
  return text;
}

void TrainRun::write_report() const {
  const Recognizer written = Recognizer::load(asked_.out);
  const TrainingPlan& plan = trainer_->plan();
  TrainingReportPage report;
  report.model = asked_.out;
  report.ended = how_it_ended();
  const auto fact = [&](const char* name, const std::string& value) {
    report.facts.emplace_back(name, value);
  };
  fact("learned from", description(spec_));
  if (!spec_.base.empty()) fact("began from", "a model of the letters " + spec_.base);
  if (data_.samples > 0) fact("own images trained on", std::to_string(data_.samples));
  if (!data_.own.empty()) fact("own images to measure on", std::to_string(data_.own.size()));
  fact("images seen", io::format_grouped(uint64_t(record_->words())));
  fact("steps", message(trainer_->next_step(), " of ", plan.steps(), " planned"));
  fact("kept", message("the model of step ", kept_step()));
  fact("network",
       message(plan.architecture.to_string(), ", ",
               io::format_grouped(uint64_t(trainer_->parameter_count())), " parameters"));
  fact("letters", written.alphabet().to_string());
  fact("topology", ebm::to_string(plan.topology));
  fact("loss", message(ebm::to_string(plan.loss.loss), ", beta ", plan.beta.to_string()));
  fact("learning rate", message("up to ", io::format_short(plan.learning_rate), " in ",
                                plan.warmup_steps, " steps, then a cosine to 0"));
  fact("confidences",
       message("inverse temperature ", io::format_number(written.reading_beta(), 4)));
  fact("seed", std::to_string(plan.seed));
  if (!record_->points().empty()) fact("time", clock_time(trained_.seconds()));
  training_page(report, *record_, written, data_.validation(), spec_.seed).save(asked_.report);
  std::printf("report: %s\n", asked_.report.c_str());
}

}  // namespace talweg::ocr::cli
