#include "ocr/letter_model.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/io/file.h"
#include "ocr/text.h"

namespace talweg::ocr {
namespace {

constexpr size_t kListed = 8;  // unknown characters named before the rest is counted

/// Where a character that nobody knows stands first.
struct Stranger {
  char32_t character;
  int line;
};

std::string describe_strangers(const std::vector<Stranger>& strangers) {
  std::string text;
  for (size_t k = 0; k < std::min(strangers.size(), kListed); ++k) {
    text += message(k == 0 ? "" : ", ", describe(strangers[k].character), " in line ",
                    strangers[k].line);
  }
  if (strangers.size() > kListed) text += message(" and ", strangers.size() - kListed, " more");
  return text;
}

}  // namespace

LetterModel LetterModel::train(const std::vector<std::string>& words, int order) {
  std::vector<std::u32string> decoded;
  std::set<char32_t> different;
  for (const std::string& word : words) {
    decoded.push_back(decode_utf8(word));
    different.insert(decoded.back().begin(), decoded.back().end());
  }
  std::u32string letters(different.begin(), different.end());
  expect(!letters.empty(), "[ngram] there are no words to learn from; give at least one");
  ebm::LabelList list;
  std::vector<int32_t> symbols;
  for (const std::u32string& word : decoded) {
    symbols.clear();
    for (const char32_t c : word) {
      symbols.push_back(
          static_cast<int32_t>(std::ranges::lower_bound(letters, c) - letters.begin()));
    }
    list.add(symbols);
  }
  const auto size = static_cast<int64_t>(letters.size());
  return {ebm::NgramModel::train(list.view(), size, order), std::move(letters)};
}

LetterModel LetterModel::load(const std::filesystem::path& path) {
  std::string text;
  ebm::NgramModel ngram = ebm::NgramModel::load(path, &text);
  std::u32string letters;
  try {
    letters = decode_utf8(text);
  } catch (const Error&) {
    letters.clear();
  }
  const bool ascends = std::ranges::adjacent_find(letters, std::greater_equal{}) == letters.end();
  if (!ascends || static_cast<int64_t>(letters.size()) != ngram.symbols()) {
    throw IoError(message("[ngram] ", path.string(), " names ", letters.size(),
                          " letters in order for ", ngram.symbols(),
                          " symbols; it was not made by `talweg lm train`, which see"));
  }
  return {std::move(ngram), std::move(letters)};
}

void LetterModel::save(const std::filesystem::path& path) const {
  ngram_.save(path, encode_utf8(letters_));
}

int32_t LetterModel::symbol_of(char32_t letter) const {
  const auto at = std::ranges::lower_bound(letters_, letter);
  if (at == letters_.end() || *at != letter) return ebm::NgramModel::kUnknown;
  return static_cast<int32_t>(at - letters_.begin());
}

std::vector<int32_t> LetterModel::symbols_of(const Alphabet& alphabet) const {
  std::vector<int32_t> symbols = symbols_of(alphabet.letters());
  symbols.push_back(ebm::NgramModel::kUnknown);  // BETWEEN
  return symbols;
}

std::vector<int32_t> LetterModel::symbols_of(std::u32string_view text) const {
  std::vector<int32_t> symbols;
  for (const char32_t c : text) symbols.push_back(symbol_of(c));
  return symbols;
}

ebm::Lexicon load_lexicon(const std::string& path, const Alphabet& alphabet) {
  const std::string bytes = io::read_file(path);
  ebm::LabelList list;
  std::vector<Stranger> strangers;
  std::set<char32_t> seen;
  for (const TextLine& line : lines_of(bytes)) {
    if (trim(line.text).empty()) continue;
    std::string word;
    std::u32string letters;
    try {
      word = to_nfc(trim(line.text));
      letters = decode_utf8(word);
    } catch (const Error& error) {
      throw IoError(message(path, ":", line.number, ": ", error.what()));
    }
    const std::u32string unknown = alphabet.unknown(letters);
    for (const char32_t c : unknown) {
      if (seen.insert(c).second) strangers.push_back({c, line.number});
    }
    if (unknown.empty()) list.add(alphabet.encode(word));
  }
  if (!strangers.empty()) {
    throw IoError(message("[lexicon] ", path, " has characters that the model doesn't know: ",
                          describe_strangers(strangers),
                          "; leave their words out, or take a model that knows them"));
  }
  if (list.view().size() == 0) {
    throw IoError(message("[lexicon] ", path, " holds no word; write one a line"));
  }
  return ebm::Lexicon(list.view(), alphabet.size());
}

}  // namespace talweg::ocr
