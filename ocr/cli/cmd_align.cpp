// talweg align: where each character of a known text stands on an image.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/io/file.h"
#include "core/io/text.h"
#include "ocr/align_figure.h"
#include "ocr/cli/command.h"
#include "ocr/cli/json_text.h"
#include "ocr/cli/model_option.h"
#include "ocr/saliency.h"
#include "ocr/text.h"

namespace talweg::ocr::cli {

namespace {

struct AlignArguments {
  std::string model, image, text, out, saliency;
  std::vector<double> betas{std::numeric_limits<double>::infinity()};
  bool json = false;
};

/// How sure the paths at the temperature are of a character: the greatest probability that a window
/// of its span shows it.
double confidence(const PathsAt& at, const AlignedSpan& span, std::size_t positions) {
  double most = 0;
  for (int i = span.first; i <= span.last; ++i) {
    most = std::max(most, at.posterior[std::size_t(i) * positions + std::size_t(span.position)]);
  }
  return most;
}

nlohmann::ordered_json number(double value) {
  if (std::isfinite(value)) return value;
  return "inf";
}

void print_json(const AlignArguments& a, const AlignedWord& word,
                const std::vector<PathsAt>& temperatures) {
  using Json = nlohmann::ordered_json;
  const auto spans = spans_of(word);
  Json j{{"file", a.image},
         {"text", a.text},
         {"status", ebm::to_string(word.best.status)},
         {"energy", word.best.energy},
         {"windows", word.map.windows},
         {"characters", Json::array()},
         {"temperatures", Json::array()}};
  for (const AlignedSpan& s : spans) {
    j["characters"].push_back(
        {{"text", word.names[std::size_t(s.position)]}, {"x0", s.x0}, {"x1", s.x1}});
  }
  for (const PathsAt& at : temperatures) {
    Json t{{"beta", number(at.beta)}, {"energy", at.energy}, {"confidences", Json::array()}};
    for (const AlignedSpan& s : spans) {
      t["confidences"].push_back(confidence(at, s, word.label.size()));
    }
    j["temperatures"].push_back(std::move(t));
  }
  std::printf("%s\n", json_text(j, 2).c_str());
}

void print_text(const AlignedWord& word, const std::vector<PathsAt>& temperatures) {
  std::printf("status  %s\nF       %s\nwindows %d\n", ebm::to_string(word.best.status),
              io::format_number(word.best.energy, 4).c_str(), word.map.windows);
  for (const PathsAt& at : temperatures) {
    if (std::isinf(at.beta)) continue;
    std::printf("F at beta %s: %s\n", io::format_short(at.beta).c_str(),
                io::format_number(at.energy, 4).c_str());
  }
  std::printf("\ntext\tx0\tx1");
  for (const PathsAt& at : temperatures) {
    if (std::isfinite(at.beta)) std::printf("\tp(%s)", io::format_short(at.beta).c_str());
  }
  std::printf("\n");
  for (const AlignedSpan& s : spans_of(word)) {
    std::printf("%s\t%s\t%s", word.names[std::size_t(s.position)].c_str(),
                io::format_number(s.x0, 1).c_str(), io::format_number(s.x1, 1).c_str());
    for (const PathsAt& at : temperatures) {
      if (std::isinf(at.beta)) continue;
      const double p = confidence(at, s, word.label.size());
      std::printf("\t%s", io::format_number(p, 4).c_str());
    }
    std::printf("\n");
  }
}

/// By the file's name; throws UsageError where it says neither.
FigureFormat format_of(const std::string& file) {
  const auto extension = std::filesystem::path(file).extension();
  if (extension == ".png") return FigureFormat::png;
  if (extension == ".svg") return FigureFormat::svg;
  throw UsageError(
      message("the figure is written as PNG or SVG; ", file, " should end in .png or .svg"));
}

void write_figure(const std::string& file, const std::string& bytes) {
  io::write_file_atomically(file, bytes);
  std::fprintf(stderr, "figure: %s\n", file.c_str());
}

void run_align(const AlignArguments& a) {
  for (const std::string& file : {a.out, a.saliency}) {
    if (!file.empty()) format_of(file);
  }
  for (double beta : a.betas) {
    if (!(beta > 0)) {
      throw UsageError(message("--beta ", beta, " is no inverse temperature; give numbers above 0 ",
                               "or inf, as in 0.3,1,inf"));
    }
  }
  for (const std::string& file : {a.out, a.saliency}) {
    if (!file.empty()) require_writable_for(file);
  }
  const Recognizer recognizer = Recognizer::load(model_file(a.model));
  const io::Gray8 image = io::load_gray(a.image);
  const AlignedWord word = align_word(recognizer, image, a.text);
  std::vector<PathsAt> temperatures;
  for (double beta : a.betas) temperatures.push_back(paths_at(word, beta));
  if (a.json) {
    print_json(a, word, temperatures);
  } else {
    print_text(word, temperatures);
  }
  if (!a.out.empty()) {
    write_figure(a.out, align_figure(word, recognizer.alphabet(), temperatures, format_of(a.out)));
  }
  if (!a.saliency.empty()) {
    write_figure(a.saliency, saliency_figure(saliency(recognizer, image, a.text, a.betas.front()),
                                             format_of(a.saliency)));
  }
}

}  // namespace

void add_align(CLI::App& app, const Settings&) {
  auto a = std::make_shared<AlignArguments>();
  CLI::App* command =
      app.add_subcommand("align", "Finds where each character of a known text stands on an image");
  add_model_option(*command, a->model);
  command->add_option("image", a->image, "Image of the word")->required();
  command
      ->add_option_function<std::string>(
          "--text",
          [a](const std::string& text) {
            try {
              a->text = to_nfc(text);
            } catch (const Error& e) {
              throw UsageError(message("--text can't be meant: ", e.what()));
            }
          },
          "What is written on it")
      ->required();
  command
      ->add_option("--beta", a->betas,
                   "Inverse temperatures of the paths, side by side in the figure: inf (the best "
                   "path alone, the default), 1, or several, as in 0.3,1,inf")
      ->delimiter(',')
      ->expected(1, 16);
  command->add_option(
      "-o,--out", a->out,
      "Figure (.png, .svg): spans on the image, energies, path matrix with the best "
      "path, posterior of the paths");
  command->add_option("--saliency", a->saliency,
                      "Figure (.png, .svg) of the gradient of F, at the first --beta, with respect "
                      "to the pixels: blue where ink makes the text cheaper, red where dearer");
  command->add_flag("--json", a->json, "JSON instead of text");
  command->footer(
      "Example: talweg align -m demo/model.safetensors hello.png --text hello --beta 0.3,1,inf "
      "-o path.svg");
  command->callback([=] { run_align(*a); });
}

}  // namespace talweg::ocr::cli
