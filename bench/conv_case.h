// The convolutions of the suite, by named group, and how much work each face of one is.
#pragma once

#include <string>
#include <vector>

#include "bench/row.h"
#include "bench/shape.h"
#include "core/kernels/conv2d_algo.h"

namespace talweg::bench {

struct ConvCase {
  ConvShape shape;
  std::string group;
  bool first_layer = false;  ///< of its net: its backward_data is never needed, nor counted in sums
  bool by_default = false, in_smoke = false;
};

/// The group of shapes from the command line.
inline constexpr const char* kCustomGroup = "custom";

/// The named groups, or, if `shapes` are given, those as that group. Without repetitions.
std::vector<ConvCase> conv_cases_of(const std::vector<ConvShape>& shapes);

/// "conv2d/<face>/<shape>".
std::string conv_problem_name(const ConvShape& shape, Conv2dFace face);

/// Multiply-adds (times two) that a direct kernel executes for a face: window rows that lie outside
/// the image are skipped, zeros left and right are not.
double direct_flop(const Conv2dShape& s, Conv2dFace face);

/// Multiply-adds (times two) of Winograd's F(m x m, 3x3) between transformed tiles: (m + 2)^2 for
/// each tile, input and output channel. The transforms, additions mostly, are not counted.
double winograd_flop(const Conv2dShape& s, Conv2dFace face, int64_t m);

/// One of the two, by algorithm.
double executed_flop(const Conv2dShape& s, Conv2dFace face, kernels::Conv2dAlgo algo);

/// Each of x, w and y once.
double conv_bytes(const ConvShape& shape);

/// A row of this face but for isa, reference_rank and make(): names, groups, FLOP (executed ones of
/// the direct algorithm), bytes and error bound are set.
Row conv_row(const ConvCase& c, Conv2dFace face, const std::string& way, int threads);

}  // namespace talweg::bench
