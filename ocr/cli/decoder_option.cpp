#include "ocr/cli/decoder_option.h"

#include <CLI/CLI.hpp>
#include <array>
#include <memory>
#include <utility>

#include "ocr/cli/command.h"
#include "ocr/letter_model.h"
#include "ocr/text.h"

namespace talweg::ocr::cli {

namespace {

constexpr std::array kNames{
    std::pair{"exact", Decoder::exact}, std::pair{"classic", Decoder::classic},
    std::pair{"lexicon", Decoder::lexicon}, std::pair{"beam", Decoder::beam}};

}  // namespace

void add_decoder_options(CLI::App& command, DecoderArguments& a) {
  command
      .add_option(
          "--decoder", a.way,
          "exact: the least-energy word of all (the default); classic: window by window, "
          "with a majority vote; lexicon: the least-energy word of --lexicon (its default); "
          "beam: energy and --lm together (its default)")
      ->check(CLI::IsMember({"exact", "classic", "lexicon", "beam"}));
  command.add_option("--lexicon", a.lexicon, "Read only the words of this list, one a line");
  command.add_option("--lm", a.model, "Prefer words that this letter model (talweg lm) expects");
  command
      .add_option("--lm-weight", a.model_weight,
                  "Energy for each nat of the letter model; 0 switches it off")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command
      .add_option("--beam", a.beam,
                  "How many prefixes the beam keeps at each window; a wide one misses nothing")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command.add_option("--allow", a.allow,
                     "Read only these characters, as in a-z0-9 (a space is one too); probabilities "
                     "are then over the words made of them");
}

const char* decoder_name(Decoder way) {
  for (const auto& [name, w] : kNames) {
    if (w == way) return name;
  }
  return "unknown";
}

Decoder decoder_of(const DecoderArguments& a) {
  const bool lexicon = !a.lexicon.empty(), model = !a.model.empty();
  if (a.way.empty()) {
    return model ? Decoder::beam : lexicon ? Decoder::lexicon : Decoder::exact;
  }
  for (const auto& [name, way] : kNames) {
    if (a.way != name) continue;
    if (way == Decoder::lexicon && !lexicon) {
      throw UsageError("--decoder lexicon needs a list of words; name it with --lexicon");
    }
    if (way == Decoder::beam && !model) {
      throw UsageError("--decoder beam needs a letter model; name it with --lm");
    }
    if ((model && way != Decoder::beam) ||
        (lexicon && way != Decoder::lexicon && way != Decoder::beam)) {
      throw UsageError(message("--decoder ", name, " reads without ", model ? "--lm" : "--lexicon",
                               "; leave one of them out"));
    }
    return way;
  }
  throw UsageError(message("there is no decoder '", a.way, "'"));
}

DecoderOptions decoder_options(const DecoderArguments& a, const Alphabet& alphabet) {
  DecoderOptions o;
  o.way = decoder_of(a);
  o.beam = a.beam;
  o.model_weight = a.model_weight;
  if (!a.allow.empty()) {
    try {
      o.letters = letters_of_spec(a.allow);
    } catch (const Error& e) {
      throw UsageError(message("--allow can't be meant: ", e.what()));
    }
    const std::u32string unknown = alphabet.unknown(*o.letters);
    if (!unknown.empty()) {
      throw UsageError(message("--allow names what the model doesn't know: ", describe_all(unknown),
                               "; leave it out, or use a model that reads it"));
    }
  }
  if (!a.lexicon.empty()) {
    o.lexicon = std::make_shared<const ebm::Lexicon>(load_lexicon(a.lexicon, alphabet));
  }
  if (!a.model.empty()) {
    const auto model = std::make_shared<const LetterModel>(LetterModel::load(a.model));
    o.to_model = model->symbols_of(alphabet);
    o.model = std::shared_ptr<const ebm::NgramModel>(model, &model->ngram());
  }
  return o;
}

}  // namespace talweg::ocr::cli
