// Which algorithm computes a face of conv2d: what each can do, and what is best for a shape.
#pragma once

#include <string_view>

#include "core/kernels/kernels.h"

namespace talweg::kernels {

/// Can `algo` compute this shape? The Winograd forms need a 3x3 window with stride and dilation 1;
/// row4 needs three columns, stride 1, and rows that are not dilated.
bool supports(Conv2dAlgo algo, const Conv2dShape& s);

/// The algorithm that is fastest for a face of this shape, by a table of measurements (README.md,
/// "Which algorithm"). It depends on the shape without N, on the face, and on nothing else.
Conv2dAlgo best_algo(const Conv2dShape& s, Conv2dFace face);

/// "direct", "wino2", "wino4" or "row4".
std::string_view algo_name(Conv2dAlgo algo);

}  // namespace talweg::kernels
