// Reductions of every instruction set against the plain loops in double.
#include <omp.h>

#include <limits>

#include "core/kernels/kernels.h"
#include "tests/core/kernels/kernel_test_util.h"

namespace talweg::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Sizes {
  int64_t rows, cols;
};
constexpr Sizes kSizes[] = {{40'000, 3}, {6000, 12}, {100, 300}, {3, 1300}, {0, 3},
                            {3, 0},      {1, 1},     {1, 17},    {17, 1},   {5, 3},
                            {7, 16},     {9, 27},    {33, 33},   {64, 70},  {130, 128},
                            {1000, 5},   {2500, 18}, {20000, 1}, {3, 40000}};

struct Case {
  Array<float> x, g, a, b, d;
  Case(const Sizes& s, Rng& rng)
      : x(random_array(s.rows * s.cols, rng)),
        g(random_array(s.rows * s.cols, rng)),
        a(random_array(s.cols, rng)),
        b(random_array(s.cols, rng)),
        d(random_array(s.cols, rng)) {}
};

template <class T> struct Results { Array<T> sum, dot, sqdev, affine, affine2, row, lse; };

template <class T>
Results<T> run(const KernelTable<T>& kernels, const Sizes& s, const Array<T>& x, const Array<T>& g,
               const Array<T>& a, const Array<T>& b, const Array<T>& d) {
  const T nan = T(NAN);
  Results<T> r{Array<T>(s.cols, nan),   Array<T>(s.cols, nan),   Array<T>(s.cols, nan),
               Array<T>(x.size(), nan), Array<T>(x.size(), nan), Array<T>(s.rows, nan),
               Array<T>(s.rows, nan)};
  kernels.col_sum(s.rows, s.cols, x.data(), r.sum.data());
  kernels.col_dot(s.rows, s.cols, x.data(), g.data(), r.dot.data());
  kernels.col_sqdev(s.rows, s.cols, x.data(), a.data(), r.sqdev.data());
  kernels.col_affine(s.rows, s.cols, x.data(), a.data(), b.data(), r.affine.data());
  kernels.col_affine2(s.rows, s.cols, x.data(), g.data(), a.data(), b.data(), d.data(),
                      r.affine2.data());
  kernels.row_sum(s.rows, s.cols, x.data(), r.row.data());
  kernels.row_logsumexp(s.rows, s.cols, x.data(), r.lse.data());
  return r;
}

float logsumexp(const KernelTable<float>& kernels, const std::vector<float>& row) {
  float out = 0;
  kernels.row_logsumexp(1, static_cast<int64_t>(row.size()), row.data(), &out);
  return out;
}

}  // namespace

TEST_CASE("reductions agree with the plain loops for every size") {
  Rng rng(1);
  for (const Sizes& s : kSizes) {
    CAPTURE(s.rows);
    CAPTURE(s.cols);
    const Case c(s, rng);
    const Results<double> expected = run(reference<double>(), s, in_double(c.x), in_double(c.g),
                                         in_double(c.a), in_double(c.b), in_double(c.d));
    on_every_isa([&](const KernelTable<float>& kernels) {
      const Results<float> got = run(kernels, s, c.x, c.g, c.a, c.b, c.d);
      CHECK(error_against(got.sum, expected.sum) < 5e-6);
      CHECK(error_against(got.dot, expected.dot) < 5e-6);
      CHECK(error_against(got.sqdev, expected.sqdev) < 5e-6);
      CHECK(error_against(got.affine, expected.affine) < 2e-6);
      CHECK(error_against(got.affine2, expected.affine2) < 2e-6);
      CHECK(error_against(got.row, expected.row) < 5e-6);
      if (s.cols > 0) CHECK(error_against(got.lse, expected.lse) < 1e-6);
    });
  }
}

TEST_CASE("arithmetic with one number a column agrees with the plain loops to the bit") {
  Rng rng(3);
  const KernelTable<float>& plain = reference<float>();
  using Op = void (*KernelTable<float>::*)(int64_t, int64_t, const float*, const float*, float*);
  const Op ops[] = {&KernelTable<float>::col_add, &KernelTable<float>::col_sub,
                    &KernelTable<float>::col_mul, &KernelTable<float>::col_div};
  for (const Sizes& s : kSizes) {
    CAPTURE(s.rows);
    CAPTURE(s.cols);
    const Case c(s, rng);
    for (const Op op : ops) {
      Array<float> expected(c.x.size());
      (plain.*op)(s.rows, s.cols, c.x.data(), c.a.data(), expected.data());
      on_every_isa([&](const KernelTable<float>& kernels) {
        Array<float> got(c.x.size()), in_place = c.x;
        (kernels.*op)(s.rows, s.cols, c.x.data(), c.a.data(), got.data());
        (kernels.*op)(s.rows, s.cols, in_place.data(), c.a.data(), in_place.data());
        CHECK(same_bits(got, expected));
        CHECK(same_bits(in_place, expected));
      });
    }
  }
}

TEST_CASE("reductions give the same bits for 1, 2 and 3 threads") {
  Rng rng(2);
  const int threads_before = omp_get_max_threads();
  for (const Sizes& s : {Sizes{5000, 18}, Sizes{3, 90'001}, Sizes{400, 130}}) {
    const Case c(s, rng);
    on_every_isa([&](const KernelTable<float>& kernels) {
      omp_set_num_threads(1);
      const Results<float> one = run(kernels, s, c.x, c.g, c.a, c.b, c.d);
      for (const int threads : {2, 3}) {
        omp_set_num_threads(threads);
        const Results<float> more = run(kernels, s, c.x, c.g, c.a, c.b, c.d);
        CHECK(same_bits(more.sum, one.sum));
        CHECK(same_bits(more.dot, one.dot));
        CHECK(same_bits(more.sqdev, one.sqdev));
        CHECK(same_bits(more.affine2, one.affine2));
        CHECK(same_bits(more.row, one.row));
        CHECK(same_bits(more.lse, one.lse));
      }
    });
  }
  omp_set_num_threads(threads_before);
}

TEST_CASE(
    "logsumexp of an empty or all -inf row is -inf, with one +inf it is +inf, with NaN it is NaN") {
  on_every_isa([](const KernelTable<float>& kernels) {
    CHECK(logsumexp(kernels, {}) == -kInf);
    for (const int n : {1, 3, 16, 27, 40}) {
      CAPTURE(n);
      std::vector<float> row(static_cast<size_t>(n), -kInf);
      CHECK(logsumexp(kernels, row) == -kInf);
      row.back() = 3.0f;
      CHECK(logsumexp(kernels, row) == 3.0f);
      row.front() = kInf;
      CHECK(logsumexp(kernels, row) == kInf);
      row.back() = kNaN;
      CHECK(std::isnan(logsumexp(kernels, row)));
    }
  });
}

TEST_CASE("logsumexp neither overflows nor underflows far from zero") {
  on_every_isa([](const KernelTable<float>& kernels) {
    const std::vector<float> high(27, 1e4f), low(27, -1e4f);
    CHECK(logsumexp(kernels, high) == doctest::Approx(1e4 + std::log(27.0)));
    CHECK(logsumexp(kernels, low) == doctest::Approx(-1e4 + std::log(27.0)));
  });
}

}  // namespace talweg::kernels
