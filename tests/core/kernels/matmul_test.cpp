// matmul: all four transpositions on every instruction set against the plain loops in double.
#include <omp.h>

#include "core/kernels/kernels.h"
#include "tests/core/kernels/kernel_test_util.h"

namespace talweg::kernels {
namespace {

template <class T>
Array<T> product(const KernelTable<T>& kernels, int64_t m, int64_t n, int64_t k, const Array<T>& a,
                 bool ta, const Array<T>& b, bool tb) {
  Array<T> c(m * n, T(NAN));
  Scratch<T> scratch(kernels.matmul_scratch(m, n, k));
  kernels.matmul(m, n, k, a.data(), ta, b.data(), tb, c.data(), scratch.data());
  return c;
}

}  // namespace

TEST_CASE("matmul agrees with the plain loops for every size and transposition") {
  Rng rng(1);
  const int64_t sizes[] = {0, 1, 2, 3, 5, 15, 17, 33, 64};
  for (const int64_t m : sizes) {
    for (const int64_t n : sizes) {
      for (const int64_t k : sizes) {
        const Array<float> a = random_array(m * k, rng), b = random_array(k * n, rng);
        for (const bool ta : {false, true}) {
          for (const bool tb : {false, true}) {
            CAPTURE(m);
            CAPTURE(n);
            CAPTURE(k);
            CAPTURE(ta);
            CAPTURE(tb);
            const Array<double> expected =
                product(reference<double>(), m, n, k, in_double(a), ta, in_double(b), tb);
            on_every_isa([&](const KernelTable<float>& kernels) {
              CHECK(error_against(product(kernels, m, n, k, a, ta, b, tb), expected) < 2e-5);
            });
          }
        }
      }
    }
  }
}

TEST_CASE(
    "matmul of large matrices agrees with the plain loops and gives the same bits for 1, 2 and "
    "3 threads") {
  Rng rng(2);
  const int64_t m = 201, n = 107, k = 301;
  const Array<float> a = random_array(m * k, rng), b = random_array(k * n, rng);
  const Array<double> expected =
      product(reference<double>(), m, n, k, in_double(a), true, in_double(b), false);
  const int threads_before = omp_get_max_threads();
  on_every_isa([&](const KernelTable<float>& kernels) {
    omp_set_num_threads(1);
    const Array<float> one = product(kernels, m, n, k, a, true, b, false);
    CHECK(error_against(one, expected) < 2e-5);
    for (const int threads : {2, 3}) {
      omp_set_num_threads(threads);
      CHECK(same_bits(product(kernels, m, n, k, a, true, b, false), one));
    }
  });
  omp_set_num_threads(threads_before);
}

}  // namespace talweg::kernels
