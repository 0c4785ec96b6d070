// talweg train: a word model, from fonts or from labelled images.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <csignal>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string_view>

#include "ocr/cli/aligner_options.h"
#include "ocr/cli/command.h"
#include "ocr/cli/conv_algo_option.h"
#include "ocr/cli/outside_option.h"
#include "ocr/cli/ranks.h"
#include "ocr/cli/short_spins.h"
#include "ocr/cli/train_run.h"

namespace talweg::ocr::cli {

namespace {

/// A resumed run goes on as it began; what would change it is refused, as it would be ignored.
void check_resume(const CLI::App& command) {
  constexpr std::array<std::string_view, 9> kHarmless{
      "--resume",           "--out",     "--log",     "--curve", "--report",
      "--checkpoint-every", "--profile", "--threads", "--quiet"};
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || std::ranges::find(kHarmless, name) != kHarmless.end()) continue;
    throw UsageError(
        message("--resume goes on as the run began, which ", name, " can't change; leave it out"));
  }
}

/// Throws UsageError where options contradict each other.
void check_options(const TrainArguments& a, int processes) {
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
  if (a.calibrate && (a.load.empty() || a.data.charset_mode != "keep")) {
    throw UsageError("--calibrate fits the confidences of a model as it is: name it with --load");
  }
  if (!draws && (!a.data.never.empty() || !a.data.weights.empty() || !a.data.words.empty())) {
    throw UsageError("--never, --font-weights and --words are for words drawn with --font-dir");
  }
  if (draws && !mixes && a.steps == 0 && a.time.empty() && !a.calibrate) {
    throw UsageError("words drawn in typefaces never end; say how long with --steps or --time");
  }
  if (processes > 1 && a.calibrate) {
    throw UsageError("--calibrate is done by one process; start it without mpirun");
  }
}

/// In one of several processes, or the only one. `check_given` looks at the options as they were given.
void train(TrainArguments a, const Settings& settings, nn::Communicator& ranks,
           const std::function<void()>& check_given) {
  check_given();
  check_options(a, ranks.size());
  const bool draws = !a.data.typefaces.empty();
  complete(a);
  if (!a.time.empty()) parse_time(a.time);
  check_loss(a);
  Architecture::parse(a.data.architecture);
  a.data.seed = settings.seed;
  a.data.skip_bad = a.bad == "skip";
  if (!draws && a.data.fonts.empty()) a.data.fonts.emplace_back(kDefaultFont);
  std::optional<io::FileLock> ours;
  if (ranks.rank() == 0) {
    require_writable_for(a.out);
    ours.emplace(a.out);
    catch_interrupts();  // the others are ended by the launcher
  }
  TrainRun run(a, settings, ranks);
  a.calibrate ? run.calibrate() : run.train();
}

/// Process 0 speaks for all: the same is wrong in each, or it is told by the one where it is.
void run_train(const TrainArguments& a, const Settings& settings,
               const std::function<void()>& check_given) {
  begin_with_short_spins();
  const std::unique_ptr<Ranks> ranks = join_ranks();
  if (ranks->communicator().rank() == 0) {
    train(a, settings, ranks->communicator(), check_given);
  } else {
    const Muted muted;
    std::signal(SIGUSR1, SIG_IGN);  // which mpirun hands on to all: process 0 answers it
    try {
      train(a, settings, ranks->communicator(), check_given);
    } catch (const std::bad_alloc&) {
      ranks->abandon("out of memory");
      throw;
    } catch (const std::exception& e) {
      ranks->abandon(e.what());
      throw;
    }
  }
  ranks->finish();
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
  add_outside_option(*command, a->data.outside);
  command->add_option("-e,--val", a->data.validation, "Labelled images to validate on");
  CLI::Option* part = command->add_option("-p,--part", a->data.part,
                                          "Share kept for training where there is no -e");
  part->check(CLI::Range(0.05, 1.0))->capture_default_str();
  command
      ->add_option_function<double>(
          "--val-share", [=](double share) { a->data.part = 1 - share; },
          "The other share, to validate on: 0.1 is -p 0.9")
      ->check(CLI::Range(0.0, 0.95))
      ->excludes(part);
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
  command
      ->add_option(
          "--micro-batches", a->micro_batches,
          "Batches that a step learns from, the mean of their gradients: as many processes "
          "as that, or fewer, can share them (mpirun -n 4), and the result is the same")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
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
      ->add_option("--val-every", a->validate_every,
                   "Steps between measurements on the validation words (default a tenth of all)")
      ->check(CLI::Range(1, 100'000'000));
  command
      ->add_option("--patience", a->patience,
                   "Stop after so many measurements in a row without a lower CER (default: never)")
      ->check(CLI::Range(1, 1'000'000));
  command
      ->add_option("--keep", a->keep,
                   "What -o holds at the end: the best model measured, or the last (default best; "
                   "last where all words are drawn and there is no --patience)")
      ->check(CLI::IsMember({"best", "last"}));
  command->add_flag("--calibrate", a->calibrate,
                    "Train nothing: write the model of --load with its confidences fitted anew, on "
                    "drawn words or those of --val");
  command->add_option("--log", a->log,
                      "File to write a line of JSON into at every measurement: step, words, loss, "
                      "cer, exact, lr, seconds, words_per_second");
  command->add_option("--curve", a->curve,
                      "Picture of loss and errors against steps, .png or .svg, drawn anew at every "
                      "measurement");
  command->add_option("--report", a->report,
                      "Page about the finished run, .html: curves, confusions, worst words with "
                      "their energies");
  command
      ->add_option("--checkpoint-every", a->checkpoint_every,
                   "Steps between checkpoints (default a tenth of all)")
      ->check(CLI::Range(1, 100'000'000));
  command
      ->add_option("--architecture", a->data.architecture,
                   "Blocks of the network, see ocr/word_model.h; /plain leaves normalisation out")
      ->capture_default_str();
  add_topology_option(*command, a->data.topology);
  add_loss_options(*command, a->loss, a->loss_numbers);
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
      "          talweg train --resume model.checkpoint.safetensors -o model.safetensors\n"
      "          mpirun -n 4 talweg train -t words/ --micro-batches 4 -o model.safetensors");
  command->callback([=, &settings] {
    run_train(*a, settings, [=] {
      if (!a->resume.empty() && a->load.empty()) check_resume(*command);
    });
  });
}

}  // namespace talweg::ocr::cli
