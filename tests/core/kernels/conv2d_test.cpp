// conv2d: every instruction set against the plain loops in double, over shapes with every kind of
// tail.
#include <omp.h>

#include "tests/core/kernels/conv2d_cases.h"

namespace talweg::kernels {

TEST_CASE("conv2d's three faces agree with the plain loops for every channel count") {
  Rng rng(1);
  const int64_t channels[] = {1, 2, 3, 5, 16, 17, 27, 32, 33, 64};
  for (const int64_t c : channels) {
    for (const int64_t k : channels) {
      const Conv2dShape s{
          .n = 2, .h = 5, .w = 7, .c = c, .k = k, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1};
      CAPTURE(text_of(s));
      check_all_faces(s, rng);
    }
  }
}

TEST_CASE(
    "conv2d's three faces agree with the plain loops for every window, stride, padding and "
    "dilation") {
  Rng rng(2);
  const int64_t windows[][2] = {{1, 1}, {3, 3}, {4, 3}, {2, 1}, {5, 5}};
  const int64_t strides[][2] = {{1, 1}, {2, 2}, {3, 3}, {2, 1}, {1, 3}};
  const int64_t pads[][2] = {{0, 0}, {1, 1}, {2, 2}, {3, 3}, {0, 1}, {2, 0}};
  for (const auto& window : windows) {
    for (const auto& stride : strides) {
      for (const auto& pad : pads) {
        for (const int64_t dilation : {1, 2}) {
          const Conv2dShape s{.n = 1,
                              .h = 9,
                              .w = 19,
                              .c = 5,
                              .k = 18,
                              .kh = window[0],
                              .kw = window[1],
                              .stride_h = stride[0],
                              .stride_w = stride[1],
                              .pad_h = pad[0],
                              .pad_w = pad[1],
                              .dilation_h = dilation,
                              .dilation_w = dilation};
          CAPTURE(text_of(s));
          check_all_faces(s, rng);
        }
      }
    }
  }
}

TEST_CASE("conv2d's three faces agree with the plain loops on random shapes") {
  Rng rng(3);
  const auto pick = [&rng](int64_t low, int64_t high) {
    return low + static_cast<int64_t>(rng.uniform() * static_cast<double>(high - low + 1));
  };
  int tried = 0;
  while (tried < 150) {
    const Conv2dShape s{.n = pick(1, 4),
                        .h = pick(1, 12),
                        .w = pick(1, 40),
                        .c = pick(1, 20),
                        .k = pick(1, 40),
                        .kh = pick(1, 5),
                        .kw = pick(1, 5),
                        .stride_h = pick(1, 4),
                        .stride_w = pick(1, 4),
                        .pad_h = pick(0, 4),
                        .pad_w = pick(0, 4),
                        .dilation_h = pick(1, 3),
                        .dilation_w = pick(1, 3)};
    const bool fits = s.h + 2 * s.pad_h > s.dilation_h * (s.kh - 1) &&
                      s.w + 2 * s.pad_w > s.dilation_w * (s.kw - 1);
    if (!fits) continue;
    ++tried;
    CAPTURE(text_of(s));
    check_all_faces(s, rng);
  }
}

TEST_CASE("conv2d of an image larger than one strip agrees with the plain loops") {
  Rng rng(4);
  check_all_faces(
      {.n = 1, .h = 61, .w = 130, .c = 12, .k = 20, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1}, rng);
  check_all_faces(
      {.n = 1, .h = 3, .w = 3000, .c = 20, .k = 4, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1}, rng);
}

TEST_CASE("conv2d of many channels and small images agrees with the plain loops") {
  Rng rng(8);
  // The weight gradient cuts both channels into groups, and strips hold several images.
  check_all_faces(
      {.n = 11, .h = 3, .w = 5, .c = 121, .k = 104, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1}, rng);
  check_all_faces({.n = 5, .h = 2, .w = 6, .c = 200, .k = 75, .kh = 2, .kw = 5, .pad_w = 2}, rng);
}

TEST_CASE("conv2d of no images writes no outputs and gives a zero weight gradient") {
  Rng rng(5);
  check_all_faces(
      {.n = 0, .h = 5, .w = 7, .c = 3, .k = 4, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1}, rng);
}

TEST_CASE("conv2d of 3x3 windows over one channel agrees with the plain loops") {
  // Strides, dilations, tails of a vector and of two, with and without padding.
  Rng rng(9);
  for (const int64_t k : {3, 16, 29, 32, 45}) {
    for (const int64_t stride : {1, 2}) {
      for (const int64_t dilation : {1, 2}) {
        const Conv2dShape s{.n = 2,
                            .h = 11,
                            .w = 33,
                            .k = k,
                            .kh = 3,
                            .kw = 3,
                            .stride_h = 3 - stride,
                            .stride_w = stride,
                            .pad_h = dilation - 1,
                            .pad_w = 1,
                            .dilation_h = dilation,
                            .dilation_w = k == 29 ? dilation : 1};
        CAPTURE(text_of(s));
        check_all_faces(s, rng);
      }
    }
  }
}

TEST_CASE("conv2d from one channel to one agrees with the plain loops for every window") {
  // Windows taken four rows at once, and what is left of them; images that are read where they lie,
  // and the last one, which ends too soon; strides, dilation and padding; more than one strip.
  Rng rng(8);
  for (const int64_t kh : {1, 2, 3, 4, 5, 7}) {
    for (const int64_t kw : {1, 3, 4, 8, 9}) {
      for (const int64_t pad : {0, 1}) {
        for (const int64_t step : {1, 2}) {
          const Conv2dShape s{.n = 3,
                              .h = 6 + 5 * kh,
                              .w = 30 + kh,
                              .kh = kh,
                              .kw = kw,
                              .stride_h = step,
                              .pad_h = pad,
                              .pad_w = pad,
                              .dilation_h = 3 - step,
                              .dilation_w = step};
          CAPTURE(text_of(s));
          check_all_faces(s, rng);
        }
        check_all_faces(
            {.n = 2, .h = kh + 1, .w = kw + 40, .kh = kh, .kw = kw, .pad_h = pad, .pad_w = pad},
            rng);
      }
    }
  }
}

TEST_CASE("an infinity in one image spoils no more of a 1-to-1 filter's faces than it must") {
  Rng rng(9);
  const Conv2dShape s{.n = 3, .h = 9, .w = 21, .kh = 4, .kw = 5};
  for (const int64_t at : {int64_t(0), s.w - 1, 4 * s.w, 6 * s.w - 1, s.h * s.w - 1}) {
    Case c(s, rng);
    c.x[s.h * s.w + at] = HUGE_VALF;
    c.g[s.oh() * s.ow() + at % (s.oh() * s.ow())] = HUGE_VALF;
    for (const Conv2dFace face : kFaces) {
      const Array<double> expected = run(reference<double>(), s, Conv2dAlgo::direct, face,
                                         in_double(c.x), in_double(c.w), in_double(c.g));
      on_every_isa([&](const KernelTable<float>& kernels) {
        const Array<float> found = run(kernels, s, Conv2dAlgo::direct, face, c.x, c.w, c.g);
        bool same = true;
        for (int64_t i = 0; i < found.size(); ++i) {
          same = same && std::isfinite(found[i]) == std::isfinite(expected[i]);
        }
        CHECK(same);
      });
    }
  }
}

TEST_CASE("conv2d of a first layer agrees with the plain loops for every width and padding") {
  Rng rng(10);
  for (const int64_t k : {4, 8, 16, 32, 48}) {
    for (const int64_t w : {1, 2, 5, 6, 7, 11, 12, 13, 18, 23, 24, 25, 40}) {
      for (const int64_t pad : {0, 1, 2}) {
        if (w + 2 * pad < 3) continue;
        const Conv2dShape s{
            .n = 2, .h = 5, .w = w, .k = k, .kh = 3, .kw = 3, .pad_h = pad, .pad_w = pad};
        CAPTURE(text_of(s));
        check_all_faces(s, rng);
      }
    }
  }
}

TEST_CASE("conv2d with a 1x1 window, a matrix product, agrees with the plain loops") {
  Rng rng(11);
  const int64_t channels[][2] = {{3, 70}, {16, 48}, {48, 16}, {33, 27}, {130, 35}, {520, 12}};
  for (const auto& [c, k] : channels) {
    const Conv2dShape few{.n = 1, .h = 3, .w = 5, .c = c, .k = k};
    const Conv2dShape many{.n = 3, .h = 17, .w = 31, .c = c, .k = k};
    CAPTURE(text_of(few));
    check_all_faces(few, rng);
    check_all_faces(many, rng);
  }
}

TEST_CASE("conv2d gives the same bits for 1, 2 and 3 threads") {
  Rng rng(6);
  const int threads_before = omp_get_max_threads();
  const Conv2dShape shapes[] = {
      {.n = 7, .h = 32, .w = 40, .c = 1, .k = 16, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
      {.n = 7, .h = 31, .w = 41, .c = 1, .k = 96, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
      {.n = 21, .h = 32, .w = 36, .c = 1, .k = 1, .kh = 4, .kw = 8},
      {.n = 1, .h = 90, .w = 120, .c = 1, .k = 1, .kh = 5, .kw = 5, .pad_h = 2, .pad_w = 2},
      {.n = 5, .h = 8, .w = 18, .c = 32, .k = 64, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
      {.n = 9, .h = 4, .w = 18, .c = 40, .k = 33, .kh = 4, .kw = 3, .pad_h = 0, .pad_w = 1},
      {.n = 9, .h = 1, .w = 18, .c = 128, .k = 27, .kh = 1, .kw = 1},
      {.n = 4, .h = 5, .w = 9, .c = 112, .k = 100, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
      {.n = 3, .h = 28, .w = 31, .c = 48, .k = 80, .kh = 1, .kw = 1},
      {.n = 3,
       .h = 17,
       .w = 21,
       .c = 12,
       .k = 20,
       .kh = 5,
       .kw = 5,
       .stride_h = 2,
       .stride_w = 2,
       .pad_h = 2,
       .pad_w = 2},
  };
  for (const Conv2dShape& s : shapes) {
    CAPTURE(text_of(s));
    const Case c(s, rng);
    for (const Conv2dFace face : kFaces) {
      on_every_isa([&](const KernelTable<float>& kernels) {
        omp_set_num_threads(1);
        const Array<float> one = run(kernels, s, Conv2dAlgo::direct, face, c.x, c.w, c.g);
        for (const int threads : {2, 3}) {
          omp_set_num_threads(threads);
          CHECK(same_bits(run(kernels, s, Conv2dAlgo::direct, face, c.x, c.w, c.g), one));
        }
      });
    }
  }
  omp_set_num_threads(threads_before);
}

TEST_CASE("conv2d's three faces are one trilinear form: <y, g> = <dx, x> = <dw, w>") {
  Rng rng(7);
  const Conv2dShape shapes[] = {
      {.n = 3, .h = 8, .w = 18, .c = 16, .k = 32, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1},
      {.n = 2,
       .h = 11,
       .w = 13,
       .c = 6,
       .k = 9,
       .kh = 4,
       .kw = 3,
       .stride_h = 2,
       .stride_w = 3,
       .pad_h = 2,
       .pad_w = 1,
       .dilation_h = 2,
       .dilation_w = 1},
  };
  for (const Conv2dShape& s : shapes) {
    CAPTURE(text_of(s));
    const Case c(s, rng);
    on_every_isa([&](const KernelTable<float>& kernels) {
      CHECK(trilinear_gap(kernels, Conv2dAlgo::direct, c) < 1e-5);
    });
  }
}

}  // namespace talweg::kernels
