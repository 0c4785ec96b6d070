// The options of the subcommands that read: how a word is found.
#pragma once

#include <cstdint>
#include <string>

#include "ocr/recognizer.h"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's own name
class App;
}

namespace talweg::ocr::cli {

struct DecoderArguments {
  std::string way;  ///< empty: exact, or what --lexicon and --lm ask for
  std::string lexicon, model;
  double model_weight = DecoderOptions().model_weight;
  int64_t beam = DecoderOptions().beam;
  std::string allow;  ///< letters, as letters_of_spec has them; empty: all
};

/// --decoder, --lexicon, --lm, --lm-weight, --beam, --allow.
void add_decoder_options(CLI::App& command, DecoderArguments& a);

/// "exact", "classic", "lexicon", "beam".
const char* decoder_name(Decoder way);

/// The decoder that is asked for. Throws UsageError where the options contradict each other; call it
/// before work starts.
Decoder decoder_of(const DecoderArguments& a);

/// Its options, with the files read. Throws UsageError where --allow names characters that the model
/// doesn't know, IoError where a file can't be used: a lexicon without words
/// or with characters that the model doesn't know (they are listed with their lines), a file that is
/// no letter model.
DecoderOptions decoder_options(const DecoderArguments& a, const Alphabet& alphabet);

}  // namespace talweg::ocr::cli
