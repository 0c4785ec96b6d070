// The epilogue of conv2d's forward face (bias, ReLU, pooling with its winners): every combination on
// every instruction set against the plain loops in double.
#include <omp.h>

#include <limits>

#include "core/kernels/kernels.h"
#include "tests/core/kernels/kernel_test_util.h"

namespace talweg::kernels {
namespace {

constexpr Conv2dAlgo kAlgo = Conv2dAlgo::direct;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr uint8_t kUnwritten = 99;

struct Combination {
  bool bias, relu, winner;
  int64_t pool_h, pool_w;
};

std::vector<Combination> all_combinations() {
  std::vector<Combination> all;
  for (const bool bias : {false, true}) {
    for (const bool relu : {false, true}) {
      for (const int64_t pool_h : {1, 2}) {
        for (const int64_t pool_w : {1, 2}) {
          for (const bool winner : {false, true})
            all.push_back({bias, relu, winner, pool_h, pool_w});
        }
      }
    }
  }
  return all;
}

template <class T> struct Result {
  Array<T> y;
  Array<uint8_t> winner;
};

int64_t pooled_size(const Conv2dShape& s, const Combination& how) {
  return s.n * (s.oh() / how.pool_h) * (s.ow() / how.pool_w) * s.k;
}

template <class T>
Result<T> run(const KernelTable<T>& kernels, const Conv2dShape& s, const Combination& how,
              const Array<T>& x, const Array<T>& w, const Array<T>& bias) {
  const int64_t size = pooled_size(s, how);
  Result<T> out{Array<T>(size, T(NAN)), Array<uint8_t>(size, kUnwritten)};
  const Conv2dEpilogue<T> then{.bias = how.bias ? bias.data() : nullptr,
                               .relu = how.relu,
                               .pool_h = how.pool_h,
                               .pool_w = how.pool_w,
                               .winner = how.winner ? out.winner.data() : nullptr};
  Scratch<T> scratch(kernels.conv2d_scratch(s, kAlgo, Conv2dFace::forward));
  Scratch<T> packed(kernels.conv2d_packed_size(s, kAlgo, Conv2dFace::forward));
  kernels.conv2d_pack(s, kAlgo, Conv2dFace::forward, w.data(), packed.data());
  kernels.conv2d(s, kAlgo, x.data(), packed.data(), then, out.y.data(), scratch.data());
  return out;
}

bool same_winners(const Array<uint8_t>& a, const Array<uint8_t>& b) {
  return std::equal(a.data(), a.data() + a.size(), b.data(), b.data() + b.size());
}

/// Whole numbers are summed without rounding, so that equal sums are equal on every instruction set
/// and the winners of ties can be compared.
Array<float> whole_numbers(int64_t size, int64_t range, Rng& rng) {
  Array<float> out(size);
  for (int64_t i = 0; i < size; ++i) {
    out[i] = std::floor(static_cast<float>(rng.uniform()) * static_cast<float>(2 * range + 1)) -
             static_cast<float>(range);
  }
  return out;
}

struct Case {
  Conv2dShape s;
  Array<float> x, w, bias;
};

Case whole_case(const Conv2dShape& s, Rng& rng) {
  return {s, whole_numbers(s.x_size(), 2, rng), whole_numbers(s.w_size(), 1, rng),
          whole_numbers(s.k, 3, rng)};
}

void check(const Case& c) {
  for (const Combination& how : all_combinations()) {
    CAPTURE(how.bias);
    CAPTURE(how.relu);
    CAPTURE(how.winner);
    CAPTURE(how.pool_h);
    CAPTURE(how.pool_w);
    const Result<double> expected =
        run(reference<double>(), c.s, how, in_double(c.x), in_double(c.w), in_double(c.bias));
    on_every_isa([&](const KernelTable<float>& kernels) {
      const Result<float> found = run(kernels, c.s, how, c.x, c.w, c.bias);
      bool equal = true;
      for (int64_t i = 0; i < found.y.size(); ++i) {
        const bool both_nan = std::isnan(found.y[i]) && std::isnan(expected.y[i]);
        equal = equal && (both_nan || double(found.y[i]) == expected.y[i]);
      }
      CHECK(equal);
      CHECK(same_winners(found.winner, expected.winner));
    });
  }
}

/// Shapes that go down every path: odd sizes that the pool cuts, one row or column alone, tails of
/// channels, strides, crops, matrix products, few channels, rows longer than a pooled piece.
std::vector<Conv2dShape> shapes() {
  return {
      {.n = 2, .h = 5, .w = 7, .c = 3, .k = 5, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
      {.n = 2, .h = 6, .w = 9, .c = 1, .k = 32, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
      {.n = 1, .h = 5, .w = 23, .c = 1, .k = 48, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
      {.n = 2, .h = 9, .w = 15, .c = 1, .k = 16, .kh = 3, .kw = 3},
      {.n = 1, .h = 3, .w = 5, .c = 1, .k = 8, .kh = 3, .kw = 3, .pad_h = 2, .pad_w = 1},
      {.n = 1, .h = 7, .w = 40, .c = 1, .k = 19, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
      {.n = 1, .h = 4, .w = 8, .c = 16, .k = 48, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
      {.n = 3, .h = 1, .w = 8, .c = 4, .k = 17, .kh = 1, .kw = 3, .pad_w = 1},
      {.n = 1, .h = 8, .w = 1, .c = 4, .k = 33, .kh = 3, .kw = 1, .pad_h = 1},
      {.n = 2, .h = 5, .w = 6, .c = 7, .k = 20, .kh = 1, .kw = 1},
      {.n = 2, .h = 9, .w = 11, .c = 2, .k = 3, .kh = 4, .kw = 5},
      {.n = 2, .h = 9, .w = 38, .c = 1, .k = 1, .kh = 4, .kw = 8},
      {.n = 1,
       .h = 11,
       .w = 13,
       .c = 4,
       .k = 18,
       .kh = 3,
       .kw = 3,
       .stride_h = 2,
       .stride_w = 2,
       .pad_h = 2,
       .pad_w = 1},
      {.n = 1,
       .h = 12,
       .w = 15,
       .c = 3,
       .k = 9,
       .kh = 3,
       .kw = 2,
       .pad_h = 2,
       .pad_w = 2,
       .dilation_h = 2,
       .dilation_w = 3},
      {.n = 1, .h = 3, .w = 301, .c = 2, .k = 34, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
      {.n = 1, .h = 37, .w = 90, .c = 12, .k = 8, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
      {.n = 0, .h = 4, .w = 4, .c = 2, .k = 3, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
  };
}

}  // namespace

TEST_CASE("every combination of bias, ReLU and pool does to conv2d what the plain loops do") {
  Rng rng(1);
  for (const Conv2dShape& s : shapes()) {
    CAPTURE(s.h);
    CAPTURE(s.w);
    CAPTURE(s.c);
    CAPTURE(s.k);
    check(whole_case(s, rng));
  }
}

TEST_CASE("a 1x1 window over more channels than a block holds adds its bias and rectifies once") {
  Rng rng(6);
  const Conv2dShape products[] = {
      {.n = 1, .h = 7, .w = 10, .c = 2100, .k = 40, .kh = 1, .kw = 1},  // the sum in blocks,
      {.n = 1, .h = 1, .w = 2, .c = 1300, .k = 19, .kh = 1, .kw = 1},   // and in parts
      {.n = 2, .h = 1, .w = 1, .c = 640, .k = 8, .kh = 1, .kw = 1},
  };
  for (const Conv2dShape& s : products) {
    CAPTURE(s.c);
    CAPTURE(s.k);
    check(whole_case(s, rng));
  }
}

TEST_CASE("the first of equals wins, and a window that ReLU empties has no winner") {
  Rng rng(2);
  for (const Conv2dShape& s : shapes()) {
    Case c = whole_case(s, rng);
    // Few different sums, most of them at or below 0: ties and dead windows everywhere.
    for (int64_t i = 0; i < c.x.size(); ++i) c.x[i] = i % 3 == 0 ? 1.0f : 0.0f;
    for (int64_t i = 0; i < c.w.size(); ++i) c.w[i] = c.w[i] > 0.0f ? 1.0f : -1.0f;
    for (int64_t i = 0; i < c.bias.size(); ++i) c.bias[i] = static_cast<float>(i % 3) - 2.0f;
    CAPTURE(s.h);
    CAPTURE(s.k);
    check(c);
  }
}

TEST_CASE("a NaN survives ReLU, and the first of a window wins it") {
  Rng rng(3);
  for (const Conv2dShape& s : shapes()) {
    if (s.n == 0) continue;
    Case c = whole_case(s, rng);
    for (int64_t i = 0; i < c.x.size(); i += 23) c.x[i] = kNan;
    c.bias[s.k - 1] = kNan;
    CAPTURE(s.h);
    CAPTURE(s.k);
    check(c);
  }
}

TEST_CASE("conv2d with its epilogue is close to the plain loops for any numbers") {
  Rng rng(4);
  for (const Conv2dShape& s : shapes()) {
    const Case c{s, random_array(s.x_size(), rng), random_array(s.w_size(), rng),
                 random_array(s.k, rng)};
    for (const Combination& how : all_combinations()) {
      const Result<double> expected =
          run(reference<double>(), s, how, in_double(c.x), in_double(c.w), in_double(c.bias));
      on_every_isa([&](const KernelTable<float>& kernels) {
        CHECK(error_against(run(kernels, s, how, c.x, c.w, c.bias).y, expected.y) < 2e-5);
      });
    }
  }
}

TEST_CASE("conv2d with its epilogue gives the same bits for 1, 2 and 3 threads") {
  Rng rng(5);
  const int threads_before = omp_get_max_threads();
  const Conv2dShape large[] = {
      {.n = 5, .h = 33, .w = 41, .c = 1, .k = 32, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
      {.n = 3, .h = 9, .w = 18, .c = 32, .k = 50, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
      {.n = 9, .h = 2, .w = 18, .c = 64, .k = 96, .kh = 1, .kw = 1},
  };
  for (const Conv2dShape& s : large) {
    const Case c{s, random_array(s.x_size(), rng), random_array(s.w_size(), rng),
                 random_array(s.k, rng)};
    for (const Combination& how : all_combinations()) {
      on_every_isa([&](const KernelTable<float>& kernels) {
        omp_set_num_threads(1);
        const Result<float> one = run(kernels, s, how, c.x, c.w, c.bias);
        for (const int threads : {2, 3}) {
          omp_set_num_threads(threads);
          const Result<float> many = run(kernels, s, how, c.x, c.w, c.bias);
          CHECK(same_bits(many.y, one.y));
          CHECK(same_winners(many.winner, one.winner));
        }
      });
    }
  }
  omp_set_num_threads(threads_before);
}

}  // namespace talweg::kernels
