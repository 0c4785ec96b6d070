// talweg eval: how well a model, or another program's predictions, reads labelled images.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "ocr/cli/command.h"
#include "ocr/cli/conv_algo_option.h"
#include "ocr/cli/decoder_option.h"
#include "ocr/cli/eval_printer.h"
#include "ocr/cli/model_option.h"
#include "ocr/cli/outside_option.h"
#include "ocr/cli/progress.h"
#include "ocr/cli/short_spins.h"
#include "ocr/dataset.h"
#include "ocr/eval_page.h"
#include "ocr/predictions.h"

namespace talweg::ocr::cli {

namespace {

constexpr std::size_t kChunk = 256;  // images in memory at a time

struct EvalArguments {
  std::string model, data, predictions, conv_algo = "auto", boxes, html;
  std::vector<std::string> by;
  DecoderArguments decoder;
  EvalPrinting printing;
  bool json = false, outside = false;
};

/// The words as they were read, and what else reading them told.
struct Readings {
  std::vector<EvaluatedWord> words;
  std::optional<BoxScore> boxes;
  double words_per_second = 0;  ///< 0 where another program read
};

Readings read_all(const Dataset& data, const Recognizer& recognizer, const DecoderOptions& decoder,
                  const BoxTable* boxes, bool quiet) {
  Readings all;
  std::optional<BoxScorer> scorer;
  if (boxes != nullptr) scorer.emplace(*boxes);
  Progress progress("reading", int64_t(data.samples.size()), quiet);
  double reading = 0;
  for (std::size_t begin = 0; begin < data.samples.size(); begin += kChunk) {
    const std::size_t end = std::min(begin + kChunk, data.samples.size());
    std::vector<io::Gray8> images;
    for (std::size_t i = begin; i < end; ++i) images.push_back(io::load_gray(data.samples[i].path));
    const double before = progress.seconds();
    const auto readings = recognizer.read(images, decoder);
    reading += progress.seconds() - before;
    for (std::size_t i = begin; i < end; ++i) {
      const Sample& sample = data.samples[i];
      const Reading& r = readings[i - begin];
      all.words.push_back({sample.path, {sample.text, r.text}, std::clamp(r.confidence, 0.0, 1.0)});
      if (scorer) scorer->add(sample.path, r.characters, all.words.back().right());
    }
    progress.update(int64_t(end));
  }
  if (scorer) all.boxes = scorer->score();
  all.words_per_second = double(all.words.size()) / reading;
  return all;
}

/// Predictions of another program, matched by file name.
Readings match_predictions(const Dataset& data, const std::string& path) {
  const Predictions predictions = load_predictions(path);
  const bool sure = !predictions.empty() && predictions.begin()->second.confidence.has_value();
  Readings all;
  int64_t missing = 0;
  for (const Sample& s : data.samples) {
    const auto found = predictions.find(std::filesystem::path(s.path).filename().string());
    if (found == predictions.end()) {
      ++missing;
      all.words.push_back({s.path, {s.text, ""}, sure ? std::optional(0.0) : std::nullopt});
    } else {
      all.words.push_back({s.path, {s.text, found->second.text}, found->second.confidence});
    }
  }
  if (missing > 0) {
    std::fprintf(stderr,
                 "talweg: %s has no line for %lld of %zu images; they count as read empty\n",
                 path.c_str(), static_cast<long long>(missing), data.samples.size());
  }
  return all;
}

void check_arguments(const EvalArguments& a) {
  if (!a.model.empty() && !a.predictions.empty()) {
    throw UsageError("give either a model with -m or another program's predictions with --pred");
  }
  if (!a.boxes.empty() && !a.predictions.empty()) {
    throw UsageError("--boxes compares the boxes of our own readings; leave out --pred");
  }
  decoder_of(a.decoder);
  if (!a.html.empty()) require_writable_for(a.html);
}

void save_page(const EvalArguments& a, const EvalReport& report, const Recognizer* recognizer) {
  EvalPageOptions options;
  options.confusions = a.printing.confusions;
  options.worst = a.printing.worst;
  options.lead = message(report.words.size(), " images of ", a.data, ", read by ",
                         recognizer != nullptr ? model_file(a.model).string() : a.predictions, ".");
  eval_page(report, recognizer, options).save(a.html);
  std::fprintf(stderr, "page: %s\n", a.html.c_str());
}

void run_eval(const EvalArguments& a, const Settings& settings) {
  begin_with_short_spins();
  check_arguments(a);  // refuses what contradicts itself before anything is read
  Dataset data = open_dataset(a.data, {a.outside});
  std::optional<BoxTable> boxes;
  if (!a.boxes.empty()) boxes = load_boxes(a.boxes);
  std::optional<Recognizer> recognizer;
  if (a.predictions.empty()) {
    recognizer = Recognizer::load(model_file(a.model), parse_conv_algo(a.conv_algo));
    // A label the model can't spell is an error it makes, not a fault.
    check_samples(data, nullptr);
  }
  std::vector<SampleGroups> groupings;
  for (const std::string& by : a.by) groupings.push_back(group_samples(data.samples, by));
  Readings read =
      recognizer ? read_all(data, *recognizer, decoder_options(a.decoder, recognizer->alphabet()),
                            boxes ? &*boxes : nullptr, settings.quiet)
                 : match_predictions(data, a.predictions);
  for (const Finding& f : data.findings) std::fprintf(stderr, "talweg: %s\n", f.message.c_str());
  if (read.words.empty()) {
    throw IoError(message(a.data, ": no sound labelled image is left to score"));
  }
  EvalReport report = make_report(std::move(read.words), groupings, settings.seed);
  report.boxes = read.boxes;
  report.words_per_second = read.words_per_second;
  if (a.json) {
    print_eval_json(report, a.printing);
  } else {
    print_eval_text(report, a.printing);
  }
  if (!a.html.empty()) save_page(a, report, recognizer ? &*recognizer : nullptr);
  if (!data.findings.empty()) throw Exit{1};
}

}  // namespace

void add_eval(CLI::App& app, const Settings& settings) {
  auto a = std::make_shared<EvalArguments>();
  CLI::App* command =
      app.add_subcommand("eval", "Scores a model, or another program, on labelled images");
  add_model_option(*command, a->model);
  command->add_option("-e,--eval", a->data, "Labelled images: folder or list")->required();
  add_outside_option(*command, a->outside);
  command->add_option(
      "--pred", a->predictions,
      "Another program's output, file<TAB>text; a third column of numbers from 0 to "
      "1, or a column that a header names so, is its confidence");
  command->add_option(
      "--by", a->by,
      "Score groups too: a column of the list (its number from 3 on, or its name in "
      "the list's header), or a file of file<TAB>group; may be given again");
  command->add_option("--boxes", a->boxes,
                      "Compare the characters' boxes with this table (talweg render --boxes): mean "
                      "intersection over union of their columns, in words read right");
  add_decoder_options(*command, a->decoder);
  add_conv_algo_option(*command, a->conv_algo);
  command->add_option("--confusions", a->printing.confusions, "Lines of the confusion table")
      ->capture_default_str();
  command->add_option("--worst", a->printing.worst, "How many of the worst words to list")
      ->capture_default_str();
  command->add_flag("--json", a->json,
                    "JSON instead of text; holds nothing that depends on the clock");
  command->add_option("--html", a->html,
                      "Also a page of it all: the worst words and the surest mistakes with their "
                      "images and energies");
  command->footer(
      "CER is edits per character, intervals hold 95 %. ECE is the expected calibration error of "
      "the\n"
      "words' confidences (Guo et al. 2017), AUROC how well they tell right words from wrong "
      "ones.\n\n"
      "Example: talweg eval -m demo/model.safetensors -e words/ --boxes words/boxes.tsv "
      "--html eval.html");
  command->callback([=, &settings] { run_eval(*a, settings); });
}

}  // namespace talweg::ocr::cli
