// The Winograd forms of conv2d: rounding errors, edges of any size, adjointness, threads.
#include <omp.h>

#include "tests/core/kernels/conv2d_cases.h"

namespace talweg::kernels {
namespace {

/// A 3x3 convolution with padding 1, as most are.
Conv2dShape same3x3(int64_t n, int64_t c, int64_t h, int64_t w, int64_t k) {
  return {.n = n, .h = h, .w = w, .c = c, .k = k, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1};
}

constexpr Conv2dAlgo kWinograd[] = {Conv2dAlgo::wino2, Conv2dAlgo::wino4};

/// ||a - b|| / ||b||.
double relative_l2(const Array<float>& a, const Array<double>& b) {
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < b.size(); ++i) {
    difference += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
    norm += b[i] * b[i];
  }
  return std::sqrt(difference / norm);
}

/// The forward face with an epilogue.
Array<float> run_with(const KernelTable<float>& kernels, Conv2dAlgo algo, const Case& c,
                      const Conv2dEpilogue<float>& then, int64_t size) {
  Array<float> y(size, NAN);
  Scratch<float> scratch(kernels.conv2d_scratch(c.s, algo, Conv2dFace::forward));
  Scratch<float> packed(kernels.conv2d_packed_size(c.s, algo, Conv2dFace::forward));
  kernels.conv2d_pack(c.s, algo, Conv2dFace::forward, c.w.data(), packed.data());
  kernels.conv2d(c.s, algo, c.x.data(), packed.data(), then, y.data(), scratch.data());
  return y;
}

/// What `then` makes of the sums y[N, OH, OW, K], number by number.
Array<float> apply(const Conv2dShape& s, const Conv2dEpilogue<float>& then, const Array<float>& y,
                   Array<uint8_t>& winner) {
  const int64_t rows = s.oh() / then.pool_h, columns = s.ow() / then.pool_w;
  Array<float> out(s.n * rows * columns * s.k);
  for (int64_t i = 0; i < out.size(); ++i) {
    const int64_t k = i % s.k, column = i / s.k % columns, row = i / s.k / columns % rows;
    const int64_t n = i / s.k / columns / rows;
    float best = -INFINITY;
    for (int64_t at = 0; at < then.pool_h * then.pool_w; ++at) {
      const int64_t p = row * then.pool_h + at / then.pool_w;
      const int64_t q = column * then.pool_w + at % then.pool_w;
      const float v = y[((n * s.oh() + p) * s.ow() + q) * s.k + k] + then.bias[k];
      if (v > best) {
        best = v;
        winner[i] = uint8_t(at);
      }
    }
    if (then.relu && best <= 0) winner[i] = kDeadWinner;
    out[i] = then.relu && best <= 0 ? 0 : best;
  }
  return out;
}

}  // namespace

TEST_CASE(
    "bias, ReLU and pooling change Winograd's sums as they should, for every rest at the edge") {
  Rng rng(8);
  for (const Conv2dShape& s : {same3x3(2, 5, 8, 12, 32), same3x3(1, 16, 7, 5, 19),
                               same3x3(2, 3, 1, 9, 17), same3x3(1, 20, 10, 3, 50)}) {
    const Case c(s, rng);
    const Array<float> bias = random_array(s.k, rng);
    CAPTURE(text_of(s));
    on_every_isa([&](const KernelTable<float>& kernels) {
      for (const Conv2dAlgo algo : kWinograd) {
        const Array<float> sums = run_with(kernels, algo, c, {}, s.y_size());
        for (const bool relu : {false, true}) {
          for (const int64_t pool_h : {1, 2}) {
            for (const int64_t pool_w : {1, 2}) {
              const int64_t size = s.n * (s.oh() / pool_h) * (s.ow() / pool_w) * s.k;
              Array<uint8_t> winner(size, 99), expected_winner(size, 99);
              const Conv2dEpilogue<float> then{.bias = bias.data(),
                                               .relu = relu,
                                               .pool_h = pool_h,
                                               .pool_w = pool_w,
                                               .winner = winner.data()};
              const Array<float> y = run_with(kernels, algo, c, then, size);
              CHECK(same_bits(y, apply(s, then, sums, expected_winner)));
              if (!then.pools()) continue;
              CHECK(std::equal(winner.data(), winner.data() + size, expected_winner.data()));
            }
          }
        }
      }
    });
  }
}

TEST_CASE("the Winograd forms agree with the plain loops for outputs of every small size") {
  Rng rng(1);
  for (int64_t h = 1; h <= 9; ++h) {
    for (const int64_t w : {1, 2, 3, 4, 5, 6, 7, 8, 13}) {
      const Conv2dShape s = same3x3(2, 3, h, w, 18);
      CAPTURE(text_of(s));
      check_all_faces(s, rng);
    }
  }
}

