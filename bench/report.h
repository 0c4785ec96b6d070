// A run as text for people, JSON and CSV for programs, and a picture.
#pragma once

#include <cstdio>
#include <string>

#include "bench/record.h"

namespace talweg::bench {

/// What the run is made on, and its ceilings.
std::string header_text(const RunRecord& run, double expected_seconds);
/// What the columns mean and are called.
std::string columns_text();
/// A problem and its rows.
std::string problem_text(const std::vector<RowRecord>& rows);
/// Sums by group, the ceilings once more, and whether to trust it all.
std::string footer_text(const RunRecord& run);

/// "1.23 ms": three significant digits and a unit.
std::string time_text(double seconds);

/// Everything, samples included.
std::string to_json(const RunRecord& run);
/// Back again; throws IoError, one sentence, where it is not of this program's making.
RunRecord parse_json(const std::string& file, const std::string& text);

/// One line a row under a line of names; a row without a number has empty fields.
std::string to_csv(const RunRecord& run);

/// Rows in the plane of FLOP a byte and GFLOP/s, under the measured roofs.
std::string to_svg(const RunRecord& run);

}  // namespace talweg::bench
