// talweg eval: how well a model, or another program's predictions, reads labelled images.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/io/file.h"
#include "core/io/text.h"
#include "ocr/cli/command.h"
#include "ocr/cli/conv_algo_option.h"
#include "ocr/cli/decoder_option.h"
#include "ocr/cli/json_text.h"
#include "ocr/cli/model_option.h"
#include "ocr/cli/progress.h"
#include "ocr/dataset.h"
#include "ocr/metrics.h"
#include "ocr/text.h"

namespace talweg::ocr::cli {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kChunk = 256;  // images in memory at a time

struct EvalArguments {
  std::string model, data, predictions, conv_algo = "auto";
  DecoderArguments decoder;
  int confusions = 10, worst = 10;
  bool json = false;
};

struct Scored {
  std::vector<WordPair> pairs;
  std::vector<std::string> files;
  double words_per_second = 0;  ///< 0 where another program read
};

std::string percent(double share) { return io::format_number(100 * share, 2) + " %"; }

std::string interval(const Interval& i) {
  return "95 % in [" + io::format_number(100 * i.low, 2) + ", " +
         io::format_number(100 * i.high, 2) + "]";
}

std::string shown(char32_t c) {
  return c == kNoCharacter ? "(nothing)" : encode_utf8(std::u32string(1, c));
}

Scored read_all(const Dataset& data, const Recognizer& recognizer, const DecoderOptions& decoder,
                bool quiet) {
  Scored scored;
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
      scored.pairs.push_back({data.samples[i].text, readings[i - begin].text});
      scored.files.push_back(data.samples[i].path);
    }
    progress.update(int64_t(end));
  }
  scored.words_per_second = double(scored.pairs.size()) / reading;
  return scored;
}

/// Predictions of another program: file TAB text, matched by file name.
Scored match_predictions(const Dataset& data, const std::string& path) {
  const std::string bytes = io::read_file(path);
  std::map<std::string, std::string> text_of;
  for (const TextLine& line : lines_of(bytes)) {
    const std::size_t tab = line.text.find('\t');
    if (tab == std::string_view::npos) {
      if (trim(line.text).empty()) continue;
      throw IoError(message(path, ":", line.number, ": expected 'file<TAB>text', found no tab"));
    }
    const std::string_view file = line.text.substr(0, tab), rest = line.text.substr(tab + 1);
    const std::string_view text = rest.substr(0, rest.find('\t'));
    if (line.number == 1 && (file == "file" || file == "image")) continue;  // a header
    try {
      decode_utf8(text);
    } catch (const Error& e) {
      throw IoError(message(path, ":", line.number, ": the prediction is not UTF-8: ", e.what()));
    }
    text_of[fs::path(file).filename().string()] = std::string(text);
  }
  Scored scored;
  int64_t missing = 0;
  for (const Sample& s : data.samples) {
    const auto it = text_of.find(fs::path(s.path).filename().string());
    missing += it == text_of.end();
    scored.pairs.push_back({s.text, it == text_of.end() ? "" : it->second});
    scored.files.push_back(s.path);
  }
  if (missing > 0) {
    std::fprintf(stderr,
                 "talweg: %s has no line for %lld of %zu images; they count as read empty\n",
                 path.c_str(), static_cast<long long>(missing), data.samples.size());
  }
  return scored;
}

/// Indices of the words with the largest share of errors, at most `count`.
std::vector<std::size_t> worst_words(const Scored& scored, int count) {
  std::vector<std::pair<double, std::size_t>> errors;
  for (std::size_t i = 0; i < scored.pairs.size(); ++i) {
    const auto c =
        align_texts(decode_utf8(scored.pairs[i].reference), decode_utf8(scored.pairs[i].hypothesis))
            .counts;
    if (c.edits() > 0) {
      errors.emplace_back(-double(c.edits()) / double(std::max<int64_t>(1, c.reference_length())),
                          i);
    }
  }
  std::sort(errors.begin(), errors.end());
  std::vector<std::size_t> worst;
  for (const auto& [error, i] : errors) {
    if (int(worst.size()) < count) worst.push_back(i);
  }
  return worst;
}

