// Max pooling, and scatter and gather along its winners, of every instruction set against the plain
// loops: equal bits, since nothing is rounded but the sums of a pixel in several windows.
#include <omp.h>

#include <bit>
#include <limits>

#include "core/kernels/kernels.h"
#include "tests/core/kernels/kernel_test_util.h"

namespace talweg::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Results {
  Array<float> y, y_alone, dx, gathered, mean, spread;
  Array<uint8_t> winner;
};

/// All three kernels; `g` and `places` stand for a gradient and winners of somebody else's.
Results run(const KernelTable<float>& kernels, const Pool2dShape& s, const Array<float>& x,
            const Array<float>& g, const Array<uint8_t>& places) {
  Results r{Array<float>(s.y_size(), kNaN), Array<float>(s.y_size(), kNaN),
            Array<float>(s.x_size(), kNaN), Array<float>(s.y_size(), kNaN),
            Array<float>(s.y_size(), kNaN), Array<float>(s.x_size(), kNaN),
            Array<uint8_t>(s.y_size(), 99)};
  kernels.max_pool(s, x.data(), r.y.data(), r.winner.data());
  kernels.max_pool(s, x.data(), r.y_alone.data(), nullptr);
  kernels.pool_scatter(s, g.data(), places.data(), r.dx.data());
  kernels.pool_gather(s, x.data(), places.data(), r.gathered.data());
  kernels.avg_pool(s, x.data(), r.mean.data());
  kernels.avg_pool_backward(s, g.data(), r.spread.data());
  return r;
}

bool same_winners(const Array<uint8_t>& a, const Array<uint8_t>& b) {
  return std::equal(a.data(), a.data() + a.size(), b.data(), b.data() + b.size());
}

/// Few different values, so that ties are common, with infinities and NaN among them.
Array<float> coarse_array(int64_t size, Rng& rng) {
  Array<float> out(size);
  for (int64_t i = 0; i < size; ++i) {
    const uint64_t draw = rng.below(40);
    out[i] = draw == 0 ? kNaN : draw == 1 ? kInf : draw < 5 ? -kInf : float(draw % 7) - 3;
  }
  return out;
}

/// Means, which round: equal to a part in a million of numbers as large as `size`, NaN and infinities
/// the same.
bool nearly_equal(const Array<float>& a, const Array<float>& b, float size) {
  for (int64_t i = 0; i < b.size(); ++i) {
    const bool same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
    if (!same && !(std::abs(a[i] - b[i]) <= 1e-6f * size)) return false;
  }
  return a.size() == b.size();
}

/// Every place of the window, and some bytes beyond, 255 included.
Array<uint8_t> random_places(const Pool2dShape& s, Rng& rng) {
  Array<uint8_t> out(s.y_size());
  const uint64_t pixels = uint64_t(s.kh * s.kw);
  for (int64_t i = 0; i < s.y_size(); ++i) {
    const uint64_t draw = rng.below(pixels + 2);
    out[i] = draw == pixels + 1 ? uint8_t(255) : uint8_t(draw);
  }
  return out;
}

void check_against_plain_loops(const Pool2dShape& s, Rng& rng) {
  CAPTURE(s.h);
  CAPTURE(s.w);
  CAPTURE(s.c);
  CAPTURE(s.kh);
  CAPTURE(s.kw);
  CAPTURE(s.stride_h);
  CAPTURE(s.stride_w);
  CAPTURE(s.pad_h);
  CAPTURE(s.pad_w);
  const Array<float> x = coarse_array(s.x_size(), rng);
  Array<float> g(s.y_size());  // whole numbers: their sums are exact in any order
  for (int64_t i = 0; i < g.size(); ++i) g[i] = float(rng.below(1000)) - 500;
  const Array<uint8_t> places = random_places(s, rng);
  const Results expected = run(reference<float>(), s, x, g, places);
  on_every_isa([&](const KernelTable<float>& kernels) {
    const Results got = run(kernels, s, x, g, places);
    CHECK(same_bits(got.y, expected.y));
    CHECK(same_bits(got.y_alone, expected.y));
    CHECK(same_winners(got.winner, expected.winner));
    CHECK(same_bits(got.dx, expected.dx));
    CHECK(same_bits(got.gathered, expected.gathered));
    CHECK(nearly_equal(got.mean, expected.mean, 8));
    CHECK(nearly_equal(got.spread, expected.spread, 500));
  });
}

}  // namespace

TEST_CASE("pooling agrees with the plain loops for every channel count") {
  Rng rng(1);
  for (const int64_t c : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 27, 32, 33, 64}) {
    check_against_plain_loops({2, 6, 8, c, 2, 2, 2, 2}, rng);
    check_against_plain_loops({2, 6, 5, c, 2, 1, 2, 1}, rng);
    check_against_plain_loops({1, 5, 7, c, 3, 3, 2, 2, 1, 1}, rng);
  }
}

