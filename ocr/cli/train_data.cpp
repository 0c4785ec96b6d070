#include "ocr/cli/train_data.h"

#include <algorithm>
#include <cstdio>

#include "core/io/text.h"
#include "ocr/data_split.h"
#include "ocr/dataset_stats.h"
#include "ocr/demo.h"
#include "ocr/fine_tune.h"
#include "ocr/mixed_source.h"
#include "ocr/text.h"
#include "ocr/word_model.h"

namespace talweg::ocr::cli {

namespace {

constexpr int kImagesPerBatch = 32;
constexpr int kValidationWords = 300;  // of the classic task, a variant
constexpr int kRenderedWords = 1000;   // from typefaces
constexpr std::size_t kShownFindings = 20;

/// A running hash (FNV-1a, 64 bit): enough to notice that data changed, not to resist an adversary.
class Fingerprint {
 public:
  void add(const std::string& text) {
    for (unsigned char c : text + '\n') hash_ = (hash_ ^ c) * 1099511628211u;
  }
  std::string text() const {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash_));
    return digits;
  }

 private:
  uint64_t hash_ = 14695981039346656037u;
};

/// Prints what was found. The share of labels that are too long is always told, even when it is none.
void report(const std::string& path, const Dataset& data, bool skip_bad, bool quiet) {
  const std::size_t total = data.samples.size() + data.findings.size();
  for (std::size_t i = 0; i < std::min(kShownFindings, data.findings.size()); ++i) {
    std::fprintf(stderr, "talweg: %s\n", data.findings[i].message.c_str());
  }
  if (data.findings.size() > kShownFindings) {
    std::fprintf(stderr, "talweg: and %zu more\n", data.findings.size() - kShownFindings);
  }
  if (!data.findings.empty() && !skip_bad) {
    throw IoError(message(path, ": ", data.findings.size(), " of ", total,
                          " samples can't be used (see above); mend them, or leave them out with ",
                          "--bad-gt skip"));
  }
  const auto too_long = std::count_if(data.findings.begin(), data.findings.end(),
                                      [](auto& f) { return f.fault == Fault::kLabelTooLong; });
  if (!quiet) {
    std::fprintf(
        stderr, "%s: %zu samples (%s), labels too long for their image: %lld (%s %%)\n",
        path.c_str(), data.samples.size(), data.format.c_str(), static_cast<long long>(too_long),
        io::format_number(total ? 100.0 * double(too_long) / double(total) : 0, 3).c_str());
  }
}

/// The samples whose images can be used and are wide enough for their labels.
Dataset open_sound(const std::string& path, const DataSpec& spec) {
  Dataset data = open_dataset(path, {spec.outside});
  const Architecture architecture = Architecture::parse(spec.architecture);
  check_samples(
      data, nullptr, [&](int width) { return architecture.windows(width); },
      ebm::parse_topology(spec.topology));
  return data;
}

IoError none_left(const std::string& path) {
  return IoError(message(path, ": no sound labelled image is left"));
}

/// Those of them that the alphabet spells.
std::vector<Sample> spelled(const std::string& path, Dataset data, const Alphabet& alphabet,
                            const DataSpec& spec, bool quiet) {
  check_letters(data, alphabet);
  report(path, data, spec.skip_bad, quiet);
  if (data.samples.empty()) throw none_left(path);
  return std::move(data.samples);
}

/// Words of the classic task, as many of each variant.
HeldOut classic_words(const std::vector<ClassicTask>& tasks, const RandomWords& words,
                      uint64_t seed) {
  return HeldOut(int64_t(kVariants.size()) * kValidationWords, [=](int64_t i) {
    const auto v = std::size_t(i / kValidationWords);
    Rng rng = Rng(seed).split(uint64_t{1} << 51).split(v).split(uint64_t(i % kValidationWords));
    const std::string text = random_word(words, rng);
    return HeldOutWord{tasks[v % tasks.size()].render(text, kVariants[v], rng), text,
                       message("drawn word ", i, ", ", variant_name(kVariants[v]))};
  });
}

HeldOut rendered_words(const RenderedSource& source, uint64_t seed) {
  return HeldOut(kRenderedWords, [&source, seed](int64_t i) {
    RenderedWord word = source.draw(seed, i);
    return HeldOutWord{std::move(word.image), word.text,
                       message("drawn word ", i, ", ", word.face)};
  });
}

/// Throws IoError where labels hold letters that a model which keeps its own can't read: says
/// which, how often, and where first.
void refuse_foreign(const std::vector<Sample>& samples, const Alphabet& alphabet,
                    const std::string& path) {
  const std::vector<LetterUse> foreign = foreign_letters(samples, alphabet);
  if (foreign.empty()) return;
  for (std::size_t i = 0; i < std::min(kShownFindings, foreign.size()); ++i) {
    const LetterUse& use = foreign[i];
    std::fprintf(stderr, "talweg: %s, %lld times in %lld labels, first in %s\n",
                 describe(use.letter).c_str(), static_cast<long long>(use.times),
                 static_cast<long long>(use.samples), use.first.c_str());
  }
  if (foreign.size() > kShownFindings) {
    std::fprintf(stderr, "talweg: and %zu more letters\n", foreign.size() - kShownFindings);
  }
  throw IoError(message(path, ": the model to begin from lacks ", foreign.size(),
                        " of the labels' letters (see above); teach it them with --charset-mode ",
                        "union, or leave such labels out with --bad-gt skip"));
}

