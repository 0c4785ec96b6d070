#include "core/study/op_flops.h"

#include <algorithm>

namespace talweg {

double op_flops(std::string_view op, std::span<const Shape> in, const Shape& out) {
  if (in.size() < 2) return 0;
  const auto size = [](const Shape& s) { return double(s.size()); };
  const auto per = [&](const Shape& s, int axis) {  // elements for one index of the axis
    return size(s) / double(std::max<int64_t>(1, s[axis]));
  };
  // Each element of the gradient or the output meets a weight of one output channel.
  if (op == "conv2d_backward_data" && in[1].rank() == 4) return 2 * size(in[0]) * per(in[1], 0);
  if (op == "conv2d_backward_weights" && out.rank() == 4) return 2 * size(in[1]) * per(out, 0);
  if ((op == "conv2d" || op.starts_with("conv_bias")) && in[1].rank() == 4) {
    return 2 * size(out) * per(in[1], 0);
  }
  if (op == "depthwise_conv2d" && in[1].rank() == 3) return 2 * size(out) * per(in[1], 2);
  if (op == "depthwise_conv2d_backward_data" && in[1].rank() == 3) {
    return 2 * size(in[0]) * per(in[1], 2);
  }
  if (op == "depthwise_conv2d_backward_weights" && out.rank() == 3) {
    return 2 * size(in[1]) * per(out, 2);
  }
  if (op == "matmul" && out.rank() >= 2) {  // a holds m k numbers an entry of the batch
    const double rows = size(out) / double(std::max<int64_t>(1, out.back()));
    return 2 * size(out) * size(in[0]) / std::max(1.0, rows);
  }
  return 0;
}

}  // namespace talweg
