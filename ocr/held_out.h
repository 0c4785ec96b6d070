// Words that a model is measured on while it learns, and never trained on.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ocr/dataset.h"
#include "ocr/metrics.h"
#include "ocr/recognizer.h"

namespace talweg::ocr {

/// An image, what is written on it (UTF-8), and what to call it.
struct HeldOutWord {
  io::Gray8 image;
  std::string text, name;
};

/// A list of such words. Drawn ones are made when they are first asked for, and then kept; images on
/// disk are read every time, some at a time, so that a large set needs no memory.
class HeldOut {
 public:
  HeldOut() = default;
  /// Images on disk.
  explicit HeldOut(std::vector<Sample> samples);
  /// `count` words; `draw(i)`, the i-th, is called for all i at once.
  HeldOut(int64_t count, std::function<HeldOutWord(int64_t)> draw);

  int64_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  /// Throws Error out of range, IoError as load_gray does.
  HeldOutWord operator[](int64_t i) const;

  /// Calls `look` with runs of at most 256 words, in order, and the number of the first of each.
  void for_each_chunk(
      const std::function<void(int64_t first, const std::vector<HeldOutWord>& words)>& look) const;

 private:
  void draw_all() const;

  std::vector<Sample> samples_;
  int64_t count_ = 0;
  std::function<HeldOutWord(int64_t)> draw_;
  mutable std::vector<HeldOutWord> drawn_;
};

/// Calls `look` with each word and what `recognizer` reads there, in order.
void for_each_reading(
    const Recognizer& recognizer, const HeldOut& words,
    const std::function<void(const HeldOutWord& word, const Reading& reading)>& look);

/// What is written on each word and what `recognizer` reads there.
std::vector<WordPair> read_held_out(const Recognizer& recognizer, const HeldOut& words);
/// The score of that; of no words where there are none.
Score score_held_out(const Recognizer& recognizer, const HeldOut& words, uint64_t seed);

}  // namespace talweg::ocr
