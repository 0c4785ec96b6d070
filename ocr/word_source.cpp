#include "ocr/word_source.h"

#include <charconv>

#include "core/error.h"
#include "core/io/file.h"
#include "ocr/alphabet.h"
#include "ocr/text.h"

namespace talweg::ocr {
namespace {

constexpr int kMaxWordLength = 1000;

void check_lengths(int min_length, int max_length) {
  expect(1 <= min_length && min_length <= max_length && max_length <= kMaxWordLength,
         "[words] lengths ", min_length, " to ", max_length,
         " must satisfy 1 <= shortest <= longest", " <= ", kMaxWordLength);
}

int parse_length(std::string_view digits, std::string_view spec) {
  int value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value);
  expect(error == std::errc() && stop == end, "[words] '", digits, "' in '", spec,
         "' is not a length; write letters:shortest-longest, as in a-z:1-8");
  return value;
}

}  // namespace

RandomWords parse_random_words(std::string_view spec) {
  const size_t colon = spec.rfind(':');
  expect(colon != std::string_view::npos && colon > 0, "[words] '", spec,
         "' lacks letters or lengths; write letters:shortest-longest, as in a-z:1-8");
  const std::string_view lengths = spec.substr(colon + 1);
  const size_t dash = lengths.find('-');
  RandomWords words;
  words.letters = letters_of_spec(spec.substr(0, colon));
  words.min_length = parse_length(lengths.substr(0, dash), spec);
  words.max_length = dash == std::string_view::npos ? words.min_length
                                                    : parse_length(lengths.substr(dash + 1), spec);
  check_lengths(words.min_length, words.max_length);
  return words;
}

std::string random_word(const RandomWords& words, Rng& rng) {
  expect(!words.letters.empty(), "[words] random words need at least one letter");
  check_lengths(words.min_length, words.max_length);
  const uint64_t lengths = uint64_t(words.max_length) - uint64_t(words.min_length) + 1;
  const int length = words.min_length + int(rng.below(lengths));
  std::u32string word;
  for (int i = 0; i < length; ++i) word += words.letters[rng.below(words.letters.size())];
  return encode_utf8(word);
}

std::vector<std::string> load_word_list(const std::string& path) {
  const std::string bytes = io::read_file(path);
  std::vector<std::string> words;
  for (const TextLine& line : lines_of(bytes)) {
    const std::string_view word = trim(line.text);
    if (word.empty()) continue;
    try {
      words.push_back(to_nfc(word));
    } catch (const Error& error) {
      throw IoError(message(path, ":", line.number, ": ", error.what()));
    }
  }
  if (words.empty()) throw IoError(message("[words] ", path, " holds no word; write one a line"));
  return words;
}

}  // namespace talweg::ocr
