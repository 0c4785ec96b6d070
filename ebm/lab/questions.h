// The laboratory's chapter: eighteen questions of a course on energy-based learning, answered, with
// the code that does it and the numbers that show it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ebm/lab/report.h"

namespace talweg::ebm::lab {

/// A number of an experiment: the first measurement of `experiment` whose text begins with `what`.
struct Evidence {
  std::string experiment, what;
};

struct Question {
  std::string question;
  std::string answer;                     ///< two or three sentences
  std::vector<std::string> derivation{};  ///< a line a step; none where none is needed
  std::string code;                       ///< files, from the root of the sources
  std::string wrong{};                    ///< a popular answer, and what is wrong with it
  std::vector<Evidence> evidence;
};

/// In the order of the course.
const std::vector<Question>& questions();

/// Appends the chapter. Numbers come from `results`; of experiments that were not run it says so.
void add_questions(io::HtmlPage& page, std::span<const Result> results);

}  // namespace talweg::ebm::lab
