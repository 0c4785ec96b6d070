#include "ocr/box_score.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>

#include "core/error.h"
#include "core/io/file.h"
#include "ocr/text.h"

namespace talweg::ocr {
namespace {

constexpr std::size_t kCells = 7;  // file, index, text, x0, y0, x1, y1

bool read_number(std::string_view cell, int& value) {
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return error == std::errc() && end == cell.data() + cell.size();
}

std::string name_of(std::string_view file) {
  return std::filesystem::path(file).filename().string();
}

}  // namespace

BoxTable load_boxes(const std::string& path) {
  const std::string bytes = io::read_file(path);
  BoxTable table;
  for (const TextLine& line : lines_of(bytes)) {
    if (line.text.empty() || (line.number == 1 && line.text.starts_with("file\t"))) continue;
    const auto cells = cells_of(line.text);
    int index = -1;
    CharBox box;
    const bool read = cells.size() == kCells && read_number(cells[1], index) &&
                      read_number(cells[3], box.x0) && read_number(cells[4], box.y0) &&
                      read_number(cells[5], box.x1) && read_number(cells[6], box.y1);
    if (!read) {
      throw IoError(message(path, ":", line.number, ": expected the seven cells 'file index text ",
                            "x0 y0 x1 y1' with whole numbers, as talweg render --boxes writes "
                            "them"));
    }
    std::vector<CharBox>& boxes = table[name_of(cells[0])];
    if (index != int(boxes.size())) {
      throw IoError(message(path, ":", line.number, ": ", cells[0], " has the box of character ",
                            index, " where that of character ", boxes.size(),
                            " should stand; is an image listed twice?"));
    }
    boxes.push_back(box);
  }
  if (table.empty()) throw IoError(message(path, " holds no boxes"));
  return table;
}

double interval_iou(double a0, double a1, double b0, double b1) {
  const double both = std::min(a1, b1) - std::max(a0, b0);
  if (!(both > 0)) return 0;
  return both / (a1 - a0 + b1 - b0 - both);
}

void BoxScorer::add(const std::string& file, std::span<const CharReading> characters, bool right) {
  constexpr double kHalf = 0.5;
  const auto found = table_.find(name_of(file));
  if (found == table_.end()) {
    ++sums_.unknown;
    return;
  }
  if (!right) {
    ++sums_.misread;
    return;
  }
  const std::vector<CharBox>& boxes = found->second;
  if (boxes.size() != characters.size()) {
    ++sums_.unknown;
    return;
  }
  ++sums_.words;
  for (std::size_t k = 0; k < boxes.size(); ++k) {
    const CharBox& b = boxes[k];
    const CharReading& c = characters[k];
    if (b.x1 <= b.x0 || b.y1 <= b.y0) continue;
    ++sums_.characters;
    const double iou = interval_iou(c.x0, c.x1, b.x0, b.x1);
    sums_.columns += iou;
    sums_.halves += iou >= kHalf;
    const double width = std::min<double>(c.x1, b.x1) - std::max<double>(c.x0, b.x0);
    const double height = std::min<double>(c.y1, b.y1) - std::max<double>(c.y0, b.y0);
    if (width <= 0 || height <= 0) continue;
    const double both = width * height;
    sums_.areas +=
        both / ((c.x1 - c.x0) * (c.y1 - c.y0) + double(b.x1 - b.x0) * (b.y1 - b.y0) - both);
  }
}

BoxScore BoxScorer::score() const {
  BoxScore score = sums_;
  if (score.characters > 0) {
    score.columns /= double(score.characters);
    score.areas /= double(score.characters);
  }
  return score;
}

}  // namespace talweg::ocr
