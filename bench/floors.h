// What the fastest kernels must reach whatever the machine: a tripwire for a build without its
// flags, or a change that made a kernel many times slower. Tests have no timing; this is for people.
#pragma once

#include <string>
#include <vector>

#include "bench/record.h"

namespace talweg::bench {

/// A row's floor, in percent of the measured multiply-add peak, or 0 where it has none. Some rows on
/// one thread have; their floors are so far below what they do, on each instruction set, that no
/// disturbance reaches them which leaves the program two thirds of a processor.
double floor_of(const std::string& problem, const std::string& way, const std::string& isa,
                int threads);

/// One sentence for each row of the run under its floor. Rows without a number do not count here:
/// they failed already.
std::vector<std::string> under_floors(const std::vector<RowRecord>& rows);

}  // namespace talweg::bench
