// How well a reader tells where characters stand: its boxes against those of the drawing.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "ocr/decoder.h"
#include "ocr/ink.h"

namespace talweg::ocr {

/// The boxes of each image's characters, in order, by the image's file name (without folders).
using BoxTable = std::map<std::string, std::vector<CharBox>>;

/// Reads a table as `talweg render --boxes` writes it: lines of
/// `file index text x0 y0 x1 y1`, separated by tabs, a header first, the characters of an image one after
/// the other from index 0. Throws IoError naming the line that is otherwise.
BoxTable load_boxes(const std::string& path);

/// Intersection over union of two intervals [a0, a1), [b0, b1): the columns that both have over the columns
/// that either has; 0 where they have none in common, and for empty ones.
double interval_iou(double a0, double a1, double b0, double b1);

/// What the boxes of many words came to. Only words that were read right count, since only there every
/// character has its one box. Characters without ink, as a space, have no box and are left out.
struct BoxScore {
  int64_t words = 0;       ///< read right, and so compared
  int64_t misread = 0;     ///< left out: another text was read
  int64_t unknown = 0;     ///< left out: the table has no boxes for them, or not one a character
  int64_t characters = 0;  ///< compared
  double columns = 0;      ///< mean intersection over union of their columns
  double areas = 0;        ///< the same of whole boxes, columns and rows
  int64_t halves = 0;  ///< characters whose columns have an intersection over union of 1/2 or more
};

/// Takes word after word.
class BoxScorer {
 public:
  explicit BoxScorer(const BoxTable& table) : table_(table) {}
  /// A reading of the image `file` (folders don't count), and whether its text is what is written.
  void add(const std::string& file, std::span<const CharReading> characters, bool right);
  BoxScore score() const;

 private:
  const BoxTable& table_;
  BoxScore sums_;
};

}  // namespace talweg::ocr
