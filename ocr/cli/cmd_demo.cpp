// talweg demo: the whole story on one font, with a report.
#include <omp.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/io/file.h"
#include "core/kernels/kernels.h"
#include "ocr/cli/aligner_options.h"
#include "ocr/cli/command.h"
#include "ocr/cli/conv_algo_option.h"
#include "ocr/cli/progress.h"
#include "ocr/cli/short_spins.h"
#include "ocr/demo.h"
#include "ocr/demo_figures.h"
#include "ocr/demo_report.h"

namespace talweg::ocr::cli {

namespace {

struct DemoArguments {
  std::string out = "demo", conv_algo = "auto", topology = "classic",
              beta = BetaSchedule().to_string();
  int64_t steps = TrainingPlan().steps();
  int words = DemoOptions().headline_words;
};

DemoOptions options_of(const DemoArguments& a, const Settings& settings) {
  DemoOptions o;
  o.plan.seed = settings.seed;
  o.plan.conv_algo = parse_conv_algo(a.conv_algo);
  o.plan.topology = ebm::parse_topology(a.topology);
  o.plan.beta = BetaSchedule::parse(a.beta);
  o.plan.character_steps = a.steps / 10;
  o.plan.word_steps = a.steps - o.plan.character_steps;
  o.headline_words = a.words;
  o.words_per_length = std::max(1, a.words / 6);
  o.curve_words = std::max(1, a.words / 3);
  return o;
}

/// "AMD EPYC", as Linux names it.
std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string timings_json(const DemoTimings& t, double total) {
  return nlohmann::ordered_json{
             {"training_seconds", t.training},
             {"training_images_per_second", double(t.training_images) / t.training},
             {"evaluation_seconds", t.evaluation},
             {"total_seconds", total},
             {"threads", omp_get_max_threads()},
             {"instruction_set", kernels::table<float>().name},
             {"processor", processor()}}
             .dump(2) +
         "\n";
}

/// Draws run_demo's phases as progress lines, one line a phase.
class Phases {
 public:
  explicit Phases(bool quiet) : quiet_(quiet) {}
  bool update(const std::string& what, int64_t done, int64_t total, const std::string& detail) {
    if (what != phase_) {
      line_.reset();
      line_ = std::make_unique<Progress>(what, total, quiet_);
      phase_ = what;
    }
    line_->update(done, detail);
    return !interrupted();
  }

 private:
  bool quiet_;
  std::string phase_;
  std::unique_ptr<Progress> line_;
};

void save_samples(const std::filesystem::path& folder, const ClassicTask& task, uint64_t seed) {
  for (Variant v : kVariants) {
    Rng rng = Rng(seed).split(uint64_t(v));
    io::save_png(folder / message("hello-", variant_name(v), ".png"), task.render("hello", v, rng));
  }
}

void run_demo_command(const DemoArguments& a, const Settings& settings) {
  begin_with_short_spins();
  if (a.steps < 10 || a.words < 1) {
    throw UsageError("--steps must be at least 10 and --words at least 1");
  }
  const io::FileLock ours = claim_folder(a.out);
  catch_interrupts();
  const ClassicTask task = ClassicTask::standard();
  const std::filesystem::path out = a.out;
  const Progress clock("", 0, true);
  std::string page;
  DemoTimings timings;
  std::string headline;
  try {
    Phases phases(settings.quiet);
    const DemoRun run =
        run_demo(task, options_of(a, settings), (out / "model.safetensors").string(),
                 [&](auto& what, auto done, auto total, auto& detail) {
                   return phases.update(what, done, total, detail);
                 });
    io::write_file_atomically(out / "results.json", results_json(run));
    demo_page(run, task).save(out / "index.html");
    timings = run.timings;
    for (std::size_t v = 0; v < kVariants.size(); ++v) {
      const Score& s = run.headline[v].total;
      headline += message("  ", variant_name(kVariants[v]), ": CER ",
                          io::format_number(100 * s.cer(), 3), " %, exact words ",
                          io::format_number(100 * s.exact_rate(), 2), " % of ", s.words, "\n");
    }
  } catch (const DemoStopped&) {
    throw IoError("interrupted; the demonstration keeps nothing half-done, so start it again");
  }
  save_samples(out, task, settings.seed);
  const double total = clock.seconds();
  io::write_file_atomically(out / "timings.json", timings_json(timings, total));
  std::printf("%s  read by a model trained in %s, %s in all\nreport: %s\nmodel:  %s\n",
              headline.c_str(), clock_time(timings.training).c_str(), clock_time(total).c_str(),
              (out / "index.html").c_str(), (out / "model.safetensors").c_str());
}

}  // namespace

void add_demo(CLI::App& app, const Settings& settings) {
  auto a = std::make_shared<DemoArguments>();
  CLI::App* command = app.add_subcommand(
      "demo", "Trains on one font in about a minute and writes a report with pictures");
  command->add_option("--out", a->out, "Folder for report, results, model")->capture_default_str();
  command->add_option("--steps", a->steps, "Training steps; fewer for a quick look")
      ->capture_default_str();
  command->add_option("--words", a->words, "Fresh words a variant for the headline figures")
      ->capture_default_str();
  add_topology_option(*command, a->topology);
  add_beta_option(*command, a->beta);
  add_conv_algo_option(*command, a->conv_algo);
  command->footer(
      "Examples: talweg demo --out demo --seed 1\n"
      "          talweg demo --out warm --topology ctc --beta 0.3:inf");
  command->callback([=, &settings] { run_demo_command(*a, settings); });
}

}  // namespace talweg::ocr::cli
