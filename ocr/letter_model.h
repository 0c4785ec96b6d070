// Texts for the integer models of ebm/align: a lexicon and a letter model as files people have.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "ebm/align/lexicon.h"
#include "ebm/align/ngram.h"
#include "ocr/alphabet.h"

namespace talweg::ocr {

/// An n-gram model and the characters its symbols stand for.
class LetterModel {
 public:
  /// Learns from words of UTF-8; its letters are the characters that occur. Throws Error for no word
  /// or an order outside 1..8.
  static LetterModel train(const std::vector<std::string>& words, int order);
  /// Throws IoError in one sentence for a file that is no letter model, cut or damaged.
  static LetterModel load(const std::filesystem::path& path);
  /// Whole or not at all; throws IoError.
  void save(const std::filesystem::path& path) const;

  const ebm::NgramModel& ngram() const { return ngram_; }
  const std::u32string& letters() const { return letters_; }
  /// The model's own symbol for each of an alphabet, BETWEEN included, for SearchOptions::to_model;
  /// NgramModel::kUnknown for what it never saw.
  std::vector<int32_t> symbols_of(const Alphabet& alphabet) const;
  /// The same for the characters of a text.
  std::vector<int32_t> symbols_of(std::u32string_view text) const;

 private:
  LetterModel(ebm::NgramModel ngram, std::u32string letters)
      : ngram_(std::move(ngram)), letters_(std::move(letters)) {}
  int32_t symbol_of(char32_t letter) const;

  ebm::NgramModel ngram_;
  std::u32string letters_;  // ascending
};

/// The words of a UTF-8 file, one a line (blank lines are skipped), as a lexicon over `alphabet`.
/// Throws IoError for a file that can't be read or is not UTF-8, for one without words, and for
/// characters that the alphabet lacks: it lists the first few with their lines, and counts the rest.
ebm::Lexicon load_lexicon(const std::string& path, const Alphabet& alphabet);

}  // namespace talweg::ocr
