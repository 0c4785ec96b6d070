// Lists of words, of fonts and of patterns: any bytes are refused in a sentence, or are words that a
// lexicon finds, a letter model expects and a text mix draws.
#include <algorithm>
#include <string>

#include "core/error.h"
#include "ocr/decoder.h"
#include "ocr/letter_model.h"
#include "ocr/text.h"
#include "ocr/text_mix.h"
#include "ocr/typeface_set.h"
#include "ocr/word_source.h"
#include "tests/fuzz/input.h"
#include "tests/ocr/scratch_folder.h"

namespace talweg::ocr {
namespace {

using fuzz::require;

const Alphabet& alphabet() {
  static const Alphabet letters(U"abc\u00e9' ");
  return letters;
}

void check_lexicon(const std::string& path) {
  const ebm::Lexicon lexicon = load_lexicon(path, alphabet());
  DecoderOptions options;
  options.way = Decoder::lexicon;
  options.lexicon = std::make_shared<const ebm::Lexicon>(lexicon);
  EnergyMap map{8, alphabet().size(), 4, {}};
  for (int k = 0; k < map.windows * map.symbols; ++k) map.values.push_back(float(k * 7 % 11));
  const Reading r = decode(map, alphabet(), ebm::Topology::ctc, options);
  if (r.status != ebm::AlignStatus::ok) return;  // all words are longer than the image
  const std::vector<std::string> words = load_word_list(path);
  require(std::ranges::find(words, r.text) != words.end(), "what is read is a word of the list");
}

void check_words(const std::string& path) {
  const std::vector<std::string> words = load_word_list(path);
  require(!words.empty(), "a list holds a word");
  for (const std::string& word : words) {
    require(to_nfc(word) == word && !word.empty(), "words are text, and composed");
  }
  const LetterModel model = LetterModel::train(words, 3);
  const std::vector<int32_t> symbols = model.symbols_of(decode_utf8(words[0]));
  require(model.ngram().word_cost(symbols) >= 0, "a word's cost is not negative, and no NaN");
  const TextMix mix(words, U"abcdef0123");
  Rng rng(1);
  for (int k = 0; k < 8; ++k) decode_utf8(mix.draw(rng));
}

void check_fonts(const std::string& path) {
  for (const std::string& file : font_files_of({path})) {
    require(!file.empty(), "a font has a file");
  }
}

void check_patterns(const std::string& path) {
  for (const std::string& pattern : load_patterns(path)) {
    matches(pattern, "DejaVu Sans Mono Bold Oblique, and a name as long as there are few");
    if (pattern.find('*') == std::string::npos) {
      require(matches(pattern, pattern), "a name matches itself");
    }
  }
  for (const TypefaceWeight& w : load_weights(path)) {
    require(w.weight >= 0 && w.weight < 1e6, "a weight is no less than 0");
  }
}

}  // namespace
}  // namespace talweg::ocr

talweg::fuzz::Corpus talweg::fuzz::corpus() {
  const std::string words = "abc\nbee\r\n\n  caf\u00e9 \ncafe\u0301\na'b c\n";
  return {{'\0' + words, '\1' + words, "\1" + std::string("caf\xE9\n"),
           '\1' + words + "na\u00efve\n", "\2roboto*\n# all of it\n*sans*mono*\t2.5\nDejaVu\t0\n",
           "\2" + std::string(40, '*') + "a*a*a*a*a*b\n", "\3list.txt\n./list.txt\n",
           "\3Anonymous Pro\n"},
          1000};
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace talweg;
  static const ocr::ScratchFolder folder;
  fuzz::Input in(data, size);
  constexpr void (*kChecks[])(const std::string&) = {ocr::check_lexicon, ocr::check_words,
                                                     ocr::check_patterns, ocr::check_fonts};
  const int64_t way = in.byte();
  // Looking for a font walks over the disk's: one or two will do.
  const bool short_list = std::ranges::count(in.rest(), '\n') <= 2;
  const auto check = kChecks[way == 3 && short_list ? 3 : way % 3];
  try {
    check(folder.write("list.txt", in.rest()));
  } catch (const IoError&) {
  }
  return 0;
}