TEST_CASE("the Winograd forms agree with the plain loops for every padding") {
  Rng rng(2);
  for (int64_t pad_h = 0; pad_h <= 4; ++pad_h) {
    for (int64_t pad_w = 0; pad_w <= 4; ++pad_w) {
      Conv2dShape s = same3x3(1, 5, 7, 6, 4);
      s.pad_h = pad_h;
      s.pad_w = pad_w;
      CAPTURE(text_of(s));
      check_all_faces(s, rng);
    }
  }
}

TEST_CASE("the Winograd forms agree with the plain loops over many blocks of tiles") {
  Rng rng(3);
  check_all_faces(same3x3(5, 40, 17, 23, 70), rng);
  check_all_faces(same3x3(1, 130, 30, 9, 16), rng);
}

TEST_CASE("Winograd's rounding errors: F(2x2) within 5e-7, F(4x4) within 5e-6, relative L2") {
  Rng rng(4);
  for (const Conv2dShape& s : {same3x3(2, 128, 8, 32, 32), same3x3(4, 32, 16, 64, 16)}) {
    const Case c(s, rng);
    for (const Conv2dFace face : {Conv2dFace::forward, Conv2dFace::backward_data}) {
      const Array<double> expected = run(reference<double>(), s, Conv2dAlgo::direct, face,
                                         in_double(c.x), in_double(c.w), in_double(c.g));
      on_every_isa([&](const KernelTable<float>& kernels) {
        const auto error = [&](Conv2dAlgo algo) {
          return relative_l2(run(kernels, s, algo, face, c.x, c.w, c.g), expected);
        };
        CHECK(error(Conv2dAlgo::wino2) < 5e-7);
        CHECK(error(Conv2dAlgo::wino4) < 5e-6);
      });
    }
  }
}

TEST_CASE("Winograd's weight gradient errs at most 6 times as much as the direct one") {
  Rng rng(5);
  for (const Conv2dShape& s : {same3x3(16, 32, 8, 32, 16), same3x3(2, 16, 33, 47, 32)}) {
    const Case c(s, rng);
    const Conv2dFace face = Conv2dFace::backward_weights;
    const Array<double> expected = run(reference<double>(), s, Conv2dAlgo::direct, face,
                                       in_double(c.x), in_double(c.w), in_double(c.g));
    on_every_isa([&](const KernelTable<float>& kernels) {
      const auto error = [&](Conv2dAlgo algo) {
        return relative_l2(run(kernels, s, algo, face, c.x, c.w, c.g), expected);
      };
      const double direct = error(Conv2dAlgo::direct);
      for (const Conv2dAlgo algo : kWinograd) CHECK(error(algo) < 6 * direct);
    });
  }
}

TEST_CASE("Winograd's three faces are one trilinear form: <y, g> = <dx, x> = <dw, w>") {
  Rng rng(6);
  for (const Conv2dShape& s : {same3x3(3, 32, 8, 18, 48), same3x3(2, 17, 7, 9, 33)}) {
    const Case c(s, rng);
    on_every_isa([&](const KernelTable<float>& kernels) {
      for (const Conv2dAlgo algo : kWinograd) CHECK(trilinear_gap(kernels, algo, c) < 1e-5);
    });
  }
}

TEST_CASE("the Winograd forms give the same bits for 1, 2 and 3 threads") {
  Rng rng(7);
  const int threads_before = omp_get_max_threads();
  for (const Conv2dShape& s : {same3x3(7, 32, 16, 40, 64), same3x3(1, 64, 4, 18, 96)}) {
    const Case c(s, rng);
    for (const Conv2dFace face : kFaces) {
      for (const Conv2dAlgo algo : kWinograd) {
        on_every_isa([&](const KernelTable<float>& kernels) {
          omp_set_num_threads(1);
          const Array<float> one = run(kernels, s, algo, face, c.x, c.w, c.g);
          for (const int threads : {2, 3}) {
            omp_set_num_threads(threads);
            CHECK(same_bits(run(kernels, s, algo, face, c.x, c.w, c.g), one));
          }
        });
      }
    }
  }
  omp_set_num_threads(threads_before);
}

TEST_CASE("the Winograd forms refuse what is not a 3x3 window with stride and dilation 1") {
  Conv2dShape s = same3x3(1, 4, 8, 8, 4);
  for (const Conv2dAlgo algo : kWinograd) CHECK(supports(algo, s));
  for (int64_t Conv2dShape::*field :
       {&Conv2dShape::stride_h, &Conv2dShape::stride_w, &Conv2dShape::dilation_h,
        &Conv2dShape::dilation_w, &Conv2dShape::kh, &Conv2dShape::kw}) {
    Conv2dShape other = s;
    other.*field = 2;
    for (const Conv2dAlgo algo : kWinograd) CHECK_FALSE(supports(algo, other));
    CHECK(supports(Conv2dAlgo::direct, other));
  }
}

}  // namespace talweg::kernels
