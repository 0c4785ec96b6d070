// What another program read, to be scored beside ours.
#pragma once

#include <map>
#include <optional>
#include <string>

namespace talweg::ocr {

struct Prediction {
  std::string text;
  std::optional<double> confidence;  ///< 0 to 1
};

/// Predictions by the image's file name, without folders.
using Predictions = std::map<std::string, Prediction>;

/// Reads lines of `file<TAB>text<TAB>...`. A first line whose first cell is `file` or `image` is a header;
/// the confidence is then the column of that name. Without a header it is the third, if that is a number
/// from 0 to 1 in every line; otherwise there is none. Throws IoError, naming the line, for one without a
/// tab, a text that is not UTF-8, and a confidence of a column of that name that is no such number.
Predictions load_predictions(const std::string& path);

}  // namespace talweg::ocr
