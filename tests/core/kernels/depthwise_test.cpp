// Depthwise convolution: the three faces of every instruction set against the plain loops in double.
#include <omp.h>

#include "core/kernels/kernels.h"
#include "tests/core/kernels/kernel_test_util.h"

namespace talweg::kernels {
namespace {

template <class T> struct Faces { Array<T> y, dx, dw; };

int64_t weights_of(const Conv2dShape& s) { return s.kh * s.kw * s.c; }
int64_t outputs_of(const Conv2dShape& s) { return s.n * s.oh() * s.ow() * s.c; }

template <class T>
Faces<T> run(const KernelTable<T>& kernels, const Conv2dShape& s, const Array<T>& x,
             const Array<T>& w, const Array<T>& g) {
  const T nan = T(NAN);
  Faces<T> f{Array<T>(outputs_of(s), nan), Array<T>(s.x_size(), nan), Array<T>(weights_of(s), nan)};
  Scratch<T> scratch(kernels.depthwise_scratch(s));
  kernels.depthwise(s, x.data(), w.data(), f.y.data());
  kernels.depthwise_backward_data(s, w.data(), g.data(), f.dx.data());
  kernels.depthwise_backward_weights(s, x.data(), g.data(), f.dw.data(), scratch.data());
  return f;
}

struct Case {
  Array<float> x, w, g;
  Case(const Conv2dShape& s, Rng& rng)
      : x(random_array(s.x_size(), rng)),
        w(random_array(weights_of(s), rng)),
        g(random_array(outputs_of(s), rng)) {}
};

void check_faces(const Conv2dShape& s, Rng& rng) {
  CAPTURE(s.h);
  CAPTURE(s.w);
  CAPTURE(s.c);
  CAPTURE(s.kh);
  CAPTURE(s.kw);
  CAPTURE(s.stride_h);
  CAPTURE(s.stride_w);
  CAPTURE(s.pad_h);
  CAPTURE(s.pad_w);
  CAPTURE(s.dilation_h);
  CAPTURE(s.dilation_w);
  const Case c(s, rng);
  const Faces<double> exact =
      run(reference<double>(), s, in_double(c.x), in_double(c.w), in_double(c.g));
  on_every_isa([&](const KernelTable<float>& kernels) {
    const Faces<float> got = run(kernels, s, c.x, c.w, c.g);
    CHECK(error_against(got.y, exact.y) < 5e-6);
    CHECK(error_against(got.dx, exact.dx) < 5e-6);
    CHECK(error_against(got.dw, exact.dw) < 5e-6);
  });
}

}  // namespace

TEST_CASE("depthwise convolution agrees with the plain loops for every channel count") {
  Rng rng(1);
  for (const int64_t c : {1, 2, 3, 4, 5, 8, 9, 15, 16, 17, 27, 32, 33, 64}) {
    for (const int64_t w : {5, 23, 70}) {
      check_faces({.n = 2, .h = 6, .w = w, .c = c, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1}, rng);
    }
  }
}

TEST_CASE("depthwise convolution agrees with the plain loops on random windows and steps") {
  Rng rng(2);
  const auto pick = [&rng](int64_t low, int64_t high) {
    return low + int64_t(rng.below(uint64_t(high - low + 1)));
  };
  int tried = 0;
  while (tried < 250) {
    const Conv2dShape s{.n = pick(1, 3),
                        .h = pick(1, 12),
                        .w = pick(1, 30),
                        .c = pick(1, 20),
                        .kh = pick(1, 5),
                        .kw = pick(1, 7),
                        .stride_h = pick(1, 3),
                        .stride_w = pick(1, 3),
                        .pad_h = pick(0, 5),
                        .pad_w = pick(0, 5),
                        .dilation_h = pick(1, 3),
                        .dilation_w = pick(1, 3)};
    if (s.h + 2 * s.pad_h <= s.dilation_h * (s.kh - 1)) continue;
    if (s.w + 2 * s.pad_w <= s.dilation_w * (s.kw - 1)) continue;
    ++tried;
    check_faces(s, rng);
    Conv2dShape unit = s;  // stride 1 has a way of its own
    unit.stride_h = unit.stride_w = 1;
    check_faces(unit, rng);
  }
}

TEST_CASE("depthwise convolution of no images writes no outputs and a zero weight gradient") {
  Rng rng(3);
  check_faces({.n = 0, .h = 5, .w = 7, .c = 3, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1}, rng);
}

TEST_CASE("depthwise convolution gives the same bits for 1, 2 and 3 threads") {
  Rng rng(4);
  const int threads_before = omp_get_max_threads();
  const Conv2dShape shapes[] = {
      {.n = 7, .h = 16, .w = 37, .c = 24, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
      {.n = 3, .h = 31, .w = 40, .c = 17, .kh = 5, .kw = 4, .stride_h = 2, .stride_w = 2}};
  for (const Conv2dShape& s : shapes) {
    const Case c(s, rng);
    on_every_isa([&](const KernelTable<float>& kernels) {
      omp_set_num_threads(1);
      const Faces<float> one = run(kernels, s, c.x, c.w, c.g);
      for (const int threads : {2, 3}) {
        omp_set_num_threads(threads);
        const Faces<float> more = run(kernels, s, c.x, c.w, c.g);
        CHECK(same_bits(more.y, one.y));
        CHECK(same_bits(more.dx, one.dx));
        CHECK(same_bits(more.dw, one.dw));
      }
    });
  }
  omp_set_num_threads(threads_before);
}

}  // namespace talweg::kernels
