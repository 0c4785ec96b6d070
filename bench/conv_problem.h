// What all rows of one convolution share: inputs, and the result in double.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "bench/buffer.h"
#include "bench/conv_case.h"

namespace talweg::bench {

/// One face of one shape, with inputs. In talweg's layouts: x[N,H,W,C], w[K,KH,KW,C] (depthwise:
/// [KH,KW,C]), g[N,OH,OW,K];
/// a way with other layouts reorders copies of them, and its result back before it asks for the
/// error.
class ConvProblem {
 public:
  ConvProblem(const ConvShape& shape, Conv2dFace face);

  const Conv2dShape& s() const { return shape_.s; }
  Conv2dFace face() const { return face_; }
  const Buffer& x() const { return x_; }
  const Buffer& w() const { return w_; }
  const Buffer& g() const { return g_; }
  /// Of the open face: y for forward, dx for backward_data, dw for backward_weights.
  int64_t output_size() const;
  /// Of a result in talweg's layout. The first call computes the result in double.
  double error(const float* output) const;

 private:
  ConvShape shape_;
  Conv2dFace face_;
  Buffer x_, w_, g_;
  mutable std::once_flag once_;
  mutable std::vector<double> exact_;
};

/// The problem that rows of the same shape and face share while one of them holds it.
std::shared_ptr<const ConvProblem> conv_problem(const ConvShape& shape, Conv2dFace face);

}  // namespace talweg::bench
