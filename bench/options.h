// The command line.
#pragma once

#include <string>
#include <vector>

#include "bench/runner.h"
#include "bench/suite.h"

namespace talweg::bench {

struct Options {
  SuiteOptions suite;
  RunOptions run;
  std::string filter;
  bool smoke = false, list = false, floors = false;
  std::string json, csv, svg;  ///< files to write; empty: none

  /// `compare A B` was asked for instead of a run.
  bool compare = false;
  std::string compare_a, compare_b, threshold = "3%";
  bool across_machines = false;
};

/// Throws Error for what cannot be done, IoError for a file that cannot be read or an instruction set
/// that this processor lacks. Returns false where all was said already (--help, a bad flag), with
/// the exit code in `code`.
bool parse_options(int argc, const char* const* argv, Options& options, int& code);

}  // namespace talweg::bench
