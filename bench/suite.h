// The list of rows, and what was asked for on the command line that decides which there are.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "bench/conv_case.h"
#include "bench/row.h"

namespace talweg::bench {

/// What to put into the list. How long to measure and where to write is RunOptions' (runner.h).
struct SuiteOptions {
  std::vector<int> threads = {1};                       ///< each row on so many threads
  std::vector<std::string> isas = {};                   ///< of talweg's own kernels
  std::vector<std::string> algos = {"direct", "auto"};  ///< direct, wino2, wino4, auto
  std::vector<Conv2dFace> faces = {Conv2dFace::forward, Conv2dFace::backward_data,
                                   Conv2dFace::backward_weights};
  std::vector<ConvShape> shapes = {};  ///< --shape, --shapes; empty: the named groups
  bool with_packing = false;  ///< also time each conv2d with packing (and peers with reorders)
};

/// A row that somebody may look for in vain, "conv2d/forward/.../onednn/winograd", and the reason.
struct LeftOut {
  std::string row, why;
};

class Suite {
 public:
  explicit Suite(SuiteOptions options);

  /// Throws Error where the row's name is taken, or a field is missing.
  void add(Row row);

  /// Says that there would be a row of this name but for a reason, which the run's notes tell.
  void leave_out(std::string row, std::string why);

  const SuiteOptions& options() const { return options_; }
  const std::vector<Row>& rows() const { return rows_; }
  const std::vector<LeftOut>& left_out() const { return left_out_; }
  /// The convolutions asked for: --shape's, or all named groups.
  const std::vector<ConvCase>& conv_cases() const { return conv_cases_; }

 private:
  SuiteOptions options_;
  std::vector<ConvCase> conv_cases_;
  std::vector<Row> rows_;
  std::vector<LeftOut> left_out_;
  std::set<std::string> names_;
};

}  // namespace talweg::bench
