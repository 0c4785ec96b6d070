// The symbols of a reader: its letters in a fixed order, and BETWEEN, the symbol of the gaps.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace talweg::ocr {

/// The letters a spec such as "a-z", "a-zA-Z0-9" or "aeiou" stands for: `x-y` is every code point
/// from x to y, a '-' at either end is itself; in Normalization Form C (text.h). Throws Error on a backward range, a repeated letter,
/// or nothing at all.
std::u32string letters_of_spec(std::string_view spec);

/// An ordered set of letters (code points) and one more symbol, BETWEEN, which has the last index.
/// Symbol i < between() is the i-th letter.
class Alphabet {
 public:
  /// The classic task's alphabet, a-z.
  Alphabet();
  /// The letters in the given order. Throws Error if there are none, or one is repeated.
  explicit Alphabet(std::u32string letters);
  /// Alphabet::from_spec("a-zA-Z0-9"); see letters_of_spec.
  static Alphabet from_spec(std::string_view spec);
  /// The inverse of to_string(), as read from a model file.
  static Alphabet from_string(std::string_view letters);
  /// All letters in order, as UTF-8, without BETWEEN.
  std::string to_string() const;

  /// Number of symbols, BETWEEN included.
  int size() const { return static_cast<int>(letters_.size()) + 1; }
  /// The index of BETWEEN, which is the number of letters.
  int32_t between() const { return static_cast<int32_t>(letters_.size()); }
  const std::u32string& letters() const { return letters_; }
  bool contains(char32_t letter) const { return index_.contains(letter); }

  /// The characters of `text` that this alphabet lacks, each once, in order of appearance.
  std::u32string unknown(std::u32string_view text) const;

  /// The letters of a UTF-8 word as symbols. Throws Error naming the first character that is not a
  /// letter, its U+XXXX and the word.
  std::vector<int32_t> encode(std::string_view word) const;
  /// Symbols as UTF-8. Throws Error on BETWEEN or an index out of range.
  std::string decode(std::span<const int32_t> symbols) const;
  /// One symbol as it is drawn: the letter, or "_" for BETWEEN. Throws Error out of range.
  std::string symbol_name(int32_t symbol) const;

  bool operator==(const Alphabet& other) const { return letters_ == other.letters_; }

 private:
  std::u32string letters_;
  std::map<char32_t, int32_t> index_;
};

}  // namespace talweg::ocr
