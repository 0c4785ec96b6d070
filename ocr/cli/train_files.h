// The files that tell of a training while it goes on: a log and a picture of its learning curve.
#pragma once

#include <string>

#include "ocr/learning_record.h"

namespace talweg::ocr::cli {

class TrainFiles {
 public:
  /// Empty names are no files. Throws UsageError unless `curve` ends in .png or .svg, IoError where one,
  /// or `page`, which is written by others, can't be written.
  TrainFiles(std::string log, std::string curve, const std::string& page);

  /// Are there any?
  bool any() const { return !log_.empty() || !curve_.empty(); }
  /// Writes the points so far over what the files held: none, or those of a run that is resumed.
  void begin(const LearningRecord& record) const;
  /// Adds the record's last point.
  void add_last(const LearningRecord& record) const;

 private:
  void draw(const LearningRecord& record) const;

  std::string log_, curve_;
};

}  // namespace talweg::ocr::cli
