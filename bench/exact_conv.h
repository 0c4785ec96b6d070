// The result that every row of a convolution is checked against: plain sums in double, arranged only
// so that a compiler vectorises them and all threads share them, since the checks of a run would
// otherwise take longer than its measurements. Written without a line of the kernels it judges; the
// tests hold it against reference<double>().
#pragma once

#include <vector>

#include "bench/shape.h"

namespace talweg::bench {

/// The face left open of the trilinear form, from the other two arguments of x, w and g.
std::vector<double> exact_conv(const ConvShape& shape, Conv2dFace face, const float* x,
                               const float* w, const float* g);

}  // namespace talweg::bench
