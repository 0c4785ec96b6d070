// Softmax and its relatives of every instruction set against the plain loops in double, and what
// they make of infinities and NaN.
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
constexpr Sizes kSizes[] = {{0, 3},   {3, 1},   {2, 2},  {5, 3},  {7, 16},    {9, 27},   {1, 31},
                            {33, 33}, {64, 70}, {4, 48}, {3, 49}, {700, 120}, {2, 40000}};

template <class T> struct Results { Array<T> p, p_back, log_p, log_p_back, cost, cost_back; };

/// All six kernels. The backward ones of softmax read the p and log_p given, so that each kernel is
/// judged alone.
template <class T>
Results<T> run(const KernelTable<T>& kernels, const Sizes& s, const Array<T>& x, const Array<T>& g,
               const Array<T>& p, const Array<T>& log_p, const Array<int32_t>& label,
               const Array<T>& share) {
  const T nan = T(NAN);
  const int64_t size = s.rows * s.cols;
  Results<T> r{Array<T>(size, nan), Array<T>(size, nan),   Array<T>(size, nan),
               Array<T>(size, nan), Array<T>(s.rows, nan), Array<T>(size, nan)};
  kernels.row_softmax(s.rows, s.cols, x.data(), r.p.data());
  kernels.row_softmax_vjp(s.rows, s.cols, p.data(), g.data(), r.p_back.data());
  kernels.row_log_softmax(s.rows, s.cols, x.data(), r.log_p.data());
  kernels.row_log_softmax_vjp(s.rows, s.cols, log_p.data(), g.data(), r.log_p_back.data());
  kernels.row_cross_entropy(s.rows, s.cols, x.data(), label.data(), r.cost.data());
  kernels.row_cross_entropy_vjp(s.rows, s.cols, x.data(), label.data(), share.data(),
                                r.cost_back.data());
  return r;
}

struct Case {
  Array<float> x, g, p, log_p, share;
  Array<int32_t> label;

  Case(const Sizes& s, Rng& rng)
      : x(random_array(s.rows * s.cols, rng)),
        g(random_array(s.rows * s.cols, rng)),
        p(s.rows * s.cols),
        log_p(s.rows * s.cols),
        share(random_array(s.rows, rng)),
        label(s.rows) {
    for (int64_t i = 0; i < x.size(); ++i) {  // rows far below zero, about it, and far above
      x[i] = 4 * x[i] + float(100 * (i / s.cols % 3 - 1));
    }
    reference<float>().row_softmax(s.rows, s.cols, x.data(), p.data());
    reference<float>().row_log_softmax(s.rows, s.cols, x.data(), log_p.data());
    for (int64_t r = 0; r < s.rows; ++r) {
      label[r] = int32_t(rng.below(uint64_t(s.cols) + 1)) - 1;  // -1: left out
      if (r % 5 == 4) share[r] = 0;
    }
  }
  template <class T> Results<T> run_on(const KernelTable<T>& kernels, const Sizes& s) const {
    if constexpr (std::is_same_v<T, float>) {
      return run(kernels, s, x, g, p, log_p, label, share);
    } else {
      return run(kernels, s, in_double(x), in_double(g), in_double(p), in_double(log_p), label,
                 in_double(share));
    }
  }
};

/// |a - b| / |b|, Euclidean norms: rows hold few large entries and many small ones.
double distance(const Array<float>& a, const Array<double>& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < b.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  return difference == 0 ? 0 : std::sqrt(difference / norm);
}

std::vector<float> softmax_of(const KernelTable<float>& kernels, const std::vector<float>& x) {
  std::vector<float> p(x.size(), kNaN);
  kernels.row_softmax(1, int64_t(x.size()), x.data(), p.data());
  return p;
}

/// A row of `n` entries, the first ones given, the rest `fill`.
std::vector<float> row_of(int n, std::vector<float> first, float fill) {
  first.resize(size_t(n), fill);
  return first;
}

}  // namespace

TEST_CASE("softmax, log-softmax and cross-entropy agree with the plain loops for every size") {
  Rng rng(1);
  for (const Sizes& s : kSizes) {
    CAPTURE(s.rows);
    CAPTURE(s.cols);
    const Case c(s, rng);
    const Results<double> expected = c.run_on(reference<double>(), s);
    on_every_isa([&](const KernelTable<float>& kernels) {
      const Results<float> got = c.run_on(kernels, s);
      CHECK(distance(got.p, expected.p) < 1e-6);
      CHECK(distance(got.p_back, expected.p_back) < 2e-6);
      CHECK(distance(got.log_p, expected.log_p) < 1e-6);
      CHECK(distance(got.log_p_back, expected.log_p_back) < 2e-6);
      CHECK(distance(got.cost, expected.cost) < 1e-6);
      CHECK(distance(got.cost_back, expected.cost_back) < 2e-6);
    });
  }
}

