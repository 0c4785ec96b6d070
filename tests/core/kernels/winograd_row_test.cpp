// Winograd's form along the row: any height and dilation, rounding errors, epilogue, threads, choice.
#include <omp.h>

#include "tests/core/kernels/conv2d_cases.h"

namespace talweg::kernels {
namespace {

constexpr Conv2dAlgo kRow = Conv2dAlgo::row4;

/// A window of `kh` rows and three columns, `dilation` apart, that keeps the width.
Conv2dShape along_row(int64_t n, int64_t h, int64_t w, int64_t c, int64_t k, int64_t kh,
                      int64_t dilation) {
  return {.n = n,
          .h = h,
          .w = w,
          .c = c,
          .k = k,
          .kh = kh,
          .kw = 3,
          .pad_w = dilation,
          .dilation_w = dilation};
}

TEST_CASE("windows of three columns, any height, padding, dilation and channels, on every face") {
  Rng rng(31);
  for (const int64_t dilation : {1, 2, 3, 8}) {
    for (const int64_t w : {1, 2, 3, 7, 8, 9, 26}) {
      check_all_faces(along_row(2, 1, w, 5, 35, 1, dilation), rng);
      check_all_faces(along_row(1, 4, w, 20, 18, 4, dilation), rng);
    }
  }
  for (const int64_t pad : {0, 1, 4}) {  // more rows than the window, and rows outside the image
    Conv2dShape s = along_row(2, 5, 11, 17, 40, 3, 1);
    s.pad_h = pad;
    check_all_faces(s, rng);
    s.pad_w = 4;
    check_all_faces(s, rng);
  }
  check_all_faces(along_row(9, 4, 27, 192, 256, 4, 1), rng);
}

TEST_CASE("rounding errors of the row form stay within five millionths") {
  Rng rng(32);
  for (const Conv2dShape& s :
       {along_row(4, 4, 27, 192, 256, 4, 1), along_row(4, 1, 27, 256, 256, 1, 1),
        along_row(4, 1, 27, 256, 80, 1, 4)}) {
    const Case c(s, rng);
    for (const Conv2dFace face : {Conv2dFace::forward, Conv2dFace::backward_data}) {
      const Array<double> expected = run(reference<double>(), s, Conv2dAlgo::direct, face,
                                         in_double(c.x), in_double(c.w), in_double(c.g));
      on_every_isa([&](const KernelTable<float>& kernels) {
        const Array<float> found = run(kernels, s, kRow, face, c.x, c.w, c.g);
        double difference = 0, norm = 0;
        for (int64_t i = 0; i < found.size(); ++i) {
          difference += (double(found[i]) - expected[i]) * (double(found[i]) - expected[i]);
          norm += expected[i] * expected[i];
        }
        CHECK(std::sqrt(difference / norm) < 5e-6);
      });
    }
  }
}

TEST_CASE("the row form's epilogue adds the bias and rectifies") {
  Rng rng(33);
  const Conv2dShape s = along_row(2, 4, 10, 24, 37, 4, 1);
  const Case c(s, rng);
  const Array<float> bias = random_array(s.k, rng);
  on_every_isa([&](const KernelTable<float>& kernels) {
    const Array<float> sums = run(kernels, s, kRow, Conv2dFace::forward, c.x, c.w, c.g);
    Array<float> y(s.y_size(), NAN);
    Scratch<float> scratch(kernels.conv2d_scratch(s, kRow, Conv2dFace::forward));
    Scratch<float> packed(kernels.conv2d_packed_size(s, kRow, Conv2dFace::forward));
    kernels.conv2d_pack(s, kRow, Conv2dFace::forward, c.w.data(), packed.data());
    kernels.conv2d(s, kRow, c.x.data(), packed.data(), {.bias = bias.data(), .relu = true},
                   y.data(), scratch.data());
    for (int64_t i = 0; i < y.size(); ++i) {
      CHECK(y[i] == std::max(0.0f, sums[i] + bias[i % s.k]));
    }
  });
}

TEST_CASE("the row form gives the same bits for any number of threads") {
  Rng rng(34);
  const int threads_before = omp_get_max_threads();
  for (const int64_t n : {1, 7}) {
    const Case c(along_row(n, 4, 61, 96, 130, 4, 1), rng);
    for (const Conv2dFace face : {Conv2dFace::forward, Conv2dFace::backward_data}) {
      on_every_isa([&](const KernelTable<float>& kernels) {
        omp_set_num_threads(1);
        const Array<float> one = run(kernels, c.s, kRow, face, c.x, c.w, c.g);
        for (const int threads : {2, 3}) {
          omp_set_num_threads(threads);
          CHECK(same_bits(run(kernels, c.s, kRow, face, c.x, c.w, c.g), one));
        }
      });
    }
  }
  omp_set_num_threads(threads_before);
}

TEST_CASE("auto takes the row form where it can and gains, never to the weights") {
  const Conv2dShape s = along_row(1, 4, 27, 192, 256, 4, 1);
  CHECK(best_algo(s, Conv2dFace::forward) == kRow);
  CHECK(best_algo(s, Conv2dFace::backward_data) == kRow);
  CHECK(best_algo(s, Conv2dFace::backward_weights) == Conv2dAlgo::direct);
  CHECK(best_algo(along_row(1, 1, 3, 256, 80, 1, 8), Conv2dFace::forward) == Conv2dAlgo::direct);
  Conv2dShape other = s;
  other.stride_w = 2;
  CHECK_FALSE(supports(kRow, other));
  other = s;
  other.kw = 5;
  CHECK_FALSE(supports(kRow, other));
}

}  // namespace
}  // namespace talweg::kernels
