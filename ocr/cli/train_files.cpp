#include "ocr/cli/train_files.h"

#include <fstream>
#include <utility>

#include "core/io/file.h"
#include "ocr/cli/command.h"
#include "ocr/learning_figure.h"

namespace talweg::ocr::cli {

TrainFiles::TrainFiles(std::string log, std::string curve, const std::string& page)
    : log_(std::move(log)), curve_(std::move(curve)) {
  if (!curve_.empty() && !curve_.ends_with(".png") && !curve_.ends_with(".svg")) {
    throw UsageError(message("--curve ", curve_, ": the picture is a .png or .svg file"));
  }
  for (const std::string& file : {log_, curve_, page}) {
    if (!file.empty()) require_writable_for(file);
  }
}

void TrainFiles::begin(const LearningRecord& record) const {
  if (!log_.empty()) {
    std::string lines;
    for (const LearningPoint& p : record.points()) lines += to_json(p) + "\n";
    io::write_file_atomically(log_, lines);
  }
  if (!record.points().empty()) draw(record);
}

void TrainFiles::add_last(const LearningRecord& record) const {
  if (!log_.empty()) {
    // Appended, as those who follow a log expect; a line at once, so that a reader sees whole ones.
    std::ofstream file(log_, std::ios::binary | std::ios::app);
    file << to_json(record.points().back()) + "\n" << std::flush;
    if (!file) throw IoError(message(log_, ": the log can't be written; is the disk full?"));
  }
  draw(record);
}

void TrainFiles::draw(const LearningRecord& record) const {
  if (curve_.empty()) return;
  const auto format = curve_.ends_with(".svg") ? FigureFormat::svg : FigureFormat::png;
  io::write_file_atomically(curve_, learning_figure(record, format));
}

}  // namespace talweg::ocr::cli
