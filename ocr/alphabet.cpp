#include "ocr/alphabet.h"

#include <unordered_set>
#include <utility>

#include "core/error.h"
#include "ocr/text.h"

namespace talweg::ocr {

std::u32string letters_of_spec(std::string_view spec) {
  const std::u32string text = decode_utf8(to_nfc(spec));
  std::u32string letters;
  std::unordered_set<char32_t> seen;
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t first = text[i];
    char32_t last = first;
    if (i + 2 < text.size() && text[i + 1] == U'-') {
      last = text[i + 2];
      expect(first <= last, "[alphabet] the range from ", describe(first), " to ", describe(last),
             " in '", spec, "' runs backwards; swap its ends");
      i += 2;
    }
    for (char32_t c = first; c <= last; ++c) {
      if (c == 0xD800) c = 0xE000;  // a range may span the surrogates, which are no characters
      if (!seen.insert(c).second) {
        throw_error("[alphabet] ", describe(c), " occurs twice in '", spec,
                    "'; name each letter once");
      }
      letters += c;
    }
  }
  expect(!letters.empty(), "[alphabet] no letters given; try a-z");
  return letters;
}

Alphabet::Alphabet() : Alphabet(letters_of_spec("a-z")) {}

Alphabet::Alphabet(std::u32string letters) : letters_(std::move(letters)) {
  expect(!letters_.empty(), "[alphabet] an alphabet needs at least one letter");
  for (char32_t c : letters_) {
    const bool is_new = index_.emplace(c, static_cast<int32_t>(index_.size())).second;
    if (!is_new) throw_error("[alphabet] ", describe(c), " occurs twice; name each letter once");
  }
}

Alphabet Alphabet::from_spec(std::string_view spec) { return Alphabet(letters_of_spec(spec)); }

Alphabet Alphabet::from_string(std::string_view letters) { return Alphabet(decode_utf8(letters)); }

std::string Alphabet::to_string() const { return encode_utf8(letters_); }

std::u32string Alphabet::unknown(std::u32string_view text) const {
  std::u32string missing;
  std::unordered_set<char32_t> seen;
  for (char32_t c : text) {
    if (!contains(c) && seen.insert(c).second) missing += c;
  }
  return missing;
}

std::vector<int32_t> Alphabet::encode(std::string_view word) const {
  std::vector<int32_t> symbols;
  for (char32_t c : decode_utf8(word)) {
    const auto found = index_.find(c);
    expect(found != index_.end(), "[alphabet] ", describe(c), " in '", word, "' is not one of the ",
           letters_.size(), " letters of the alphabet");
    symbols.push_back(found->second);
  }
  return symbols;
}

std::string Alphabet::decode(std::span<const int32_t> symbols) const {
  std::string word;
  for (int32_t symbol : symbols) {
    expect(0 <= symbol && symbol < between(), "[alphabet] symbol ", symbol,
           " is no letter; letters are 0 ... ", between() - 1, " and BETWEEN is ", between());
    word += encode_utf8(letters_[size_t(symbol)]);
  }
  return word;
}

std::string Alphabet::symbol_name(int32_t symbol) const {
  return symbol == between() ? "_" : decode(std::span(&symbol, 1));
}

}  // namespace talweg::ocr
