// talweg align: where each character of a known text stands on an image.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/io/text.h"
#include "ocr/align_figure.h"
#include "ocr/cli/command.h"
#include "ocr/cli/json_text.h"

namespace talweg::ocr::cli {

namespace {

struct AlignArguments {
  std::string model, image, text, out;
  bool json = false;
};

/// A character of the text and the columns of the image that its windows cover.
struct Span {
  std::string text;
  double x0, x1;
};

std::vector<Span> spans_of(const AlignedWord& word, int32_t between) {
  std::vector<Span> spans;
  for (int i = 0; i < word.map.windows; ++i) {
    const int32_t j = word.best.path[std::size_t(i)];
    if (word.label[std::size_t(j)] == between) continue;
    const double x0 = i * word.map.window_width;
    if (i == 0 || word.best.path[std::size_t(i) - 1] != j)
      spans.push_back({word.names[std::size_t(j)], x0, x0});
    spans.back().x1 = x0 + word.map.window_width;
  }
  return spans;
}

void print(const AlignArguments& a, const AlignedWord& word, int32_t between) {
  const std::vector<Span> spans = spans_of(word, between);
  if (a.json) {
    nlohmann::ordered_json j{{"file", a.image},
                             {"text", a.text},
                             {"status", ebm::to_string(word.best.status)},
                             {"energy", word.best.energy},
                             {"windows", word.map.windows},
                             {"characters", nlohmann::json::array()}};
    for (const Span& s : spans) {
      j["characters"].push_back({{"text", s.text}, {"x0", s.x0}, {"x1", s.x1}});
    }
    std::printf("%s\n", json_text(j, 2).c_str());
    return;
  }
  std::printf("status  %s\nF       %s\nwindows %d\n\ntext\tx0\tx1\n",
              ebm::to_string(word.best.status), io::format_number(word.best.energy, 4).c_str(),
              word.map.windows);
  for (const Span& s : spans) {
    std::printf("%s\t%s\t%s\n", s.text.c_str(), io::format_number(s.x0, 1).c_str(),
                io::format_number(s.x1, 1).c_str());
  }
}

void run_align(const AlignArguments& a) {
  const bool draws = !a.out.empty();
  if (draws && std::filesystem::path(a.out).extension() != ".png") {
    throw UsageError(message("the figure is written as PNG; ", a.out, " should end in .png"));
  }
  if (draws) require_writable_for(a.out);
  const Recognizer recognizer = Recognizer::load(a.model);
  const AlignedWord word = align_word(recognizer, io::load_gray(a.image), a.text);
  print(a, word, recognizer.alphabet().between());
  if (!draws) return;
  io::save_png(a.out, align_figure(word, recognizer.alphabet()));
  std::fprintf(stderr, "figure: %s\n", a.out.c_str());
}

}  // namespace

void add_align(CLI::App& app, const Settings&) {
  auto a = std::make_shared<AlignArguments>();
  CLI::App* command =
      app.add_subcommand("align", "Finds where each character of a known text stands on an image");
  command->add_option("-m,--model", a->model, "Model file")->required();
  command->add_option("image", a->image, "Image of the word")->required();
  command->add_option("--text", a->text, "What is written on it")->required();
  command->add_option("-o,--out", a->out,
                      "Figure (.png): spans on the image, energies, path matrix and best path");
  command->add_flag("--json", a->json, "JSON instead of text");
  command->footer(
      "Example: talweg align -m demo/model.safetensors hello.png --text hello -o path.png");
  command->callback([=] { run_align(*a); });
}

}  // namespace talweg::ocr::cli
