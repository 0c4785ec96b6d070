// talweg render: word images from fonts, with their texts.
#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>

#include "core/io/file.h"
#include "ocr/classic_task.h"
#include "ocr/cli/command.h"
#include "ocr/cli/progress.h"
#include "ocr/dataset.h"
#include "ocr/rendered_source.h"
#include "ocr/text.h"
#include "ocr/word_source.h"

namespace talweg::ocr::cli {

namespace {

struct RenderArguments {
  std::vector<std::string> fonts;
  std::string font_dir, words_file, random, out;
  int count = 0, height = 32;
  std::string variant = "plain";
  std::string augment, text, never, weights, charset;  // of drawn pages
  bool boxes = false;

  /// Whether words are drawn as pages show them, instead of as the classic task does.
  bool pages() const { return !augment.empty(); }
};

/// The words to draw: all of a list, or `count` of it or of random ones.
std::vector<std::string> words_of(const RenderArguments& a, uint64_t seed) {
  std::vector<std::string> words;
  if (!a.words_file.empty()) {
    const std::vector<std::string> list = load_word_list(a.words_file);
    const std::size_t count = a.count > 0 ? std::size_t(a.count) : list.size();
    for (std::size_t i = 0; i < count; ++i) words.push_back(list[i % list.size()]);
    return words;
  }
  const RandomWords random = parse_random_words(a.random.empty() ? "a-z:1-8" : a.random);
  for (int i = 0; i < (a.count > 0 ? a.count : 100); ++i) {
    Rng rng = Rng(seed).split(uint64_t(i)).split(0);
    words.push_back(random_word(random, rng));
  }
  return words;
}

std::u32string letters_in(const std::vector<std::string>& words) {
  std::set<char32_t> letters;
  for (const std::string& word : words) {
    for (char32_t c : decode_utf8(word)) letters.insert(c);
  }
  return {letters.begin(), letters.end()};
}

/// One task a font. A font that was named must have every letter; of a folder, those that lack some
/// are left out.
std::vector<ClassicTask> tasks_of(const RenderArguments& a, const std::u32string& letters,
                                  bool quiet) {
  std::vector<ClassicTask> tasks;
  std::vector<std::string> names = a.fonts;
  if (names.empty() && a.font_dir.empty()) names.emplace_back(kDefaultFont);
  for (const std::string& name : names) {
    tasks.emplace_back(Font::load(find_font(name)), letters, a.height);
  }
  if (a.font_dir.empty()) return tasks;
  for (const std::string& path : fonts_in(a.font_dir)) {
    try {
      tasks.emplace_back(Font::load(path), letters, a.height);
    } catch (const IoError& e) {
      if (!quiet) std::fprintf(stderr, "talweg: left out: %s\n", e.what());
    }
  }
  if (tasks.empty()) {
    throw IoError(message("no font in ", a.font_dir, " has all ", letters.size(),
                          " characters that the words need"));
  }
  return tasks;
}

std::string box_lines(const std::string& file, const std::string& text,
                      const std::vector<CharBox>& boxes) {
  std::string lines;
  const std::u32string letters = decode_utf8(text);
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const CharBox& b = boxes[i];
    lines += message(file, '\t', i, '\t', encode_utf8(letters.substr(i, 1)), '\t', b.x0, '\t', b.y0,
                     '\t', b.x1, '\t', b.y1, '\n');
  }
  return lines;
}

/// Draws word i, its image and its boxes; any number of threads call it.
using DrawWord = std::function<RenderedWord(int i)>;

/// The classic task's words.
DrawWord classic_words(const RenderArguments& a, const Settings& settings, int& count) {
  if (!a.words_file.empty() && !a.random.empty()) {
    throw UsageError("--words and --random both say what to draw; give one of them");
  }
  const Variant variant = parse_variant(a.variant);
  auto words = std::make_shared<const std::vector<std::string>>(words_of(a, settings.seed));
  auto tasks = std::make_shared<const std::vector<ClassicTask>>(
      tasks_of(a, letters_in(*words), settings.quiet));
  count = int(words->size());
  return [=, seed = settings.seed](int i) {
    Rng rng = Rng(seed).split(uint64_t(i)).split(1);
    RenderedWord word;
    word.text = (*words)[std::size_t(i)];
    const ClassicTask& task = (*tasks)[rng.below(tasks->size())];
    word.image = task.render(word.text, variant, rng, &word.boxes);
    return word;
  };
}

/// Words as pages show them: any typeface of a collection, texts of a mix or of a list.
DrawWord page_words(const RenderArguments& a, const Settings& settings, int& count) {
  if (a.variant != "plain") {
    throw UsageError("--variant belongs to the classic task, --augment to pages; give one of them");
  }
  if (a.text == "mix" && !a.random.empty()) {
    throw UsageError("--text mix has random strings of its own; leave --random out");
  }
  if (a.text == "words" && a.words_file.empty() && a.random.empty()) {
    throw UsageError("--text words draws what --words or --random say; give one of them");
  }
  if (!a.words_file.empty() && !a.random.empty()) {
    throw UsageError("--words and --random both say what to draw; give one of them");
  }
  const bool listed = a.text != "mix" && (!a.words_file.empty() || !a.random.empty());
  std::vector<std::string> names = a.fonts;
  if (!a.font_dir.empty()) names.push_back(a.font_dir);
  if (names.empty()) names = system_font_folders();
  auto words = std::make_shared<const std::vector<std::string>>(
      listed ? words_of(a, settings.seed) : std::vector<std::string>());
  TypefaceSetOptions options;
  options.letters = a.charset.empty() ? reader_letters() : letters_of_spec(a.charset);
  if (listed) options.letters = letters_in(*words);
  if (!a.never.empty()) options.never = load_patterns(a.never);
  if (!a.weights.empty()) options.weights = load_weights(a.weights);
  RenderedOptions rendered;
  rendered.level = parse_degradation_level(a.augment);
  auto faces = std::make_shared<const TypefaceSet>(font_files_of(names), options);
  if (!settings.quiet) {
    std::fprintf(stderr, "%d typefaces; %zu unfit, %d doubles, %d never to be used\n",
                 faces->size(), faces->refused().size(), faces->doubles(), faces->forbidden());
  }
  TextMix texts =
      listed ? TextMix({}, options.letters) : TextMix::from_file(a.words_file, options.letters);
  auto source = std::make_shared<const RenderedSource>(faces, std::move(texts),
                                                       Alphabet(options.letters), rendered);
  count = listed ? int(words->size()) : a.count > 0 ? a.count : 100;
  return [=, seed = settings.seed](int i) {
    return listed ? source->draw((*words)[std::size_t(i)], seed, i) : source->draw(seed, i);
  };
}

void run_render(const RenderArguments& a, const Settings& settings) {
  int count = 0;
  const DrawWord draw =
      a.pages() ? page_words(a, settings, count) : classic_words(a, settings, count);
  const io::FileLock ours = claim_folder(a.out);
  catch_interrupts();

  const int digits = std::max(4, int(std::to_string(count - 1).size()));
  std::vector<Label> labels(static_cast<std::size_t>(count));
  std::vector<std::string> boxes(static_cast<std::size_t>(count));
  std::vector<std::string> faces(static_cast<std::size_t>(count));
  Progress progress("rendering", count, settings.quiet);
  std::atomic<int> done = 0;
  std::exception_ptr failure;
  // Each file is flushed to disk before it counts, so writing waits: more threads than processors.
#pragma omp parallel for schedule(dynamic) num_threads(16)
  for (int i = 0; i < count; ++i) {
    if (interrupted()) continue;
    try {
      std::string name = std::to_string(i);
      name.insert(0, std::size_t(digits) - name.size(), '0');
      const RenderedWord word = draw(i);
      write_sample(a.out, name, word.image, word.text);
      labels[std::size_t(i)] = {name + ".png", word.text};
      boxes[std::size_t(i)] = box_lines(name + ".png", word.text, word.boxes);
      faces[std::size_t(i)] = message(name, ".png\t", word.face, '\n');
      const int finished = ++done;
#pragma omp critical
      progress.update(finished);
    } catch (...) {
#pragma omp critical
      failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
  if (interrupted()) {
    throw IoError(message("interrupted after ", done.load(), " of ", count,
                          " images; labels.tsv was not written, render again for a whole set"));
  }
  write_labels(a.out, labels);
  const std::filesystem::path out(a.out);
  if (a.boxes) {
    std::string table = "file\tindex\ttext\tx0\ty0\tx1\ty1\n";
    for (const std::string& lines : boxes) table += lines;
    io::write_file_atomically(out / "boxes.tsv", table);
  }
  if (a.pages()) {
    std::string table = "file\ttypeface\n";
    for (const std::string& line : faces) table += line;
    io::write_file_atomically(out / "typefaces.tsv", table);
  }
  std::printf("%d images in %s\n", count, a.out.c_str());
}

}  // namespace

void add_render(CLI::App& app, const Settings& settings) {
  auto a = std::make_shared<RenderArguments>();
  CLI::App* command =
      app.add_subcommand("render", "Draws word images with fonts: x.png, x.gt.txt and labels.tsv");
  command->add_option("--font", a->fonts, "Font file or name; Anonymous Pro if none is given");
  command->add_option("--font-dir", a->font_dir, "Folder whose fonts are used as well");
  command->add_option("--words", a->words_file, "Word list, one a line");
  command->add_option("--random", a->random, "Random words, letters:lengths (default a-z:1-8)");
  command->add_option("--count", a->count, "Number of images (default 100, or the whole list)")
      ->check(CLI::Range(1, 10'000'000));
  command->add_option("--height", a->height, "Height in pixels; everything scales with it")
      ->capture_default_str();
  command->add_option("--variant", a->variant, "plain, jitter or noise")->capture_default_str();
  command
      ->add_option(
          "--augment", a->augment,
          "Words as pages show them, in any typeface of the fonts (default: the system's): "
          "none (clean), light (a clean print) or scan (old, worn, photographed, ...)")
      ->check(CLI::IsMember({"none", "light", "scan"}));
  command
      ->add_option(
          "--text", a->text,
          "With --augment: mix (words of the list with numbers, dates, codes, signs, random "
          "strings) or words (of --words or --random as they are)")
      ->check(CLI::IsMember({"mix", "words"}));
  command->add_option("--charset", a->charset,
                      "With --text mix: the letters that may occur (default: ASCII and £é–’“”€)");
  command->add_option("--never", a->never,
                      "With --augment: file of patterns of folders and families not to be used");
  command->add_option("--font-weights", a->weights,
                      "With --augment: file of patterns and how much more often to use them");
  command->add_option("--out", a->out, "Folder for the images")->required();
  command->add_flag("--boxes", a->boxes, "Also write boxes.tsv, the ink box of every character");
  command->footer(
      "Examples: talweg render --random a-z:1-8 --count 1000 --variant noise --out words\n"
      "          talweg render --augment scan --text mix --count 1000 --boxes --out pages");
  command->callback([=, &settings] { run_render(*a, settings); });
}

}  // namespace talweg::ocr::cli
