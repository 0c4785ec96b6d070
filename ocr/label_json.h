// Ground truth as docTR writes it, {"image": "text"}, with the line of every entry.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace talweg::ocr {

struct LabelEntry {
  std::string image;
  std::optional<std::string> text;  ///< nothing where the entry's value is no string
  int line = 1;
};

/// The entries in the order of the file, one that stands there twice included. What JSON forbids inside
/// a string becomes what no label may hold, so that a label is found faulty instead of the whole file:
/// bytes that are not UTF-8, and halves of surrogate pairs, U+FFFD; control characters their escapes.
/// Throws IoError, naming `origin`, line and column, where the rest is not JSON, or no object.
std::vector<LabelEntry> read_label_json(std::string_view bytes, const std::string& origin);

}  // namespace talweg::ocr
