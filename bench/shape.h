// Shapes of convolutions as text, in the notation that benchmarks of convolutions share:
//
//   N x C x H x W - K x KH x KW [sSTRIDE] [pPADDING] [dDILATION] [gGROUPS]
//
// for example 32x64x8x32-128x3x3s1p1. Stride, padding and dilation may differ by axis (s2x1) and
// are 1, 0 and 1 where left out; dilation 1 is the dense window. As many groups as channels (G = C = K)
// mean a depthwise convolution; no others are known, since talweg has no grouped convolution.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/kernels/kernels.h"

namespace talweg::bench {

using kernels::Conv2dFace;
using kernels::Conv2dShape;

struct ConvShape {
  Conv2dShape s;
  bool depthwise = false;  ///< weights [KH,KW,C]; C = K
  std::string text;        ///< as parsed, with the defaults left out or in as the user wrote them

  int64_t w_size() const { return depthwise ? s.kh * s.kw * s.c : s.w_size(); }
  /// Input channels that each output channel sums over.
  int64_t channels_each() const { return depthwise ? 1 : s.c; }
  double flops() const { return s.flops() / double(s.c) * double(channels_each()); }
};

/// Throws Error, one sentence, where the text is not of that form or the shape is impossible: a
/// kernel larger than the padded input, a stride of zero, sizes beyond memory.
ConvShape parse_shape(std::string_view text);

/// One shape a line; empty lines and what follows a # are skipped. Errors name the line.
std::vector<ConvShape> parse_shapes(std::string_view file, std::string_view text);

/// "forward", "backward_data", "backward_weights", and back (also fwd, bwd_d, bwd_w); throws Error.
std::string face_name(Conv2dFace face);
Conv2dFace parse_face(std::string_view name);

}  // namespace talweg::bench