void print_text(const EvalArguments& a, const Scored& scored, const Evaluation& e) {
  const Score& t = e.total;
  std::printf("words          %lld\nCER            %s  %s\nexact words    %s  %s\n",
              static_cast<long long>(t.words), percent(t.cer()).c_str(),
              interval(t.cer_interval).c_str(), percent(t.exact_rate()).c_str(),
              interval(t.exact_interval).c_str());
  std::printf(
      "edits          %lld of %lld characters: %lld inserted, %lld deleted, %lld substituted\n",
      static_cast<long long>(t.edits.edits()), static_cast<long long>(t.edits.reference_length()),
      static_cast<long long>(t.edits.insertions), static_cast<long long>(t.edits.deletions),
      static_cast<long long>(t.edits.substitutions));
  if (scored.words_per_second > 0) {
    std::printf("speed          %.0f words/s\n", scored.words_per_second);
  }
  std::printf("\nlength  words  CER       exact\n");
  for (const auto& [length, s] : e.by_length) {
    std::printf("%6d  %5lld  %-8s  %s\n", length, static_cast<long long>(s.words),
                percent(s.cer()).c_str(), percent(s.exact_rate()).c_str());
  }
  if (!e.confusions.empty() && a.confusions > 0) std::printf("\nwritten    read       times\n");
  for (int i = 0; i < std::min<int>(a.confusions, int(e.confusions.size())); ++i) {
    const Confusion& c = e.confusions[std::size_t(i)];
    std::printf("%-9s  %-9s  %lld\n", shown(c.reference).c_str(), shown(c.hypothesis).c_str(),
                static_cast<long long>(c.count));
  }
  const auto worst = worst_words(scored, a.worst);
  if (!worst.empty()) std::printf("\nworst words (file, written, read)\n");
  for (std::size_t i : worst) {
    std::printf("%s\t%s\t%s\n", scored.files[i].c_str(), scored.pairs[i].reference.c_str(),
                scored.pairs[i].hypothesis.c_str());
  }
}

nlohmann::ordered_json to_json(const Score& s) {
  return {{"words", s.words},
          {"cer", s.cer()},
          {"cer_interval", {s.cer_interval.low, s.cer_interval.high}},
          {"exact", s.exact_rate()},
          {"exact_interval", {s.exact_interval.low, s.exact_interval.high}},
          {"insertions", s.edits.insertions},
          {"deletions", s.edits.deletions},
          {"substitutions", s.edits.substitutions},
          {"characters", s.edits.reference_length()}};
}

void print_json(const EvalArguments& a, const Scored& scored, const Evaluation& e) {
  nlohmann::ordered_json j = to_json(e.total);
  for (const auto& [length, s] : e.by_length) j["by_length"][std::to_string(length)] = to_json(s);
  j["confusions"] = nlohmann::json::array();
  const auto name = [](char32_t c) {
    return c == kNoCharacter ? std::string() : encode_utf8(std::u32string(1, c));
  };
  for (int i = 0; i < std::min<int>(a.confusions, int(e.confusions.size())); ++i) {
    const Confusion& c = e.confusions[std::size_t(i)];
    j["confusions"].push_back(
        {{"written", name(c.reference)}, {"read", name(c.hypothesis)}, {"count", c.count}});
  }
  j["worst"] = nlohmann::json::array();
  for (std::size_t i : worst_words(scored, a.worst)) {
    j["worst"].push_back({{"file", scored.files[i]},
                          {"written", scored.pairs[i].reference},
                          {"read", scored.pairs[i].hypothesis}});
  }
  std::printf("%s\n", json_text(j, 2).c_str());
}

void run_eval(const EvalArguments& a, const Settings& settings) {
  if (!a.model.empty() && !a.predictions.empty()) {
    throw UsageError("give either a model with -m or another program's predictions with --pred");
  }
  decoder_of(a.decoder);  // refuses what contradicts itself before anything is read
  Dataset data = open_dataset(a.data);
  Scored scored;
  if (a.predictions.empty()) {
    const Recognizer recognizer =
        Recognizer::load(model_file(a.model), parse_conv_algo(a.conv_algo));
    check_samples(data,
                  nullptr);  // a label the model can't spell is an error it makes, not a fault
    const DecoderOptions decoder = decoder_options(a.decoder, recognizer.alphabet());
    scored = read_all(data, recognizer, decoder, settings.quiet);
  } else {
    scored = match_predictions(data, a.predictions);
  }
  for (const Finding& f : data.findings) std::fprintf(stderr, "talweg: %s\n", f.message.c_str());
  if (scored.pairs.empty())
    throw IoError(message(a.data, ": no sound labelled image is left to score"));
  const Evaluation e = evaluate(scored.pairs, settings.seed);
  if (a.json) {
    print_json(a, scored, e);
  } else {
    print_text(a, scored, e);
  }
  if (!data.findings.empty()) throw Exit{1};
}

}  // namespace

void add_eval(CLI::App& app, const Settings& settings) {
  auto a = std::make_shared<EvalArguments>();
  CLI::App* command =
      app.add_subcommand("eval", "Scores a model, or another program, on labelled images");
  add_model_option(*command, a->model);
  command->add_option("-e,--eval", a->data, "Labelled images: folder or list")->required();
  command->add_option("--pred", a->predictions, "Another program's output, file<TAB>text");
  add_decoder_options(*command, a->decoder);
  add_conv_algo_option(*command, a->conv_algo);
  command->add_option("--confusions", a->confusions, "Lines of the confusion table")
      ->capture_default_str();
  command->add_option("--worst", a->worst, "How many of the worst words to list")
      ->capture_default_str();
  command->add_flag("--json", a->json,
                    "JSON instead of text; holds nothing that depends on the clock");
  command->footer("Example: talweg eval -m demo/model.safetensors -e words/");
  command->callback([=, &settings] { run_eval(*a, settings); });
}

}  // namespace talweg::ocr::cli
