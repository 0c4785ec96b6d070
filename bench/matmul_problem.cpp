#include "bench/matmul_problem.h"

#include <map>

#include "bench/exact_conv.h"
#include "bench/shape.h"
#include "core/error.h"

namespace talweg::bench {
namespace {

/// matrix[rows, columns] transposed.
std::vector<float> transposed(const float* matrix, int64_t rows, int64_t columns) {
  std::vector<float> out(static_cast<size_t>(rows * columns));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) out[size_t(j * rows + i)] = matrix[i * columns + j];
  }
  return out;
}

}  // namespace

const std::vector<MatmulCase>& matmul_cases() {
  static const std::vector<MatmulCase> cases = {
      {.m = 64, .n = 64, .k = 64},
      {.m = 256, .n = 256, .k = 256, .by_default = true},
      {.m = 512, .n = 512, .k = 512, .by_default = true},
      {.m = 1024, .n = 1024, .k = 1024},
      {.m = 1024, .n = 96, .k = 256, .by_default = true},
      {.m = 576, .n = 27, .k = 128},
      {.m = 1, .n = 512, .k = 512, .by_default = true},
      {.m = 128, .n = 512, .k = 256, .transpose_b = true},
      {.m = 512, .n = 256, .k = 128, .transpose_a = true},
      {.m = 1, .n = 512, .k = 512, .transpose_b = true},
      {.m = 512, .n = 1, .k = 512},
      {.m = 512, .n = 1, .k = 512, .transpose_a = true},
      {.m = 32, .n = 1024, .k = 256},
      {.m = 32, .n = 1024, .k = 256, .transpose_b = true},
      {.m = 256, .n = 1024, .k = 32, .transpose_a = true},
      {.m = 512, .n = 512, .k = 512, .transpose_a = true},
      {.m = 512, .n = 512, .k = 512, .transpose_b = true},
      {.m = 256, .n = 64, .k = 25088, .transpose_a = true},
  };
  return cases;
}

std::string matmul_problem_name(const MatmulCase& c) {
  std::string name = message("matmul/", c.m, "x", c.n, "x", c.k);
  if (c.transpose_a || c.transpose_b) {
    name += message("/", c.transpose_a ? "t" : "n", c.transpose_b ? "t" : "n");
  }
  return name;
}

MatmulProblem::MatmulProblem(const MatmulCase& c)
    : shape_(c), a_(random_buffer(c.m * c.k, 1)), b_(random_buffer(c.k * c.n, 2)) {}

double MatmulProblem::error(const float* output) const {
  // A product is a convolution with a 1x1 window: rows of a are its pixels, columns of b its
  // weights.
  std::call_once(once_, [this] {
    const auto& [m, n, k, transpose_a, transpose_b, by_default] = shape_;
    ConvShape conv;
    conv.s = {.n = m, .c = k, .k = n};
    std::vector<float> rows, columns;
    if (transpose_a) rows = transposed(a_.data(), k, m);
    if (!transpose_b) columns = transposed(b_.data(), k, n);
    exact_ = exact_conv(conv, Conv2dFace::forward, transpose_a ? rows.data() : a_.data(),
                        transpose_b ? b_.data() : columns.data(), nullptr);
  });
  return relative_error(output, exact_);
}

std::shared_ptr<const MatmulProblem> matmul_problem(const MatmulCase& c) {
  static std::map<std::string, std::weak_ptr<const MatmulProblem>> alive;
  std::weak_ptr<const MatmulProblem>& slot = alive[matmul_problem_name(c)];
  std::shared_ptr<const MatmulProblem> problem = slot.lock();
  if (!problem) slot = problem = std::make_shared<const MatmulProblem>(c);
  return problem;
}

Row matmul_row(const MatmulCase& c, const std::string& way, int threads) {
  Row row;
  row.problem = matmul_problem_name(c);
  row.way = way;
  row.threads = threads;
  row.nominal_flop = 2.0 * double(c.m) * double(c.n) * double(c.k);
  row.bytes = double(sizeof(float)) * double(c.m * c.k + c.k * c.n + c.m * c.n);
  row.error_bound = 2e-6;
  row.groups = {"matmul"};
  row.by_default = c.by_default;
  return row;
}

}  // namespace talweg::bench
