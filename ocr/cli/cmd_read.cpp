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
  std::string model, format = "txt", decoder = "exact", conv_algo = "auto";
  std::vector<std::string> images;
};

std::string cell(double value, int decimals) {
  return std::isfinite(value) ? io::format_number(value, decimals) : "";
}

/// Prints readings in one of the formats, in order, as they come.
class Printer {
 public:
  Printer(const std::string& format, bool with_names) : format_(format), with_names_(with_names) {}

  void print(const std::string& file, const Reading& r) {
    open();
    if (format_ == "json") {
      print_json(file, r);
    } else if (format_ == "tsv") {
      std::printf("%s\t%s\t%s\t%s\n", file.c_str(), r.text.c_str(), cell(r.confidence, 4).c_str(),
                  cell(r.energy, 3).c_str());
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
    if (format_ == "tsv") std::fputs("file\ttext\tconfidence\tenergy\n", stdout);
    if (format_ == "json") std::fputs("[", stdout);
  }

  void print_json(const std::string& file, const Reading& r) {
    nlohmann::ordered_json j{{"file", file},
                             {"text", r.text},
                             {"confidence", r.confidence},
                             {"energy", r.energy},
                             {"status", ebm::to_string(r.status)},
                             {"characters", nlohmann::json::array()}};
    for (const CharSpan& c : r.characters) {
      j["characters"].push_back({{"text", c.text}, {"x0", c.x0}, {"x1", c.x1}});
    }
    std::printf("%s\n  %s", first_ ? "" : ",", json_text(j).c_str());
    first_ = false;
  }

  std::string format_;
  bool with_names_, first_ = true, opened_ = false;
};

void run_read(const ReadArguments& a, const Settings& settings) {
  if (a.model.empty()) {
    throw UsageError(
        "no model was given; train one (talweg train, talweg demo) and name it with -m");
  }
  const Decoder decoder = parse_decoder(a.decoder);
  const Recognizer recognizer = Recognizer::load(a.model, parse_conv_algo(a.conv_algo));
  std::error_code ignored;
  const bool one = a.images.size() == 1 && a.images[0] != "-" &&
                   std::filesystem::is_regular_file(a.images[0], ignored);
  Printer printer(a.format, !one);
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
  add_decoder_option(*command, a->decoder);
  add_conv_algo_option(*command, a->conv_algo);
  command
      ->add_option("images", a->images,
                   "Images, folders, lists of paths (.txt, .tsv), or - for paths on stdin")
      ->required();
  command->footer("Example: talweg read -m demo/model.safetensors -f tsv words/");
  command->callback([=, &settings] { run_read(*a, settings); });
}

}  // namespace talweg::ocr::cli
