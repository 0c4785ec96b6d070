// Which algorithm computes each convolution of a network: for logs.
#pragma once

#include "nn/layers.h"

namespace talweg::nn {

/// The choices of all Conv2d layers of `net`, nested Sequentials included, in a pass over an input of
/// this shape, in order. Runs the network once, in inference, on zeros; layers of other kinds that
/// convolve inside are not seen.
std::vector<ConvChoice> conv_choices(const Layer<float>& net, const Parameters<float>& parameters,
                                     const Shape& input, ConvAlgo algo);

/// One line a convolution, with the name of each face's algorithm:
///   block2.conv  Conv2d 3x3 16->32 pad 1x1, input [32,16,48,16]: forward wino4, data ..., weights ...
std::string to_string(const std::vector<ConvChoice>& choices);

}  // namespace talweg::nn