/// The letters to read: those that were asked for, or else `found` in the data; where the run begins
/// from a model, as the charset mode says.
Alphabet alphabet_of(const DataSpec& spec, std::u32string_view found) {
  const std::u32string letters =
      spec.charset == "auto" ? std::u32string(found) : letters_of_spec(spec.charset);
  if (spec.base.empty()) return Alphabet(letters);
  return resized(Alphabet::from_string(spec.base), parse_charset_mode(spec.charset_mode), letters);
}

std::unique_ptr<RenderedSource> open_typefaces(const DataSpec& spec, const Alphabet& alphabet,
                                               Fingerprint& fingerprint, bool quiet) {
  TypefaceSetOptions options;
  options.letters = alphabet.letters();
  if (!spec.never.empty()) options.never = load_patterns(spec.never);
  if (!spec.weights.empty()) options.weights = load_weights(spec.weights);
  auto faces = std::make_shared<const TypefaceSet>(font_files_of(spec.typefaces), options);
  if (!quiet) {
    std::fprintf(stderr, "%d typefaces; left out: %zu unfit, %d the same again, %d forbidden\n",
                 faces->size(), faces->refused().size(), faces->doubles(), faces->forbidden());
  }
  const Architecture architecture = Architecture::parse(spec.architecture);
  RenderedOptions rendered;
  rendered.seed = spec.seed;
  rendered.level = parse_degradation_level(spec.augment);
  rendered.topology = ebm::parse_topology(spec.topology);
  rendered.windows = [architecture](int width) { return architecture.windows(width); };
  TextMix texts = TextMix::from_file(spec.words, alphabet.letters());
  fingerprint.add(std::to_string(faces->fingerprint()));
  Rng rng(spec.seed);
  for (int i = 0; i < 1000; ++i) fingerprint.add(texts.draw(rng));  // the word list, in effect
  return std::make_unique<RenderedSource>(faces, std::move(texts), alphabet, rendered);
}

TrainingData from_images(const DataSpec& spec, bool quiet) {
  TrainingData data;
  Dataset sound = open_sound(spec.train, spec);
  if (sound.samples.empty()) {
    report(spec.train, sound, spec.skip_bad, quiet);
    throw none_left(spec.train);
  }
  std::u32string letters = charset_of(sound.samples);
  if (!spec.typefaces.empty()) {  // whatever is drawn beside the images
    letters = resized(Alphabet(reader_letters()), CharsetMode::joint, letters).letters();
  }
  const Alphabet alphabet = alphabet_of(spec, letters);
  const bool keeps = !spec.base.empty() && spec.charset_mode == "keep";
  if (keeps && !spec.skip_bad) refuse_foreign(sound.samples, alphabet, spec.train);
  DataSplit samples{spelled(spec.train, std::move(sound), alphabet, spec, quiet), {}};
  if (spec.validation.empty()) {
    samples = split(std::move(samples.train), spec.part, spec.seed);
  } else {
    samples.validation =
        spelled(spec.validation, open_sound(spec.validation, spec), alphabet, spec, quiet);
  }
  Fingerprint fingerprint;
  for (const auto* set : {&samples.train, &samples.validation}) {
    for (const Sample& s : *set) fingerprint.add(s.path + '\t' + s.text);
  }
  data.samples = std::ssize(samples.train);
  data.source = std::make_unique<FolderSource>(samples.train, alphabet, spec.seed, kImagesPerBatch);
  data.own = HeldOut(std::move(samples.validation));
  if (!spec.typefaces.empty()) {
    auto drawn = open_typefaces(spec, alphabet, fingerprint, quiet);
    data.rendered = drawn.get();
    data.drawn = rendered_words(*drawn, spec.seed);
    data.source = std::make_unique<MixedSource>(std::move(data.source), std::move(drawn), spec.mix);
  }
  data.fingerprint = fingerprint.text();
  return data;
}

TrainingData from_fonts(const DataSpec& spec) {
  TrainingData data;
  FontSourceOptions options;
  options.seed = spec.seed;
  options.words = parse_random_words(spec.random);
  const Alphabet alphabet = alphabet_of(spec, options.words.letters);
  Fingerprint fingerprint;
  std::vector<ClassicTask> tasks;
  for (const std::string& name : spec.fonts) {
    const Font font = Font::load(find_font(name));
    tasks.emplace_back(font, options.words.letters);
    fingerprint.add(font.name());
  }
  data.fingerprint = fingerprint.text();
  data.drawn = classic_words(tasks, options.words, spec.seed);
  data.source = std::make_unique<FontSource>(tasks, alphabet, options);
  return data;
}

TrainingData from_typefaces(const DataSpec& spec, bool quiet) {
  TrainingData data;
  Fingerprint fingerprint;
  auto source = open_typefaces(spec, alphabet_of(spec, reader_letters()), fingerprint, quiet);
  data.fingerprint = fingerprint.text();
  data.rendered = source.get();
  data.drawn = rendered_words(*source, spec.seed);
  data.source = std::move(source);
  return data;
}

}  // namespace

TrainingData open_data(const DataSpec& spec, bool quiet) {
  if (!spec.train.empty()) return from_images(spec, quiet);
  return spec.typefaces.empty() ? from_fonts(spec) : from_typefaces(spec, quiet);
}

}  // namespace talweg::ocr::cli