TEST_CASE("pooling agrees with the plain loops for every window, stride and padding") {
  Rng rng(2);
  for (const int64_t c : {1, 5, 18}) {
    for (const int64_t kh : {1, 2, 3, 5}) {
      for (const int64_t kw : {1, 2, 3, 4}) {
        for (const int64_t stride_h : {1, 2, 3}) {
          for (const int64_t stride_w : {1, 2, 5}) {
            for (const int64_t pad_h : {int64_t(0), kh - 1}) {
              check_against_plain_loops({1, 7, 9, c, kh, kw, stride_h, stride_w, pad_h, kw / 2},
                                        rng);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("pooling few channels agrees with the plain loops for rows of every length") {
  Rng rng(6);
  for (const int64_t c : {1, 2, 3, 7}) {
    for (const int64_t w : {6, 7, 29, 36, 700})
      check_against_plain_loops({2, 7, w, c, 3, 6, 3, 6}, rng);
    check_against_plain_loops({1, 4, 90, c, 1, 9, 1, 9}, rng);
    check_against_plain_loops({1, 9, 33, c, 4, 1, 4, 1}, rng);
  }
}

TEST_CASE("pooling of no image, of one pixel and with the largest window of a byte") {
  Rng rng(3);
  check_against_plain_loops({0, 4, 4, 3, 2, 2, 2, 2}, rng);
  check_against_plain_loops({2, 4, 4, 0, 2, 2, 2, 2}, rng);
  check_against_plain_loops({1, 1, 1, 1}, rng);
  check_against_plain_loops({1, 16, 34, 6, 15, 17, 1, 17}, rng);
}

TEST_CASE("the first of equals wins, NaN wins over all, and padding never wins") {
  on_every_isa([](const KernelTable<float>& kernels) {
    const Pool2dShape pair{1, 1, 2, 1, 1, 2, 1, 2};
    const auto winner_of = [&](float a, float b) {
      const float x[] = {a, b};
      float y = 0;
      uint8_t winner = 99;
      kernels.max_pool(pair, x, &y, &winner);
      CHECK((winner == 0 || winner == 1));
      CHECK(std::bit_cast<uint32_t>(y) == std::bit_cast<uint32_t>(x[winner]));
      return int(winner);
    };
    CHECK(winner_of(3, 3) == 0);
    CHECK(winner_of(0.0f, -0.0f) == 0);
    CHECK(winner_of(-0.0f, 0.0f) == 0);
    CHECK(winner_of(-kInf, -kInf) == 0);
    CHECK(winner_of(-kInf, -1e38f) == 1);
    CHECK(winner_of(kNaN, kInf) == 0);
    CHECK(winner_of(kInf, kNaN) == 1);
    CHECK(winner_of(kNaN, -kNaN) == 0);

    const Pool2dShape padded{1, 1, 1, 1, 3, 3, 1, 1, 1, 1};
    const float x = -5;
    float y = 0;
    uint8_t winner = 99;
    kernels.max_pool(padded, &x, &y, &winner);
    CHECK(y == -5);
    CHECK(winner == 4);
  });
}

TEST_CASE("pooling gives the same bits for 1, 2 and 3 threads") {
  Rng rng(4);
  const int threads_before = omp_get_max_threads();
  const Pool2dShape shapes[] = {
      {3, 32, 36, 16, 2, 2, 2, 2}, {1, 41, 37, 40, 3, 3, 2, 2, 1, 1}, {5, 9, 100, 33, 2, 1, 2, 1}};
  for (const Pool2dShape& s : shapes) {
    const Array<float> x = random_array(s.x_size(), rng), g = random_array(s.y_size(), rng);
    const Array<uint8_t> places = random_places(s, rng);
    on_every_isa([&](const KernelTable<float>& kernels) {
      omp_set_num_threads(1);
      const Results one = run(kernels, s, x, g, places);
      for (const int threads : {2, 3}) {
        omp_set_num_threads(threads);
        const Results more = run(kernels, s, x, g, places);
        CHECK(same_bits(more.y, one.y));
        CHECK(same_winners(more.winner, one.winner));
        CHECK(same_bits(more.dx, one.dx));
        CHECK(same_bits(more.gathered, one.gathered));
        CHECK(same_bits(more.mean, one.mean));
        CHECK(same_bits(more.spread, one.spread));
      }
    });
  }
  omp_set_num_threads(threads_before);
}

}  // namespace talweg::kernels
