// What all rows of one matrix product share: its shape, inputs, and the result in double.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "bench/buffer.h"
#include "bench/row.h"

namespace talweg::bench {

/// c[m,n] = op(a) op(b): a is [m,k] or, transposed, [k,m].
struct MatmulCase {
  int64_t m, n, k;
  bool transpose_a = false, transpose_b = false;
  bool by_default = false;
};

/// The products of the suite: squares, 1x1 convolutions as products, vectors, a linear layer's step,
/// a recurrent layer's (32 words, four gates of 256), a 1x1 convolution's gradient for its weights.
const std::vector<MatmulCase>& matmul_cases();

/// "matmul/512x512x512", with "/tn" where a is transposed and b is not.
std::string matmul_problem_name(const MatmulCase& c);

class MatmulProblem {
 public:
  explicit MatmulProblem(const MatmulCase& c);

  const MatmulCase& shape() const { return shape_; }
  const Buffer& a() const { return a_; }
  const Buffer& b() const { return b_; }
  int64_t output_size() const { return shape_.m * shape_.n; }
  /// Of c[m,n]. The first call computes the result in double.
  double error(const float* output) const;

 private:
  MatmulCase shape_;
  Buffer a_, b_;
  mutable std::once_flag once_;
  mutable std::vector<double> exact_;
};

/// The problem that rows of the same shape share while one of them holds it.
std::shared_ptr<const MatmulProblem> matmul_problem(const MatmulCase& c);

/// A row of this product but for isa, reference_rank and make().
Row matmul_row(const MatmulCase& c, const std::string& way, int threads);

}  // namespace talweg::bench
