// What people have on paper: words, numbers, dates, prices, codes, and signs around them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/rng.h"

namespace talweg::ocr {

/// Draws texts to train a reader with. Of a hundred, about 62 are one English word (three fifths as
/// they are, a fifth Capitalised, a fifth UPPER CASE, a third with signs around them, as in
/// `(word)`, `word's` or `half-time`), 19 numbers (dates, times, prices, telephone numbers, codes,
/// ...), 16 strings of 1 to 12 letters, each equally likely, so that rare signs are learnt and
/// nothing is taken for granted, and 3 single letters; six of a hundred are then made short lines of
/// two to five of these with blanks between.
class TextMix {
 public:
  /// `words`: UTF-8, lower case as a rule. `letters`: all that may occur in a text. Throws Error if
  /// there is no letter but the blank.
  TextMix(const std::vector<std::string>& words, std::u32string letters);
  /// The words of a file, one a line; "" stands for the system's list of English words. Throws
  /// IoError as load_word_list does; it names the package to install where the system has no list.
  static TextMix from_file(const std::string& path, std::u32string letters);

  /// One text: not empty, no blank at either end, every character one of the letters.
  std::string draw(Rng& rng) const;

  const std::u32string& letters() const { return letters_; }

 private:
  std::u32string piece(Rng& rng) const;
  std::u32string word(Rng& rng) const;
  std::u32string random_letters(Rng& rng, int length) const;
  bool allowed(std::u32string_view text) const;

  std::vector<std::u32string> words_;
  std::u32string letters_, inked_;  // as given, sorted; the same without the blank
};

}  // namespace talweg::ocr
