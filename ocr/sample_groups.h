// Groups of labelled images, to score each by itself: by font, by source, by kind of text.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ocr/dataset.h"

namespace talweg::ocr {

/// The group of each sample, and what they are groups of.
struct SampleGroups {
  std::string name;             ///< "font", or "column 3" where the list has no header
  std::vector<std::string> of;  ///< one a sample; "(none)" where its line has no such column
};

/// Groups samples by
/// - a column of the list that they come from: its number from 3 on (1 is the image, 2 the text), or its
///   name where the list has a header line;
/// - a table of `file<TAB>group` lines, such as typefaces.tsv of `talweg render`; `by` is then its path.
///   Files are matched by name, without folders; a first line that begins with `file` names the group.
/// Throws IoError, saying what there is instead, where the samples come from no list with columns, or the
/// list has no such column, or the table can't be read.
SampleGroups group_samples(std::span<const Sample> samples, const std::string& by);

}  // namespace talweg::ocr
