// How many operations an op does, from shapes alone: what an op profile's GFLOP/s are counted in.
#pragma once

#include <span>
#include <string_view>

#include "core/shape.h"

namespace talweg {

/// Multiplications and additions of the convolutions, their three faces and fused forms, the
/// depthwise ones and matmul, the nominal count: two for each product, products with padding
/// included. 0 for every other op: what it does is bound by memory. `inputs` in the order in which
/// the op names them (x, w; g, w; x, g; a, b); `output` is what it makes or, of a fused convolution,
/// the shape of the sums.
double op_flops(std::string_view op, std::span<const Shape> inputs, const Shape& output);

}  // namespace talweg
