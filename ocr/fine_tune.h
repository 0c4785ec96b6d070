// Training that begins from a trained model: which letters it reads then, and what it keeps.
#pragma once

#include <string>
#include <string_view>

#include "nn/parameters.h"
#include "ocr/alphabet.h"

namespace talweg::ocr {

/// What the letters of a loaded model mean to the one that is trained from it.
enum class CharsetMode {
  keep,   ///< the loaded model's letters, and no others
  joint,  ///< "union": the loaded model's letters in their order, then the new ones
  renew,  ///< "new": the new letters alone
};

/// "keep", "union" or "new"; throws Error for anything else.
CharsetMode parse_charset_mode(std::string_view name);

/// The letters to be read by a model that begins from one that reads `loaded`, where the data hold
/// `letters`: new ones are appended by code point. BETWEEN stays last.
Alphabet resized(const Alphabet& loaded, CharsetMode mode, std::u32string_view letters);

/// Copies what a trained network has learned into a fresh one of the same architecture or of one that
/// extends it (Architecture::extends), whose alphabet may be another: the rows of the last layer go with their letters, whatever their
/// numbers are in the two; rows of letters that `learned` lacks stay as they are. Throws Error
/// where the networks differ in more than their letters.
void adopt(const nn::Parameters<float>& learned, const Alphabet& its_alphabet,
           nn::Parameters<float>& fresh, const Alphabet& alphabet);

}  // namespace talweg::ocr
