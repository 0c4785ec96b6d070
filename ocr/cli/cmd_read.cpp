// talweg read: what is written on images.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/io/text.h"
#include "ocr/cli/command.h"
#include "ocr/cli/conv_algo_option.h"
#include "ocr/cli/decoder_option.h"
#include "ocr/cli/inputs.h"
#include "ocr/cli/json_text.h"
#include "ocr/recognizer.h"

namespace talweg::ocr::cli {

namespace {

/// Images read together: enough for all threads, few enough to stream.
constexpr std::size_t kChunk = 64;

struct ReadArguments {
  std::string model, format = "txt", conv_algo = "auto";
  DecoderArguments decoder;
  int alternatives = 0;
  std::vector<std::string> images;
};

std::string cell(double value, int decimals) {
  return std::isfinite(value) ? io::format_number(value, decimals) : "";
}

/// Prints readings in one of the formats, in order, as they come.
class Printer {
 public:
  Printer(const std::string& format, bool with_names, const DecoderOptions& decoder)
      : format_(format), with_names_(with_names), decoder_(decoder) {}

  void print(const std::string& file, const Reading& r) {
    open();
    if (format_ == "json") {
      print_json(file, r);
    } else if (format_ == "tsv") {
      print_tsv(file, r);
    } else if (with_names_) {
      std::printf("%s\t%s\n", file.c_str(), r.text.c_str());
    } else {
      std::printf("%s\n", r.text.c_str());
    }
    if (std::ferror(stdout)) throw IoError("the output can't be written; is the pipe closed?");
  }

  /// Ends the output; where nothing was printed, an empty table or array.
  void finish() {
    open();
    if (format_ == "json") std::fputs(first_ ? "]\n" : "\n]\n", stdout);
  }

  bool opened() const { return opened_; }

 private:
  // Late, so that a failure before the first image leaves no half of a document behind.
  void open() {
    if (std::exchange(opened_, true)) return;
    if (format_ == "tsv") print_header();
    if (format_ == "json") std::fputs("[", stdout);
  }

  void print_header() const {
    std::fputs("file\ttext\tconfidence\tenergy\tprobability\tconfidences", stdout);
    for (int k = 1; k <= decoder_.alternatives; ++k) std::printf("\ttext%d\tprobability%d", k, k);
    std::fputs("\n", stdout);
  }

  void print_tsv(const std::string& file, const Reading& r) const {
    std::string line = file + '\t' + r.text + '\t' + cell(r.confidence, 4) + '\t' +
                       cell(r.energy, 3) + '\t' + cell(r.probability, 6) + '\t';
    for (std::size_t k = 0; k < r.characters.size(); ++k) {
      line += (k ? " " : "") + cell(r.characters[k].confidence, 4);
    }
    for (std::size_t k = 0; k < std::size_t(decoder_.alternatives); ++k) {
      const bool there = k < r.alternatives.size();
      line += '\t' + (there ? r.alternatives[k].text : "") + '\t' +
              (there ? cell(r.alternatives[k].probability, 6) : "");
    }
    std::printf("%s\n", line.c_str());
  }

  void print_json(const std::string& file, const Reading& r) {
    using Json = nlohmann::ordered_json;
    Json j{{"file", file},
           {"text", r.text},
           {"decoder", decoder_name(decoder_.way)},
           {"confidence", r.confidence},
           {"energy", r.energy},
           {"probability", r.probability},
           {"probability_over", decoder_.lexicon ? "lexicon" : "all words"},
           {"complete", r.complete},
           {"status", ebm::to_string(r.status)},
           {"characters", Json::array()}};
    for (const CharReading& c : r.characters) {
      Json shown{{"text", c.text},
                 {"x0", c.x0},
                 {"x1", c.x1},
                 {"confidence", c.confidence},
                 {"alternatives", Json::array()}};
      for (const SymbolChoice& s : c.alternatives) {
        shown["alternatives"].push_back({{"text", s.text}, {"probability", s.probability}});
      }
      j["characters"].push_back(std::move(shown));
    }
    for (const WordChoice& w : r.alternatives) {
      j["alternatives"].push_back(
          {{"text", w.text}, {"energy", w.energy}, {"probability", w.probability}});
    }
    std::printf("%s\n  %s", first_ ? "" : ",", json_text(j).c_str());
    first_ = false;
  }

