// talweg train: a word model, from fonts or from labelled images.
#include <omp.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "core/io/text.h"
#include "core/kernels/fma_peak.h"
#include "core/kernels/kernels.h"
#include "core/study/op_profile.h"
#include "ocr/cli/aligner_options.h"
#include "ocr/cli/command.h"
#include "ocr/cli/conv_algo_option.h"
#include "ocr/cli/progress.h"
#include "ocr/cli/train_plan.h"
#include "ocr/demo.h"
#include "ocr/text.h"
#include "ocr/training.h"

namespace talweg::ocr::cli {

namespace fs = std::filesystem;

namespace {

constexpr const char* kDataKey = "data";
constexpr const char* kFingerprintKey = "data_fingerprint";
constexpr int kValidationWords = 300;  // of the classic task, a variant
constexpr int kRenderedWords = 1000;   // from typefaces

fs::path checkpoint_path(const std::string& model) {
  fs::path path = model;
  return path.replace_extension(".checkpoint.safetensors");
}

/// How the model reads words that it was not trained on.
Evaluation validate(const Recognizer& recognizer, const TrainingData& data, uint64_t seed) {
  std::vector<WordPair> pairs;
  if (!data.tasks.empty()) {
    for (std::size_t v = 0; v < kVariants.size(); ++v) {
      const Rng rng = Rng(seed).split(uint64_t{1} << 51).split(v);
      const auto more = read_fresh_words(recognizer, data.tasks[v % data.tasks.size()],
                                         kVariants[v], data.words, kValidationWords, rng);
      pairs.insert(pairs.end(), more.begin(), more.end());
    }
    return evaluate(pairs, seed);
  }
  std::vector<io::Gray8> images;
  for (const Sample& s : data.validation) {
    images.push_back(io::load_gray(s.path));
    pairs.push_back({s.text, ""});
  }
  for (int64_t i = 0; data.rendered && i < kRenderedWords; ++i) {
    RenderedWord word = data.rendered->draw(seed, i);
    images.push_back(std::move(word.image));
    pairs.push_back({word.text, ""});
  }
  const auto readings = recognizer.read(images);
  for (std::size_t i = 0; i < images.size(); ++i) pairs[i].hypothesis = readings[i].text;
  return evaluate(pairs, seed);
}

/// One run: the trainer, its data, and what happens between steps.
class Run {
 public:
  Run(const TrainArguments& a, const Settings& settings)
      : settings_(settings), out_(a.out), profiles_(a.profile) {
    if (a.resume.empty()) {
      start(a);
    } else {
      go_on(a);
    }
    every_ = a.checkpoint_every > 0 ? a.checkpoint_every
                                    : std::max<int64_t>(1, trainer_->plan().steps() / 10);
    checkpoint_ = checkpoint_path(out_);
  }

  void train() {
    if (!settings_.quiet) {
      std::fprintf(stderr, "%lld parameters, %lld steps\n",
                   static_cast<long long>(trainer_->parameter_count()),
                   static_cast<long long>(trainer_->plan().steps()));
      std::fprintf(stderr, "convolutions, %s:\n%s",
                   std::string(conv_algo_name(trainer_->plan().conv_algo)).c_str(),
                   nn::to_string(trainer_->conv_choices()).c_str());
    }
    bool finished = false;
    std::optional<OpProfile<float>> profile;
    if (profiles_) profile.emplace(trainer_->tape());
    {
      Progress progress("training", trainer_->plan().steps(), settings_.quiet);
      try {
        finished = trainer_->run([&](const TrainingReport& r) {
          show(progress, r);
          if ((r.step + 1) % every_ == 0 && r.step + 1 < r.steps) {
            save(checkpoint_);
            if (!settings_.quiet)
              progress.note(
                  message("step ", r.step + 1, ": CER ", last_cer(), " on validation words"));
          }
          return !interrupted();
        });
      } catch (const Error& e) {
        const bool saved = fs::exists(checkpoint_);
        throw IoError(message(e.what(), saved ? "; the last checkpoint is " : "",
                              saved ? checkpoint_.string() : ""));
      }
    }
    if (profile) {
      const std::string isa = kernels::table<float>().name;
      const double peak = kernels::fma_peak_gflops(isa, omp_get_max_threads());
      std::printf("%speak: %s GFLOP/s measured, %s, threads: %d\n\n",
                  profile->to_string(peak).c_str(), io::format_number(peak, 1).c_str(), isa.c_str(),
                  omp_get_max_threads());
    }
    if (finished) {
      finish();
    } else {
      save(checkpoint_);
      throw IoError(message("interrupted at step ", trainer_->next_step(), "; go on with: talweg ",
                            "train --resume '", checkpoint_.string(), "' -o '", out_, "'"));
    }
  }

 private:
  void start(const TrainArguments& a) {
    spec_ = a.data;
    data_ = open_data(spec_, settings_.quiet);
    trainer_ = std::make_unique<WordTrainer>(plan_of(a, data_, settings_.quiet), *data_.source);
    if (a.load.empty()) return;
    trainer_->begin_from(a.load);
    say_letters(a.load);
  }

