// One run of `talweg train`: the trainer, its data, and what happens between steps.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "ocr/cli/command.h"
#include "ocr/cli/progress.h"
#include "ocr/cli/train_data.h"
#include "ocr/cli/train_files.h"
#include "ocr/cli/train_plan.h"
#include "ocr/learning_record.h"
#include "ocr/training.h"

namespace talweg::ocr::cli {

class TrainRun {
 public:
  /// Starts afresh, or goes on with a.resume, together with the other processes of `ranks`, of which
  /// process 0 measures and writes.
  TrainRun(const TrainArguments& a, const Settings& settings, nn::Communicator& ranks);
  /// Writes the model that the run would begin from, as it is, with its confidences fitted anew.
  void calibrate();
  /// Trains, measures in between, and writes the model. Throws IoError, saying how to go on, where it
  /// was interrupted or failed.
  void train();

 private:
  void start(const TrainArguments& a);
  void go_on(const TrainArguments& a);
  void say_letters(const std::string& model) const;
  void say_plan() const;
  void say_forecast() const;
  bool after_step(const TrainingReport& r, Progress& progress);
  void measure(Progress& progress);
  void show(Progress& progress, const TrainingReport& r);
  nn::Metadata data_entries() const;
  void save_checkpoint() const;
  void finish();
  int64_t kept_step() const;
  std::string how_it_ended() const;
  void write_report() const;
  nn::Metadata summary(const Score& score, std::optional<double> beta) const;
  std::optional<double> fit_confidences(const Recognizer& kept) const;
  [[noreturn]] void stop() const;

  const Settings& settings_;
  const TrainArguments& asked_;
  nn::Communicator& ranks_;
  bool first_;  // process 0
  TrainFiles files_;
  std::filesystem::path checkpoint_;
  int64_t checkpoint_every_ = 0, images_at_start_ = -1;
  bool measures_ = true;  // between steps
  Stopwatch trained_;     // runs while training does, not while the model is measured
  DataSpec spec_;
  TrainingData data_;
  std::unique_ptr<WordTrainer> trainer_;
  std::optional<LearningRecord> record_;
  std::optional<double> base_beta_;  // of the model that the run began from
};

}  // namespace talweg::ocr::cli