  std::string format_;
  bool with_names_, first_ = true, opened_ = false;
  const DecoderOptions& decoder_;
};

void run_read(const ReadArguments& a, const Settings& settings) {
  if (a.model.empty()) {
    throw UsageError(
        "no model was given; train one (talweg train, talweg demo) and name it with -m");
  }
  decoder_of(a.decoder);  // refuses what contradicts itself before anything is read
  if (a.alternatives > 0 && a.format == "txt") {
    throw UsageError("--alternatives are shown in tables; ask for one with -f tsv or -f json");
  }
  const Recognizer recognizer = Recognizer::load(a.model, parse_conv_algo(a.conv_algo));
  DecoderOptions decoder = decoder_options(a.decoder, recognizer.alphabet());
  decoder.alternatives = a.alternatives;
  std::error_code ignored;
  const bool one = a.images.size() == 1 && a.images[0] != "-" &&
                   std::filesystem::is_regular_file(a.images[0], ignored);
  Printer printer(a.format, !one, decoder);
  std::vector<std::string> names;
  std::vector<io::Gray8> images;
  int64_t skipped = 0;
  const auto flush = [&] {
    const std::vector<Reading> readings = recognizer.read(images, decoder);
    for (std::size_t i = 0; i < names.size(); ++i) printer.print(names[i], readings[i]);
    std::fflush(stdout);
    names.clear();
    images.clear();
  };
  const auto take = [&](const std::string& path) {
    try {
      io::Gray8 image = io::load_gray(path);
      prepare_image(image);  // refuses what the model can't take
      images.push_back(std::move(image));
      names.push_back(path);
    } catch (const std::exception& e) {
      const std::string text = e.what();
      const bool named = text.find(path) != std::string::npos;
      std::fprintf(stderr, "talweg: %s%s%s\n", named ? "" : path.c_str(), named ? "" : ": ",
                   e.what());
      ++skipped;
    }
    if (images.size() == kChunk) flush();
  };
  try {
    for_each_image(a.images, take);
  } catch (const IoError&) {
    // What was read before the fault still comes out whole.
    flush();
    if (printer.opened()) printer.finish();
    throw;
  }
  flush();
  printer.finish();
  if (skipped == 0) return;
  if (!settings.quiet && !one) {
    std::fprintf(stderr, "talweg: %lld image%s could not be read\n",
                 static_cast<long long>(skipped), skipped == 1 ? "" : "s");
  }
  throw Exit{1};
}

}  // namespace

void add_read(CLI::App& app, const Settings& settings) {
  auto a = std::make_shared<ReadArguments>();
  CLI::App* command = app.add_subcommand("read", "Reads images of words");
  command->add_option("-m,--model", a->model, "Model file");
  command->add_option("-f,--format", a->format, "txt, tsv or json")
      ->check(CLI::IsMember({"txt", "tsv", "json"}))
      ->capture_default_str();
  add_decoder_options(*command, a->decoder);
  command
      ->add_option("--alternatives", a->alternatives,
                   "How many best words to list beside the reading, each with its probability")
      ->check(CLI::Range(1, 1000));
  add_conv_algo_option(*command, a->conv_algo);
  command
      ->add_option("images", a->images,
                   "Images, folders, lists of paths (.txt, .tsv), or - for paths on stdin")
      ->required();
  command->footer("Example: talweg read -m demo/model.safetensors -f tsv words/");
  command->callback([=, &settings] { run_read(*a, settings); });
}

}  // namespace talweg::ocr::cli
