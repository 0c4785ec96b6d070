// Training a word model in two stages, as the coursework does: first a classifier of single
// characters, then words, each aligned with its image by the lowest-energy path, or, warmer, by all
// its paths as probable as they are; or, by another loss, words against other words.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "ebm/losses/word_losses.h"
#include "nn/conv_report.h"
#include "nn/trainer.h"
#include "ocr/annealing.h"
#include "ocr/batch.h"
#include "ocr/recognizer.h"
#include "ocr/word_model.h"

namespace talweg::ocr {

/// What to train and for how long. Everything that a resumed run must share with the first.
struct TrainingPlan {
  Architecture architecture;
  ebm::Topology topology = ebm::Topology::classic;
  uint64_t seed = 1;
  int64_t character_steps = 240;  ///< stage 1
  int64_t word_steps = 2160;      ///< stage 2
  ebm::WordLossOptions loss;      ///< of stage 2
  BetaSchedule beta;              ///< of the aligner, in stage 2
  double learning_rate = 3e-3;    ///< the peak, after a linear warm-up; then a cosine down to zero
  int64_t warmup_steps = 30;
  double weight_decay = 1e-2;
  double max_gradient_norm = 5;
  /// Batches of the source that a step learns from, each a pass of its own (nn/trainer.h): what
  /// processes can share.
  int micro_batches = 1;
  /// Weight of a second term of stage 2's loss: the cross-entropy of the windows that measured spans
  /// make sure (letter_spans.h). It keeps letters where they stand; 0 leaves them to the aligner.
  double guide = 0;
  ConvAlgo conv_algo = ConvAlgo::automatic;

  int64_t steps() const { return character_steps + word_steps; }
};

/// What the model of these metadata was trained by; none where they don't say. Throws IoError,
/// beginning with `origin`, where that is damaged.
std::optional<TrainingPlan> plan_in(const ModelInfo& info, const std::string& origin);

/// How many batches are rendered ahead of the step: one to be ready, one to be in the making.
inline constexpr int kBatchesAhead = 2;

/// What a step was like.
struct TrainingReport {
  int64_t step = 0, steps = 0;
  bool words = false;  ///< stage 2
  double loss = 0;     ///< nats a window; of losses that compare words, what they are counted in
  double learning_rate = 0, gradient_norm = 0;
  int64_t images = 0;      ///< seen so far
  int64_t infeasible = 0;  ///< of them, labels too long for their image
};

/// A model in training. Several processes can share its steps (share()): then each has a trainer of the
/// same plan, and all of them run.
class WordTrainer {
 public:
  /// Starts afresh. `source` must outlive the trainer.
  WordTrainer(const TrainingPlan& plan, const BatchSource& source);
  /// Goes on, bit for bit, where the checkpoint `path` stopped. Throws IoError where it is no
  /// unfinished training of a word model over the alphabet of `source`.
  static std::unique_ptr<WordTrainer> resume(const std::filesystem::path& path,
                                             const BatchSource& source);

  /// Before the first step: what the model `path` has learned instead of fresh parameters, the rows
  /// of letters that it lacks excepted (fine_tune.h). Throws IoError where it is no word model of
  /// the plan's topology and of its architecture, or one that the plan's extends.
  void begin_from(const std::filesystem::path& path);

  /// From now on the processes of `ranks`, which must outlive the trainer, share the micro-batches of
  /// every step. Throws Error where they are more than these, or not alike in plan, instruction set or
  /// `data`, which tells what they learn from.
  void share(nn::Communicator& ranks, const std::string& data);

  /// Runs to the end of the plan, or until `on_step` (process 0's) returns false. Returns true at the
  /// end. Throws Error, naming step and op, at the first loss that is not finite; PeerError where
  /// another process failed. Meanwhile a thread of its own makes the next `ahead` batches; the result
  /// is the same, bit for bit, for any number, 0 included.
  bool run(const std::function<bool(const TrainingReport&)>& on_step = {},
           int ahead = kBatchesAhead);

  /// Lends the next step to `look` without taking it, for tools that study one: the context, whose
  /// tape is empty, and a function that builds the step's loss there. Nothing is learned from it.
  using StudyStep =
      std::function<void(nn::Context<float>& context, const std::function<Var<float>()>& loss)>;
  void study_step(const StudyStep& look);

  /// Remembers the parameters as they are now, running averages included, as the ones to keep; those
  /// remembered before are forgotten. A checkpoint holds both.
  void keep() { kept_ = network_.parameters; }

  /// Writes the model, and all that resume() needs, atomically. `summary` joins the metadata.
  void save(const std::filesystem::path& path, const nn::Metadata& summary = {}) const;
  /// Writes the model that was kept, or where none was the one that is, as finished.
  void save_kept(const std::filesystem::path& path, const nn::Metadata& summary = {}) const;
  /// The model as it is now, for reading.
  Recognizer recognizer() const;
  /// The model that save_kept() writes.
  Recognizer kept_recognizer() const;

  const TrainingPlan& plan() const { return plan_; }
  /// For tools that watch the steps.
  Tape<float>& tape() { return tape_; }
  int64_t next_step() const { return next_step_; }
  /// How the convolutions of a step on words are computed.
  std::vector<nn::ConvChoice> conv_choices() const;
  int64_t parameter_count() const { return network_.parameters.trained_scalars(); }

 private:
  bool aligns(int64_t step) const { return step >= plan_.character_steps; }  // stage 2
  void fetch(int64_t number, Batch& batch) const;
  Var<float> loss(const Batch& batch, int64_t step, nn::Context<float>& context);
  void note_windows(const Batch& batch);
  nn::Metadata metadata(const nn::Metadata& summary) const;
  Recognizer recognizer_of(const nn::Parameters<float>& parameters) const;

  TrainingPlan plan_;
  const BatchSource& source_;
  nn::Network<float> network_;
  std::optional<nn::Parameters<float>> kept_;
  Tape<float> tape_;
  nn::Context<float> context_;
  nn::AdamW<float> optimizer_;
  nn::Communicator* ranks_ = nullptr;  // null: this process alone
  int64_t next_step_ = 0, images_ = 0, infeasible_ = 0;
  int64_t last_infeasible_ = 0;               // of the batch under way
  ebm::WordObjective<float> objective_;       // of stage 2
  std::vector<int64_t> windows_;              // of the batch under way: of each image
  std::vector<int32_t> sure_, sure_of_word_;  // [B * L] what windows surely show; of one image
};

}  // namespace talweg::ocr
