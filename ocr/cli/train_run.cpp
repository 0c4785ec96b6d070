#include "ocr/cli/train_run.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <new>

#include "core/io/text.h"
#include "core/kernels/fma_peak.h"
#include "core/kernels/kernels.h"
#include "core/study/op_profile.h"
#include "ocr/cli/train_forecast.h"
#include "ocr/text.h"

namespace talweg::ocr::cli {

namespace fs = std::filesystem;

namespace {

constexpr const char* kDataKey = "data";
constexpr const char* kFingerprintKey = "data_fingerprint";
constexpr const char* kRecordKey = "learning_record";

fs::path checkpoint_path(const std::string& model) {
  fs::path path = model;
  return path.replace_extension(".checkpoint.safetensors");
}

std::string percent(double share) { return io::format_number(100 * share, 3); }

void print_profile(const OpProfile<float>& profile) {
  const std::string isa = kernels::table<float>().name;
  const double peak = kernels::fma_peak_gflops(isa, omp_get_max_threads());
  std::printf("%speak: %s GFLOP/s measured, %s, threads: %d\n\n", profile.to_string(peak).c_str(),
              io::format_number(peak, 1).c_str(), isa.c_str(), omp_get_max_threads());
}

/// An option as it is to be given again.
std::string repeated(const char* option, const std::string& value) {
  return value.empty() ? "" : message(" ", option, " '", value, "'");
}

/// The temperature of a model's confidences, where it has one of its own.
std::optional<double> beta_in(const nn::Checkpoint& model) {
  if (!model.metadata().contains(kReadingBetaKey)) return std::nullopt;
  return model_info(model).reading_beta;
}

/// A metadata entry that every checkpoint of talweg train has.
const std::string& entry_of(const nn::Metadata& metadata, const char* key,
                            const std::string& path) {
  const auto found = metadata.find(key);
  if (found != metadata.end()) return found->second;
  throw IoError(message(path, ": this checkpoint does not say what it was trained on, so it can't ",
                        "go on; give one that talweg train wrote"));
}

}  // namespace

TrainRun::TrainRun(const TrainArguments& a, const Settings& settings, nn::Communicator& ranks)
    : settings_(settings),
      asked_(a),
      ranks_(ranks),
      first_(ranks.rank() == 0),
      files_(first_ ? TrainFiles(a.log, a.curve, a.report) : TrainFiles("", "", "")),
      checkpoint_(checkpoint_path(a.out)) {
  if (a.resume.empty()) {
    start(a);
  } else {
    go_on(a);
  }
  const int64_t steps = trainer_->plan().steps();
  checkpoint_every_ =
      a.checkpoint_every > 0 ? a.checkpoint_every : std::max<int64_t>(1, steps / 10);
  // Where the last state is kept, measurements are for those who watch.
  const LearningRules& rules = record_->rules();
  measures_ =
      rules.keep_best || rules.patience > 0 || !settings.quiet || files_.any() || !a.report.empty();
  files_.begin(*record_);
  if (ranks_.size() > 1) trainer_->share(ranks_, data_.fingerprint);
}

void TrainRun::start(const TrainArguments& a) {
  spec_ = a.data;
  data_ = open_data(spec_, settings_.quiet);
  const TrainingPlan plan = plan_of(a, data_, settings_.quiet, ranks_);
  record_.emplace(rules_of(a, data_, plan.steps()));
  trainer_ = std::make_unique<WordTrainer>(plan, *data_.source);
  if (a.load.empty()) return;
  trainer_->begin_from(a.load);
  base_beta_ = beta_in(nn::Checkpoint::load(a.load));
  say_letters(a.load);
}

/// Which letters the model has to learn or loses; nothing where they stay.
void TrainRun::say_letters(const std::string& model) const {
  const Alphabet old = Alphabet::from_string(spec_.base), &now = data_.source->alphabet();
  const std::u32string added = old.unknown(now.letters()), lost = now.unknown(old.letters());
  if (settings_.quiet) return;
  if (!added.empty())
    std::fprintf(stderr, "new to %s: %s\n", model.c_str(), describe_all(added).c_str());
  if (!lost.empty()) std::fprintf(stderr, "no longer read: %s\n", describe_all(lost).c_str());
}

void TrainRun::go_on(const TrainArguments& a) {
  const nn::Checkpoint checkpoint = nn::Checkpoint::load(a.resume);
  const nn::Metadata& metadata = checkpoint.metadata();
  spec_ = DataSpec::from_json(entry_of(metadata, kDataKey, a.resume));
  data_ = open_data(spec_, settings_.quiet);
  if (data_.fingerprint != entry_of(metadata, kFingerprintKey, a.resume)) {
    throw IoError(message(a.resume,
                          ": the images, labels or fonts changed since this checkpoint was ",
                          "written; bring them back, or train afresh"));
  }
  trainer_ = WordTrainer::resume(a.resume, *data_.source);
  check_shares(trainer_->plan(), ranks_);
  base_beta_ = beta_in(checkpoint);
  if (metadata.contains(kRecordKey)) {
    record_ = LearningRecord::from_json(metadata.at(kRecordKey));
  } else {  // written before there were any: such a run kept its last state
    record_.emplace(LearningRules{std::max<int64_t>(1, trainer_->plan().steps() / 10), false, 0});
  }
  trained_ = Stopwatch(record_->points().empty() ? 0 : record_->points().back().seconds);
}

void TrainRun::say_plan() const {
  if (settings_.quiet) return;
  std::fprintf(stderr, "%lld parameters, %lld steps\n",
               static_cast<long long>(trainer_->parameter_count()),
               static_cast<long long>(trainer_->plan().steps()));
  std::fprintf(stderr, "convolutions, %s:\n%s",
               std::string(conv_algo_name(trainer_->plan().conv_algo)).c_str(),
               nn::to_string(trainer_->conv_choices()).c_str());
}

/// A run that is over before a forecast is made needs none.
void TrainRun::say_forecast() const {
  constexpr int64_t kTrial = 8, kShort = 10 * kTrial;
  const int64_t left = trainer_->plan().steps() - trainer_->next_step();
  if (settings_.quiet || left < kShort) return;
  std::fprintf(stderr, "forecast: %lld steps take %s\n", static_cast<long long>(left),
               to_string(forecast(trainer_->plan(), *data_.source, kTrial, ranks_), left).c_str());
}

void TrainRun::train() {
  say_plan();
  say_forecast();
  std::optional<OpProfile<float>> profile;
  if (asked_.profile) profile.emplace(trainer_->tape());
  bool finished = false;
  try {
    Progress progress("training", trainer_->plan().steps(), settings_.quiet);
    // What a trained model can do before it is trained further is to be beaten.
    if (first_ && !asked_.load.empty() && measures_) measure(progress);
    trained_.go();
    finished = trainer_->run([&](const TrainingReport& r) { return after_step(r, progress); });
    trained_.pause();
  } catch (const std::bad_alloc&) {
    throw;  // the program has a sentence for that
  } catch (const nn::Interrupted&) {
    stop();  // the step under way was given up
  } catch (const std::exception& e) {
    const bool saved = fs::exists(checkpoint_);
    throw IoError(message(e.what(), saved ? "; the last checkpoint is " : "",
                          saved ? checkpoint_.string() : ""));
  }
  if (!first_) return;
  if (profile) print_profile(*profile);
  if (!finished && !record_->out_of_patience()) stop();
  finish();
}

/// Returns whether to go on, which process 0 decides. Measures before it saves, so that a checkpoint knows of everything that
/// was done at its step.
bool TrainRun::after_step(const TrainingReport& r, Progress& progress) {
  if (!first_) return true;
  record_->add_step(r);
  show(progress, r);
  if (measures_ && record_->is_due(r.steps)) measure(progress);
  if (record_->out_of_patience()) return false;
  if ((r.step + 1) % checkpoint_every_ == 0 && r.step + 1 < r.steps) save_checkpoint();
  return !interrupted();
}

void TrainRun::measure(Progress& progress) {
  trained_.pause();
  const Score score = score_held_out(trainer_->recognizer(), data_.validation(), spec_.seed);
  const LearningPoint& p = record_->add_point(score, trained_.seconds());
  const bool best = record_->best() == &p;
  if (record_->rules().keep_best && best) trainer_->keep();
  files_.add_last(*record_);
  std::string note = message("step ", p.step, ":");
  if (!std::isnan(p.loss)) note += " loss " + io::format_number(p.loss, 4) + ",";
  note += score.words == 0 ? " no validation words"
                           : message(" CER ", percent(p.cer), " %, exact ", percent(p.exact),
                                     " % of ", score.words, " validation words");
  const LearningPoint* least = record_->best();
  if (least != nullptr && !best) note += message(" (best: ", percent(least->cer), " %)");
  progress.note(note);
  trained_.go();
}

void TrainRun::show(Progress& progress, const TrainingReport& r) {
  if (images_at_start_ < 0) images_at_start_ = r.images;
  const double speed = double(r.images - images_at_start_) / progress.seconds();
  std::string detail =
      message(r.words ? "words" : "characters", ", loss ", io::format_number(r.loss, 4), ", ");
  if (!record_->points().empty() && record_->best() != nullptr) {
    detail += message("CER ", percent(record_->points().back().cer), " %, ");
  }
  detail += io::format_number(speed, 0) + " words/s";
  if (r.infeasible > 0) detail += message(", ", r.infeasible, " labels too long");
  progress.update(r.step + 1, detail);
}

nn::Metadata TrainRun::data_entries() const {
  return {{kDataKey, spec_.to_json()}, {kFingerprintKey, data_.fingerprint}};
}

void TrainRun::save_checkpoint() const {
  nn::Metadata metadata = data_entries();
  metadata[kRecordKey] = record_->to_json();
  if (base_beta_) metadata[kReadingBetaKey] = io::format_number(*base_beta_, 4);
  trainer_->save(checkpoint_, metadata);
}

void TrainRun::stop() const {
  save_checkpoint();
  throw IoError(message("interrupted at step ", trainer_->next_step(), "; go on with: talweg ",
                        "train --resume '", checkpoint_.string(), "' -o '", asked_.out, "'",
                        repeated("--log", asked_.log), repeated("--curve", asked_.curve),
                        repeated("--report", asked_.report)));
}

}  // namespace talweg::ocr::cli