  /// Which letters the model has to learn or loses; nothing where they stay.
  void say_letters(const std::string& model) const {
    const Alphabet old = Alphabet::from_string(spec_.base), &now = data_.source->alphabet();
    const std::u32string added = old.unknown(now.letters()), lost = now.unknown(old.letters());
    if (settings_.quiet) return;
    if (!added.empty())
      std::fprintf(stderr, "new to %s: %s\n", model.c_str(), describe_all(added).c_str());
    if (!lost.empty()) std::fprintf(stderr, "no longer read: %s\n", describe_all(lost).c_str());
  }

  void go_on(const TrainArguments& a) {
    const nn::Checkpoint checkpoint = nn::Checkpoint::load(a.resume);
    const auto& metadata = checkpoint.metadata();
    if (!metadata.contains(kDataKey) || !metadata.contains(kFingerprintKey)) {
      throw IoError(message(a.resume,
                            ": this checkpoint does not say what it was trained on, so it ",
                            "can't go on; give one that talweg train wrote"));
    }
    spec_ = DataSpec::from_json(metadata.at(kDataKey));
    data_ = open_data(spec_, settings_.quiet);
    if (data_.fingerprint != metadata.at(kFingerprintKey)) {
      throw IoError(message(a.resume,
                            ": the images, labels or fonts changed since this checkpoint was ",
                            "written; bring them back, or train afresh"));
    }
    trainer_ = WordTrainer::resume(a.resume, *data_.source);
  }

  void save(const fs::path& path) const {
    trainer_->save(path, {{kDataKey, spec_.to_json()}, {kFingerprintKey, data_.fingerprint}});
  }

  bool has_validation() const {
    return !data_.tasks.empty() || !data_.validation.empty() || data_.rendered != nullptr;
  }

  std::string last_cer() const {
    if (!has_validation()) return "not measured";
    const double cer = validate(trainer_->recognizer(), data_, spec_.seed).total.cer();
    return io::format_number(100 * cer, 3) + " %";
  }

  void show(Progress& progress, const TrainingReport& r) {
    if (images_at_start_ < 0) images_at_start_ = r.images;
    const double speed = double(r.images - images_at_start_) / progress.seconds();
    std::string detail =
        message(r.words ? "words" : "characters", ", loss ", io::format_number(r.loss, 4), ", ",
                io::format_number(speed, 0), " words/s");
    if (r.infeasible > 0) detail += message(", ", r.infeasible, " labels too long");
    progress.update(r.step + 1, detail);
  }

  void finish() {
    save(out_);
    std::error_code ignored;
    fs::remove(checkpoint_, ignored);
    if (has_validation()) {
      const Score s = validate(trainer_->recognizer(), data_, spec_.seed).total;
      std::printf("CER %s %% [%s, %s], exact words %s %% [%s, %s] of %lld validation words\n",
                  number(s.cer()).c_str(), number(s.cer_interval.low).c_str(),
                  number(s.cer_interval.high).c_str(), number(s.exact_rate()).c_str(),
                  number(s.exact_interval.low).c_str(), number(s.exact_interval.high).c_str(),
                  static_cast<long long>(s.words));
    }
    std::printf("model: %s\n", out_.c_str());
  }

  static std::string number(double share) { return io::format_number(100 * share, 3); }

