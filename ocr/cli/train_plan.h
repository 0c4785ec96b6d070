// What `talweg train` was told, and the plan that follows from it.
#pragma once

#include <cstdint>
#include <string>

#include "ocr/cli/aligner_options.h"
#include "ocr/cli/train_data.h"
#include "ocr/learning_record.h"
#include "ocr/training.h"

namespace talweg::ocr::cli {

struct TrainArguments {
  DataSpec data;
  std::string out, resume, load, bad = "fail", time;
  int64_t steps = 0, epochs = 0, checkpoint_every = 0;
  int micro_batches = 1;
  double learning_rate = 0;  ///< 0: what suits the data
  std::string conv_algo = "auto";
  double guide = -1;  ///< less than 0: what suits the data
  std::string beta;   ///< empty: what the loss asks for
  std::string loss;   ///< empty: what suits the data
  LossNumbers loss_numbers;
  bool profile = false;
  bool calibrate = false;          ///< learn nothing, fit confidences alone
  int64_t validate_every = 0;      ///< steps; 0: a tenth of all
  int64_t patience = 0;            ///< measurements; 0: endless
  std::string keep;                ///< best or last; empty: what suits the data
  std::string log, curve, report;  ///< files to write; empty: none
};

/// Fills in what was not said: the classic task's settings, or, where words are drawn in typefaces,
/// those of the reader; where the run begins from a model, what that was trained by. Where only some
/// were said, the others stay what they would have been. Throws UsageError where what was said
/// contradicts the model's architecture or topology.
void complete(TrainArguments& a);

/// "10m", "90s", "1h" in seconds; throws UsageError.
double parse_time(const std::string& text);

/// Throws UsageError where the loss cannot be had at the temperature that was asked for.
void check_loss(const TrainArguments& a);

/// How to train on `data`: as many steps as were asked for, in epochs, or in a time, which is found
/// out by a short run of the processes together. Says on stderr, unless quiet, how many steps a time
/// comes to. Throws UsageError where the processes are more than the micro-batches.
TrainingPlan plan_of(const TrainArguments& a, const TrainingData& data, bool quiet,
                     nn::Communicator& ranks);

/// Throws UsageError where the processes are more than the plan's micro-batches.
void check_shares(const TrainingPlan& plan, const nn::Communicator& ranks);

/// When to measure in a run of `steps`, what to keep, when to stop. Throws IoError where patience was
/// asked for and there is nothing to measure on.
LearningRules rules_of(const TrainArguments& a, const TrainingData& data, int64_t steps);

}  // namespace talweg::ocr::cli
