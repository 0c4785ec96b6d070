// Typefaces for drawing words: every letter rasterised once, then set as a printer sets type.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/rng.h"
#include "ocr/font.h"
#include "ocr/ink.h"

namespace talweg::ocr {

/// How letters are put beside each other.
struct TypeStyle {
  double tracking = 0;    ///< more space behind every letter, in ems
  double word_space = 1;  ///< times the typeface's own blank
  bool kerning = true;    ///< use the typeface's kerning pairs
};

/// As words are found on paper: mostly as the typeface has it, at times tighter, at times letter-
/// spaced; blanks of 0.7 to 1.8 times their width.
TypeStyle draw_type_style(Rng& rng);

/// The letters of one face as grey bitmaps, unhinted, at one size: 'Ahgjp' is kFrame rows high. It
/// keeps no font open, is immutable, and any number of threads may set words in it.
///
/// A face is refused, so that no training image carries a wrong label, where
/// - one of AHIOXhgjplnox is missing, or more than a fifth of a-zA-Z0-9;
/// - it draws capitals for lower case: more than 5 of the 13 letters whose two cases differ in
///   every normal face (abdefghmnqrtl) have the same shape in both, compared on a grid over their
///   ink; or 'bdhkl' are hardly higher than 'acemnorsuvwxz', or three of 'gpqy' don't go below the
///   line, as in small capitals;
/// - capitals are lower than 'acemnorsuvwxz', or more than four times as high (symbols, swashes);
/// - letters are drawn in outline: scanlines through 'I', 'l', 'H' and 'n' cross twice as many
///   strokes as they should, in at least three of the four;
/// - letters fall to pieces (dots, stripes, barcodes): most of 'H', 'l', 'n', 'o', 'X' have more
///   than three parts;
/// - letters fill less than 3 % or more than 85 % of their boxes on average (hairlines, blocks).
class Typeface {
 public:
  static constexpr int kFrame = 40;

  /// Rasterises those of `letters` that the face truly has: named by the font, with ink (but for
  /// the blank), and unlike what the font draws for missing letters. Throws IoError, naming the
  /// font and the reason, where the face is refused.
  Typeface(const Font& font, std::u32string_view letters);

  const std::string& name() const { return name_; }
  const std::string& family() const { return family_; }
  const std::string& path() const { return path_; }

  /// Every face has the blank; one that its font lacks is a quarter of an em.
  bool has(char32_t letter) const { return find(letter) != nullptr; }
  bool covers(std::u32string_view text) const;
  /// Whether 'i' and 'W' are as far from the next letter as all others, as on a typewriter.
  bool fixed_pitch() const;

  /// What a text's ink reaches over, in pixels as set() draws it: columns from where the pen
  /// starts, rows below the top of 'Ahgjp'. Empty (x0 = x1) without ink.
  CharBox extent(std::u32string_view text, const TypeStyle& style) const;

  /// Sets a text. Letters stand at whole pixels; where two overlap, ink adds up to at most 1. On
  /// every side there is empty space of a third of the frame, and more where the text itself leaves
  /// the frame. Throws Error on a text without ink and on letters that the face lacks.
  Ink set(std::u32string_view text, const TypeStyle& style = {}) const;

  /// A number that two faces have in common if their letters are alike to the last bit.
  uint64_t fingerprint() const;

 private:
  struct Letter {
    char32_t code = 0;
    int16_t left = 0, top = 0, width = 0, height = 0;
    float advance = 0;    // px
    uint32_t offset = 0;  // of its bitmap in coverage_
  };
  struct KerningPair {
    char32_t left, right;
    float step;  // px
  };
  struct Placed {
    const Letter* letter;
    int x;  // of the bitmap's left column
  };

  const Letter* find(char32_t letter) const;
  float kerning(char32_t left, char32_t right) const;
  std::vector<Placed> lay_out(std::u32string_view text, const TypeStyle& style) const;
  CharBox extent_of(const std::vector<Placed>& placed) const;

  std::string name_, family_, path_;
  float em_ = 0;              // px
  int top_ = 0, bottom_ = 0;  // of 'Ahgjp', rows above the baseline
  int x_height_ = 0;
  std::vector<Letter> letters_;     // by code
  std::vector<KerningPair> pairs_;  // by both letters
  std::vector<uint8_t> coverage_;   // all bitmaps, one behind the other
};

}  // namespace talweg::ocr
