// The exact result that rows of a matrix product are checked against.
#include "bench/matmul_problem.h"

#include <doctest/doctest.h>

#include <vector>

namespace talweg::bench {
namespace {

/// The definition, in double, rounded once.
std::vector<float> product(const MatmulProblem& problem) {
  const MatmulCase& c = problem.shape();
  const float *a = problem.a().data(), *b = problem.b().data();
  std::vector<float> out;
  for (int64_t i = 0; i < c.m; ++i) {
    for (int64_t j = 0; j < c.n; ++j) {
      double sum = 0;
      for (int64_t r = 0; r < c.k; ++r) {
        sum += double(c.transpose_a ? a[r * c.m + i] : a[i * c.k + r]) *
               double(c.transpose_b ? b[j * c.k + r] : b[r * c.n + j]);
      }
      out.push_back(static_cast<float>(sum));
    }
  }
  return out;
}

TEST_CASE("the error of a right product is its rounding, that of a wrong one is not") {
  for (const bool transpose_a : {false, true}) {
    for (const bool transpose_b : {false, true}) {
      const MatmulProblem problem(
          {.m = 5, .n = 7, .k = 3, .transpose_a = transpose_a, .transpose_b = transpose_b});
      std::vector<float> out = product(problem);
      CHECK(problem.error(out.data()) < 1e-7);
      out[11] += 1;
      CHECK(problem.error(out.data()) > 1e-2);
    }
  }
}

TEST_CASE("a product's name says its shape and what is transposed") {
  CHECK(matmul_problem_name({.m = 2, .n = 3, .k = 4}) == "matmul/2x3x4");
  CHECK(matmul_problem_name({.m = 2, .n = 3, .k = 4, .transpose_a = true}) == "matmul/2x3x4/tn");
  CHECK(matmul_problem_name({.m = 2, .n = 3, .k = 4, .transpose_b = true}) == "matmul/2x3x4/nt");
}

}  // namespace
}  // namespace talweg::bench