TEST_CASE("softmax and its relatives give the same bits for 1, 2 and 3 threads") {
  Rng rng(2);
  const int threads_before = omp_get_max_threads();
  const Sizes s{700, 53};
  const Case c(s, rng);
  on_every_isa([&](const KernelTable<float>& kernels) {
    omp_set_num_threads(1);
    const Results<float> one = c.run_on(kernels, s);
    for (const int threads : {2, 3}) {
      omp_set_num_threads(threads);
      const Results<float> more = c.run_on(kernels, s);
      CHECK(same_bits(more.p, one.p));
      CHECK(same_bits(more.p_back, one.p_back));
      CHECK(same_bits(more.log_p, one.log_p));
      CHECK(same_bits(more.log_p_back, one.log_p_back));
      CHECK(same_bits(more.cost, one.cost));
      CHECK(same_bits(more.cost_back, one.cost_back));
    }
  });
  omp_set_num_threads(threads_before);
}

TEST_CASE("softmax at infinity: -inf has no mass, +inf shares all of it, a NaN spoils its row") {
  on_every_isa([](const KernelTable<float>& kernels) {
    for (const int n : {3, 4, 16, 19, 40}) {
      CAPTURE(n);
      CHECK(softmax_of(kernels, row_of(n, {0, -kInf, 0}, -kInf)) == row_of(n, {0.5, 0, 0.5}, 0));
      CHECK(softmax_of(kernels, row_of(n, {}, -kInf)) == row_of(n, {}, 0));
      CHECK(softmax_of(kernels, row_of(n, {0, kInf, -kInf}, 7)) == row_of(n, {0, 1, 0}, 0));
      CHECK(softmax_of(kernels, row_of(n, {kInf, kInf, 1e30f}, 0)) == row_of(n, {0.5, 0.5}, 0));
      CHECK(softmax_of(kernels, row_of(n, {1e30f}, -1e30f)) == row_of(n, {1}, 0));
      for (const float other : {0.0f, kInf, -kInf}) {
        for (const float p : softmax_of(kernels, row_of(n, {other, kNaN}, other))) {
          CHECK(std::isnan(p));
        }
      }
    }
  });
}

TEST_CASE("a NaN or an infinity in one row leaves the rows beside it alone") {
  Rng rng(3);
  const Sizes s{3, 21};
  for (const float spoiler : {kNaN, kInf, -kInf}) {
    const Array<float> clean = random_array(s.rows * s.cols, rng);
    Array<float> spoiled = clean;
    for (int64_t j = 0; j < s.cols; ++j) spoiled[s.cols + j] = spoiler;
    on_every_isa([&](const KernelTable<float>& kernels) {
      Array<float> expected(clean.size()), got(clean.size());
      kernels.row_log_softmax(s.rows, s.cols, clean.data(), expected.data());
      kernels.row_log_softmax(s.rows, s.cols, spoiled.data(), got.data());
      for (int64_t j = 0; j < s.cols; ++j) {
        CHECK(got[j] == expected[j]);
        CHECK(got[2 * s.cols + j] == expected[2 * s.cols + j]);
      }
    });
  }
}

TEST_CASE("log-softmax and cross-entropy at infinity follow softmax") {
  on_every_isa([](const KernelTable<float>& kernels) {
    const auto log_p_of = [&](const std::vector<float>& x) {
      std::vector<float> y(x.size(), kNaN);
      kernels.row_log_softmax(1, int64_t(x.size()), x.data(), y.data());
      return y;
    };
    CHECK(log_p_of({0, -kInf}) == std::vector<float>{0, -kInf});
    CHECK(log_p_of({-kInf, -kInf}) == std::vector<float>{-kInf, -kInf});
    CHECK(log_p_of({kInf, 7}) == std::vector<float>{0, -kInf});
    CHECK(log_p_of({1e6f, 0}) == std::vector<float>{0, -1e6f});

    const auto cost_of = [&](const std::vector<float>& x, int32_t label) {
      float cost = kNaN;
      kernels.row_cross_entropy(1, int64_t(x.size()), x.data(), &label, &cost);
      return cost;
    };
    CHECK(cost_of({0, -kInf}, 0) == 0);
    CHECK(cost_of({0, -kInf}, 1) == kInf);
    CHECK(cost_of({-kInf, -kInf}, 1) == kInf);
    CHECK(cost_of({kInf, 7}, 0) == 0);
    CHECK(cost_of({0, 1000}, 0) == 1000);
    CHECK(cost_of({3, 4}, -1) == 0);
    CHECK(std::isnan(cost_of({kNaN, 4}, 1)));
  });
}

}  // namespace talweg::kernels
