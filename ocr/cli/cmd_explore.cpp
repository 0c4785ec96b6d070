// talweg explore: a page that shows what the model sees in images.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "ocr/cli/command.h"
#include "ocr/cli/inputs.h"
#include "ocr/cli/model_option.h"
#include "ocr/cli/outside_option.h"
#include "ocr/explore_page.h"

namespace talweg::ocr::cli {

namespace {

struct ExploreArguments {
  std::string model, out = "explore.html";
  std::vector<std::string> images;
  bool outside = false;
  ExploreOptions options;
};

void run_explore(const ExploreArguments& a) {
  constexpr std::size_t kMostImages = 100;  // more would make a page that no browser likes
  require_writable_for(a.out);
  const Recognizer recognizer = Recognizer::load(model_file(a.model));
  std::vector<NamedImage> images;
  const auto take = [&](const std::string& path) {
    if (images.size() == kMostImages) {
      throw UsageError(message("a page shows ", kMostImages, " images at most; name fewer"));
    }
    images.push_back({path, io::load_gray(path)});
    model_width(images.back().image.width, images.back().image.height);  // refuses what is too wide
  };
  for_each_image(a.images, a.outside, take, [] {});
  explore_page(recognizer, images, a.options).save(a.out);
  std::printf("%s\n", a.out.c_str());
}

}  // namespace

void add_explore(CLI::App& app, const Settings&) {
  auto a = std::make_shared<ExploreArguments>();
  CLI::App* command = app.add_subcommand(
      "explore", "Writes a page that shows what the model sees in images, to walk through");
  add_model_option(*command, a->model);
  command->add_option("images", a->images, "Images, folders or lists of paths (.txt, .tsv)")
      ->required();
  add_outside_option(*command, a->outside);
  command
      ->add_option("--alternatives", a->options.alternatives,
                   "How many best words to show, each with its probability")
      ->check(CLI::Range(1, 50))
      ->capture_default_str();
  command->add_option("--text", a->options.text,
                      "Also set this text against each image: its energy, probability and path");
  command->add_option("-o,--out", a->out, "Page to write; it needs nothing but a browser")
      ->capture_default_str();
  command->footer("Example: talweg explore word.png -o word.html");
  command->callback([=] { run_explore(*a); });
}

}  // namespace talweg::ocr::cli
