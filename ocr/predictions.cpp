#include "ocr/predictions.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "core/error.h"
#include "core/io/file.h"
#include "ocr/text.h"

namespace talweg::ocr {
namespace {

/// A number from 0 to 1.
std::optional<double> read_share(std::string_view cell) {
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  const bool whole = error == std::errc() && end == cell.data() + cell.size();
  return whole && value >= 0 && value <= 1 ? std::optional(value) : std::nullopt;
}

}  // namespace

Predictions load_predictions(const std::string& path) {
  constexpr std::size_t kConfidence = 2;  // its column where no header tells
  const std::string bytes = io::read_file(path);
  Predictions predictions;
  std::size_t column = kConfidence;
  bool named = false, all_sure = true;
  for (const TextLine& line : lines_of(bytes)) {
    const auto cells = cells_of(line.text);
    if (cells.size() < 2) {
      if (trim(line.text).empty()) continue;
      throw IoError(message(path, ":", line.number, ": expected 'file<TAB>text', found no tab"));
    }
    if (line.number == 1 && (cells[0] == "file" || cells[0] == "image")) {
      const auto found = std::ranges::find(cells, "confidence");
      named = found != cells.end();
      column = named ? std::size_t(found - cells.begin()) : cells.size();
      continue;
    }
    std::string text;
    try {
      text = to_nfc(cells[1]);
    } catch (const Error& e) {
      throw IoError(message(path, ":", line.number, ": the prediction is not UTF-8: ", e.what()));
    }
    const auto confidence = column < cells.size() ? read_share(cells[column]) : std::nullopt;
    if (named && !confidence) {
      throw IoError(
          message(path, ":", line.number, ": its confidence is ",
                  column < cells.size() ? "'" + std::string(cells[column]) + "'" : "missing",
                  ", expected a number from 0 to 1"));
    }
    all_sure = all_sure && confidence;
    predictions[std::filesystem::path(cells[0]).filename().string()] = {std::move(text),
                                                                        confidence};
  }
  if (!all_sure) {
    for (auto& [file, prediction] : predictions) prediction.confidence.reset();
  }
  return predictions;
}

}  // namespace talweg::ocr
