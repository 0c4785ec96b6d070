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
  struct Shape {
    const char* what;
    int64_t m, n, k;
  };
  const Shape shapes[] = {{"several tiles and panels", 201, 107, 301},
                          {"several blocks of b in both directions", 60, 530, 2100},
                          {"few columns, cut by rows", 1200, 40, 64},
                          {"few rows, cut by panels", 20, 1008, 130},
                          {"a long sum, cut in parts", 30, 48, 2500},
                          {"a long sum, odd", 29, 35, 1777},
                          {"b read as it lies", 100, 96, 200},
                          {"a row times a matrix", 1, 700, 600},
                          {"a matrix times a column", 700, 1, 600},
                          {"two vectors", 1, 1, 5000}};
  Rng rng(2);
  const int threads_before = omp_get_max_threads();
  for (const Shape& s : shapes) {
    CAPTURE(s.what);
    const Array<float> a = random_array(s.m * s.k, rng), b = random_array(s.k * s.n, rng);
    for (int flags = 0; flags < 4; ++flags) {
      const bool ta = (flags & 1) != 0, tb = (flags & 2) != 0;
      CAPTURE(ta);
      CAPTURE(tb);
      const Array<double> expected =
          product(reference<double>(), s.m, s.n, s.k, in_double(a), ta, in_double(b), tb);
      on_every_isa([&](const KernelTable<float>& kernels) {
        omp_set_num_threads(1);
        const Array<float> one = product(kernels, s.m, s.n, s.k, a, ta, b, tb);
        CHECK(error_against(one, expected) < 2e-5);
        for (const int threads : {2, 3, 8}) {
          omp_set_num_threads(threads);
          CHECK(same_bits(product(kernels, s.m, s.n, s.k, a, ta, b, tb), one));
        }
      });
    }
  }
  omp_set_num_threads(threads_before);
}

TEST_CASE("matmul passes a NaN on to the row and column that it stands in, and to no other") {
  Rng rng(3);
  const int64_t sizes[][3] = {{31, 47, 65}, {1, 47, 65}, {31, 1, 65}, {30, 48, 2000}};
  for (const auto& [m, n, k] : sizes) {
    Array<float> a = random_array(m * k, rng);
    const Array<float> b = random_array(k * n, rng);
    a[(m - 1) * k + k / 2] = NAN;
    on_every_isa([&](const KernelTable<float>& kernels) {
      const Array<float> c = product(kernels, m, n, k, a, false, b, false);
      int64_t spoilt = 0;
      for (int64_t i = 0; i < m * n; ++i) spoilt += std::isnan(c[i]) ? 1 : 0;
      CHECK(spoilt == n);
      CHECK(std::isnan(c[(m - 1) * n]));
    });
  }
}

}  // namespace talweg::kernels
