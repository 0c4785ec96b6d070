// What pages about readers show of a word and of mistakes.
#pragma once

#include <optional>
#include <string>

#include "core/io/html.h"
#include "ocr/metrics.h"
#include "ocr/recognizer.h"

namespace talweg::ocr {

/// The confusions, the most frequent first, at most `most`.
io::Table confusion_table(const Evaluation& evaluation, int most);

/// A word to be shown: its file or another name, what is written there, and what was read.
struct ShownWord {
  std::string name;
  io::Gray8 image;
  WordPair pair;
  std::optional<double> confidence;
};

/// Once a page, before the first of add_word_block.
void add_word_style(io::HtmlPage& page);
/// The texts with their differences marked and the image; where there is a recognizer, with the energies of
/// the letters and the paths of both texts (word_figure.h). Throws as Recognizer::read does.
void add_word_block(io::HtmlPage& page, const ShownWord& word, const Recognizer* recognizer);

}  // namespace talweg::ocr
