// talweg memory: where the memory of a training step goes, and what checkpointing and fusing change.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "core/io/file.h"
#include "ocr/cli/command.h"
#include "ocr/font.h"
#include "ocr/step_memory.h"
#include "ocr/word_source.h"

namespace talweg::ocr::cli {

namespace {

struct MemoryArguments {
  std::string architecture = Architecture().to_string() + "/plain", out;
  int letters = 0, repeats = 3;
};

void run_memory(const MemoryArguments& a, const Settings& settings) {
  const Architecture architecture = Architecture::parse(a.architecture);
  if (!a.out.empty()) require_writable_for(a.out);
  FontSourceOptions options;
  options.seed = settings.seed;
  if (a.letters > 0) options.letters_per_batch = a.letters;
  const FontSource source({ClassicTask::standard()}, Alphabet(), options);
  const auto steps = step_memory(architecture, source, settings.seed, a.repeats);
  std::vector<MemoryRun<float>> runs;
  for (const StepMemory& s : steps) runs.push_back({s.name, s.timeline.get(), s.milliseconds});
  std::printf("%s\nall with the same loss, %g, bit for bit\n", memory_text<float>(runs).c_str(),
              double(steps.front().loss));
  if (a.out.empty()) return;
  io::write_file_atomically(a.out, memory_svg<float>(runs));
  std::fprintf(stderr, "figure: %s\n", a.out.c_str());
}

}  // namespace

void add_memory(CLI::App& app, const Settings& settings) {
  auto a = std::make_shared<MemoryArguments>();
  CLI::App* command = app.add_subcommand(
      "memory", "Shows what a training step holds in memory: plain, fused, checkpointed");
  command->add_option("--architecture", a->architecture, "Of the word model")
      ->capture_default_str();
  command->add_option("--letters", a->letters, "Letters in the batch; as many as training takes")
      ->check(CLI::Range(1, 100'000));
  command->add_option("--repeats", a->repeats, "Steps to time, of which the fastest counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("-o,--out", a->out, "Figure (.svg): bytes over the step");
  command->footer("Example: talweg memory -o memory.svg");
  command->callback([=, &settings] { run_memory(*a, settings); });
}

}  // namespace talweg::ocr::cli
