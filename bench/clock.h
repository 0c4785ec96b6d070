// The clock of the program: Google Benchmark counts the runs and times the loop.
#pragma once

#include <memory>

#include "bench/runner.h"

namespace talweg::bench {

std::unique_ptr<Clock> make_clock(const RunOptions& options);

}  // namespace talweg::bench