  const Settings& settings_;
  std::string out_;
  bool profiles_;
  fs::path checkpoint_;
  int64_t every_ = 0, images_at_start_ = -1;
  DataSpec spec_;
  TrainingData data_;
  std::unique_ptr<WordTrainer> trainer_;
};

void run_train(TrainArguments a, const Settings& settings) {
  if ((a.steps > 0) + (a.epochs > 0) + !a.time.empty() > 1) {
    throw UsageError("--steps, --epochs and --time all say how long; give one of them");
  }
  if (!a.data.train.empty() && !a.data.fonts.empty()) {
    throw UsageError("train either from labelled images (-t) or from fonts (--font), not both");
  }
  const bool draws = !a.data.typefaces.empty();
  if (draws && !a.data.fonts.empty()) {
    throw UsageError("--font-dir draws words in many typefaces; leave out --font");
  }
  const bool mixes = draws && !a.data.train.empty();
  if (!mixes && a.data.mix != DataSpec().mix) {
    throw UsageError(
        "--mix is the share of steps on the images of -t beside --font-dir; give both");
  }
  if (a.load.empty() && a.data.charset_mode != DataSpec().charset_mode) {
    throw UsageError("--charset-mode is about the letters of a model to begin from; give --load");
  }
  if (!a.load.empty() && !a.resume.empty()) {
    throw UsageError("--load begins a run from a model, --resume goes on with one; give one");
  }
  if (!draws && (!a.data.never.empty() || !a.data.weights.empty() || !a.data.words.empty())) {
    throw UsageError("--never, --font-weights and --words are for words drawn with --font-dir");
  }
  if (draws && !mixes && a.steps == 0 && a.time.empty()) {
    throw UsageError("words drawn in typefaces never end; say how long with --steps or --time");
  }
  complete(a);
  if (!a.time.empty()) parse_time(a.time);
  check_loss(a);
  Architecture::parse(a.data.architecture);
  a.data.seed = settings.seed;
  a.data.skip_bad = a.bad == "skip";
  if (!draws && a.data.fonts.empty()) a.data.fonts.emplace_back(kDefaultFont);
  require_writable_for(a.out);
  catch_interrupts();
  Run(a, settings).train();
}

}  // namespace

void add_train(CLI::App& app, const Settings& settings) {
  auto a = std::make_shared<TrainArguments>();
  CLI::App* command =
      app.add_subcommand("train", "Trains a model, from fonts or from labelled images");
  command->add_option("-o,--out", a->out, "Model file to write")->required();
  command->add_option("--font", a->data.fonts, "Fonts to draw words with; Anonymous Pro if none");
  command->add_option("--random", a->data.random, "Words to draw, letters:lengths")
      ->capture_default_str();
  command->add_option("--font-dir", a->data.typefaces,
                      "Typefaces to draw words with, any text, worn as scans and photographs are: "
                      "folders, font files, or lists of them (.txt)");
  command->add_option("--never", a->data.never, "Of --font-dir: file of families not to be used");
  command->add_option("--font-weights", a->data.weights,
                      "Of --font-dir: file of families and how much more often they are drawn");
  command->add_option("--words", a->data.words,
                      "Of --font-dir: word list (default: the system's English one)");
  command->add_option("--augment", a->data.augment, "Of --font-dir: none, light or scan")
      ->check(CLI::IsMember({"none", "light", "scan"}))
      ->capture_default_str();
  command->add_option("-t,--train", a->data.train, "Labelled images: folder or list");
  command->add_option("-e,--val", a->data.validation, "Labelled images to validate on");
  command->add_option("-p,--part", a->data.part, "Share kept for training where there is no -e")
      ->check(CLI::Range(0.05, 1.0))
      ->capture_default_str();
  command
      ->add_option("--mix", a->data.mix,
                   "Share of steps on the images of -t, where --font-dir draws words for the rest")
      ->check(CLI::Range(0.01, 0.99))
      ->capture_default_str();
  command->add_option("--load", a->load,
                      "Model to begin from: its architecture, topology and loss are kept");
  command
      ->add_option("--charset-mode", a->data.charset_mode,
                   "Letters of a model that --load takes further: keep its own, union with those "
                   "of the data, or new: the data's alone")
      ->check(CLI::IsMember({"keep", "union", "new"}))
      ->capture_default_str();
  command->add_option("--charset", a->data.charset, "Letters to read: auto, or a range such as a-z")
      ->capture_default_str();
  command->add_option("--bad-gt", a->bad, "What to do about faulty samples: fail or skip")
      ->check(CLI::IsMember({"fail", "skip"}))
      ->capture_default_str();
  command->add_option("--steps", a->steps, message("Steps (default ", TrainingPlan().steps(), ")"))
      ->check(CLI::Range(2, 100'000'000));
  command->add_option("--epochs", a->epochs, "Passes over the images")
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("--time", a->time, "As many steps as fit: 90s, 10m, 1h");
  command
      ->add_option("--lr", a->learning_rate,
                   message("Peak learning rate (default ", TrainingPlan().learning_rate,
                           "; 0.002 with --font-dir)"))
      ->check(CLI::Range(1e-9, 10.0));
  command
      ->add_option("--guide", a->guide,
                   "Weight of the loss that holds letters where they were drawn (default 0.3, "
                   "with --font-dir)")
      ->check(CLI::Range(0.0, 100.0));
  command
      ->add_option("--checkpoint-every", a->checkpoint_every,
                   "Steps between checkpoints (default a tenth of all)")
      ->check(CLI::Range(1, 100'000'000));
  command
      ->add_option("--architecture", a->data.architecture,
                   "Blocks of the network, see ocr/word_model.h; /plain leaves normalisation out")
      ->capture_default_str();
  add_topology_option(*command, a->data.topology);
  add_loss_options(*command, a->loss, a->loss_options);
  add_beta_option(*command, a->beta);
  add_conv_algo_option(*command, a->conv_algo);
  command->add_flag("--profile", a->profile,
                    "Print at the end where the steps' time went: by op, GFLOP/s, % of peak");
  command->add_option("--resume", a->resume, "Checkpoint to go on from, bit for bit");
  command->footer(
      "Examples: talweg train -o model.safetensors\n"
      "          talweg train --font-dir /usr/share/fonts --time 75m -o reader.safetensors\n"
      "          talweg train -t words/ -o model.safetensors --epochs 40\n"
      "          talweg train --load reader.safetensors -t words/ --charset-mode union -o "
      "mine.safetensors\n"
      "          talweg train --resume model.checkpoint.safetensors -o model.safetensors");
  command->callback([=, &settings] { run_train(*a, settings); });
}

}  // namespace talweg::ocr::cli
