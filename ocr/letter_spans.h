// Where the letters of a word stand in its image, and what the windows of a network show there.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace talweg::ocr {

/// Columns [x0, x1) of an image.
struct Columns {
  double x0 = 0, x1 = 0;
};

/// The columns of each letter, word after word.
struct LetterSpans {
  std::vector<Columns> columns;
  /// Whether they were measured, as where a word is drawn; or else the letters of each word share the
  /// ink's columns evenly, for want of better knowledge.
  bool measured = false;
};

/// Appends `letters` spans of one width between the columns x0 and x1.
void add_even_spans(LetterSpans& spans, int letters, double x0, double x1);

/// What the windows of one word surely show, window i being the columns [i, i + 1) * stride; -1 where
/// nothing is sure. A start for training, before the aligner can tell.
///
/// Shared evenly: the window over the middle of a letter is that letter, windows wholly behind the word
/// are BETWEEN. For one letter this is the coursework's classifier of single characters.
/// Measured: a window whose middle lies in the inner three fifths of a letter's columns, and of no other
/// letter's, is that letter (the window over its middle in any case); one whose middle is a quarter of
/// a window or more outside all letters is BETWEEN. A letter without columns, a blank, stands between
/// its neighbours.
///
/// `symbols` receives `windows` entries and replaces what it held.
void sure_symbols(std::span<const int32_t> word, std::span<const Columns> spans, bool measured,
                  int32_t between, int windows, double stride, std::vector<int32_t>& symbols);

}  // namespace talweg::ocr
