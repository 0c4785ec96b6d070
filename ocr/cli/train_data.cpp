#include "ocr/cli/train_data.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/io/text.h"
#include "ocr/text.h"
#include "ocr/word_model.h"

namespace talweg::ocr::cli {

namespace {

constexpr int kImagesPerBatch = 32;
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

Dataset open_checked(const std::string& path, const Alphabet& alphabet, const DataSpec& spec,
                     bool quiet) {
  Dataset data = open_dataset(path);
  const Architecture architecture = Architecture::parse(spec.architecture);
  const auto windows = [&](int width) { return architecture.windows(width); };
  check_samples(data, &alphabet, windows, ebm::parse_topology(spec.topology));
  report(path, data, spec.skip_bad, quiet);
  if (data.samples.empty()) throw IoError(message(path, ": no sound labelled image is left"));
  return data;
}

/// Moves a random share of the samples to the validation set.
void split(std::vector<Sample>& samples, const DataSpec& spec, std::vector<Sample>& validation) {
  Rng rng = Rng(spec.seed).split(uint64_t{1} << 50);
  for (std::size_t i = samples.size(); i > 1; --i) std::swap(samples[i - 1], samples[rng.below(i)]);
  const auto kept = std::size_t(std::max(1.0, double(samples.size()) * spec.part + 0.5));
  validation.assign(samples.begin() + std::ptrdiff_t(std::min(kept, samples.size())),
                    samples.end());
  samples.resize(std::min(kept, samples.size()));
}

TrainingData from_images(const DataSpec& spec, bool quiet) {
  TrainingData data;
  const Alphabet alphabet = spec.charset == "auto"
                                ? Alphabet(charset_of(open_dataset(spec.train).samples))
                                : Alphabet::from_spec(spec.charset);
  std::vector<Sample> samples = open_checked(spec.train, alphabet, spec, quiet).samples;
  if (spec.validation.empty()) {
    split(samples, spec, data.validation);
  } else {
    data.validation = open_checked(spec.validation, alphabet, spec, quiet).samples;
  }
  Fingerprint fingerprint;
  for (const auto* set : {&samples, &data.validation}) {
    for (const Sample& s : *set) fingerprint.add(s.path + '\t' + s.text);
  }
  data.fingerprint = fingerprint.text();
  data.samples = int64_t(samples.size());
  data.source = std::make_unique<FolderSource>(samples, alphabet, spec.seed, kImagesPerBatch);
  return data;
}

TrainingData from_fonts(const DataSpec& spec) {
  TrainingData data;
  data.words = parse_random_words(spec.random);
  const Alphabet alphabet =
      spec.charset == "auto" ? Alphabet(data.words.letters) : Alphabet::from_spec(spec.charset);
  Fingerprint fingerprint;
  for (const std::string& name : spec.fonts) {
    const Font font = Font::load(find_font(name));
    data.tasks.emplace_back(font, data.words.letters);
    fingerprint.add(font.name());
  }
  data.fingerprint = fingerprint.text();
  FontSourceOptions options;
  options.seed = spec.seed;
  options.words = data.words;
  data.source = std::make_unique<FontSource>(data.tasks, alphabet, options);
  return data;
}

TrainingData from_typefaces(const DataSpec& spec, bool quiet) {
  const Alphabet alphabet = spec.charset == "auto" ? Alphabet(reader_letters())
                                                   : Alphabet::from_spec(spec.charset);
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
  Fingerprint fingerprint;
  fingerprint.add(std::to_string(faces->fingerprint()));
  Rng rng(spec.seed);
  for (int i = 0; i < 1000; ++i) fingerprint.add(texts.draw(rng));  // the word list, in effect
  TrainingData data;
  data.fingerprint = fingerprint.text();
  auto source = std::make_unique<RenderedSource>(faces, std::move(texts), alphabet, rendered);
  data.rendered = source.get();
  data.source = std::move(source);
  return data;
}

}  // namespace

std::string DataSpec::to_json() const {
  return nlohmann::json{{"seed", seed},
                        {"fonts", fonts},
                        {"random", random},
                        {"train", train},
                        {"validation", validation},
                        {"part", part},
                        {"charset", charset},
                        {"skip_bad", skip_bad},
                        {"topology", topology},
                        {"architecture", architecture},
                        {"typefaces", typefaces}, {"never", never}, {"weights", weights},
                        {"words", words}, {"augment", augment}}
      .dump();
}

DataSpec DataSpec::from_json(const std::string& text) {
  try {
    const auto j = nlohmann::json::parse(text);
    DataSpec spec;
    j.at("seed").get_to(spec.seed);
    j.at("fonts").get_to(spec.fonts);
    j.at("random").get_to(spec.random);
    j.at("train").get_to(spec.train);
    j.at("validation").get_to(spec.validation);
    j.at("part").get_to(spec.part);
    j.at("charset").get_to(spec.charset);
    j.at("skip_bad").get_to(spec.skip_bad);
    spec.topology = j.value("topology", std::string("classic"));
    spec.architecture = j.value("architecture", Architecture().to_string());
    spec.typefaces = j.value("typefaces", spec.typefaces);
    spec.never = j.value("never", spec.never);
    spec.weights = j.value("weights", spec.weights);
    spec.words = j.value("words", spec.words);
    spec.augment = j.value("augment", spec.augment);
    return spec;
  } catch (const nlohmann::json::exception& e) {
    throw IoError(message("the checkpoint's description of its data is damaged (", e.what(), ")"));
  }
}

TrainingData open_data(const DataSpec& spec, bool quiet) {
  if (!spec.train.empty()) return from_images(spec, quiet);
  return spec.typefaces.empty() ? from_fonts(spec) : from_typefaces(spec, quiet);
}

}  // namespace talweg::ocr::cli
