// Where words come from: random letters of a given range, or a list in a file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/rng.h"

namespace talweg::ocr {

/// Words of independent, equally likely letters; every length from `min_length` to `max_length` is
/// equally likely.
struct RandomWords {
  std::u32string letters = U"abcdefghijklmnopqrstuvwxyz";
  int min_length = 1;
  int max_length = 8;
};

/// Reads "a-z:1-8" (letters as in letters_of_spec, then lengths; "a-z:5" means just 5). The last
/// ':' separates, so that ':' may be a letter. Throws Error saying which part is wrong.
RandomWords parse_random_words(std::string_view spec);

/// One word, UTF-8. Throws Error if there are no letters or the lengths are not 1 <= min <= max.
std::string random_word(const RandomWords& words, Rng& rng);

/// The words of a UTF-8 file, one a line; spaces at either end, blank lines and the '\r' of Windows
/// files are dropped. Throws IoError, naming the line, on bytes that are not UTF-8, and if there is
/// no word at all.
std::vector<std::string> load_word_list(const std::string& path);

}  // namespace talweg::ocr
