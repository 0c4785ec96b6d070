// The optimisers' steps and the sum of squares of every instruction set against the plain loops in
// double.
#include <omp.h>

#include <limits>

#include "core/kernels/kernels.h"
#include "tests/core/kernels/kernel_test_util.h"

namespace talweg::kernels {
namespace {

constexpr int64_t kLengths[] = {0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 100, 4096, 4097, 70'001};

template <class T> AdamStep<T> adam_step() {
  return {.scale = T(0.5),
          .keep = T(0.999),
          .rate = T(0.01),
          .v_correction = T(3),
          .epsilon = T(1e-8),
          .beta1 = T(0.9),
          .gain1 = T(0.1),
          .beta2 = T(0.999),
          .gain2 = T(0.001)};
}
template <class T> SgdStep<T> sgd_step(bool nesterov) {
  return {
      .scale = T(0.5), .decay = T(0.01), .momentum = T(0.9), .rate = T(0.1), .nesterov = nesterov};
}

/// Parameters, the memory of Adam, and that of SGD.
template <class T> struct State { Array<T> w, m, v, w_sgd, u; };

State<float> random_state(int64_t n, Rng& rng) {
  State<float> s{random_array(n, rng), random_array(n, rng), random_array(n, rng),
                 random_array(n, rng), random_array(n, rng)};
  for (int64_t i = 0; i < n; ++i) s.v[i] = s.v[i] * s.v[i] + 0.01f;
  return s;
}

template <class T> void run_steps(const KernelTable<T>& kernels, const Array<T>& g, State<T>& s) {
  kernels.adam(g.size(), adam_step<T>(), g.data(), s.w.data(), s.m.data(), s.v.data());
  for (const bool nesterov : {false, true}) {
    kernels.sgd(g.size(), sgd_step<T>(nesterov), g.data(), s.w_sgd.data(), s.u.data());
  }
}

}  // namespace

TEST_CASE("Adam's and SGD's step agree with the plain loops for every length") {
  Rng rng(1);
  for (const int64_t n : kLengths) {
    CAPTURE(n);
    const Array<float> g = random_array(n, rng);
    const State<float> before = random_state(n, rng);
    State<double> exact{in_double(before.w), in_double(before.m), in_double(before.v),
                        in_double(before.w_sgd), in_double(before.u)};
    run_steps(reference<double>(), in_double(g), exact);
    on_every_isa([&](const KernelTable<float>& kernels) {
      State<float> after = before;
      run_steps(kernels, g, after);
      CHECK(error_against(after.w, exact.w) < 2e-6);
      CHECK(error_against(after.m, exact.m) < 2e-6);
      CHECK(error_against(after.v, exact.v) < 2e-6);
      CHECK(error_against(after.w_sgd, exact.w_sgd) < 2e-6);
      CHECK(error_against(after.u, exact.u) < 2e-6);
    });
  }
}

TEST_CASE("Adam leaves parameters whose gradient has always been 0 where they are") {
  on_every_isa([](const KernelTable<float>& kernels) {
    AdamStep<float> step = adam_step<float>();
    step.keep = 1;
    Array<float> g(21), w(21, 3.0f), m(21), v(21);
    kernels.adam(21, step, g.data(), w.data(), m.data(), v.data());
    for (int64_t i = 0; i < 21; ++i) CHECK(w[i] == 3.0f);
  });
}

TEST_CASE("steps and sum of squares give the same bits for 1, 2 and 3 threads") {
  Rng rng(2);
  const int threads_before = omp_get_max_threads();
  const Array<float> g = random_array(100'003, rng);
  const State<float> before = random_state(g.size(), rng);
  on_every_isa([&](const KernelTable<float>& kernels) {
    omp_set_num_threads(1);
    State<float> one = before;
    run_steps(kernels, g, one);
    const double sum = kernels.square_sum(g.size(), g.data());
    for (const int threads : {2, 3}) {
      omp_set_num_threads(threads);
      State<float> more = before;
      run_steps(kernels, g, more);
      CHECK(same_bits(more.w, one.w));
      CHECK(same_bits(more.m, one.m));
      CHECK(same_bits(more.v, one.v));
      CHECK(same_bits(more.w_sgd, one.w_sgd));
      CHECK(same_bits(more.u, one.u));
      CHECK(kernels.square_sum(g.size(), g.data()) == sum);
    }
  });
  omp_set_num_threads(threads_before);
}

TEST_CASE("the sum of squares is exact to double for every length and for large numbers") {
  Rng rng(3);
  for (const int64_t n : kLengths) {
    CAPTURE(n);
    const Array<float> x = random_array(n, rng);
    const double exact = reference<double>().square_sum(n, in_double(x).data());
    on_every_isa([&](const KernelTable<float>& kernels) {
      CHECK(kernels.square_sum(n, x.data()) == doctest::Approx(exact).epsilon(1e-13));
    });
  }
  on_every_isa([](const KernelTable<float>& kernels) {
    const Array<float> large(50, 3e38f);
    CHECK(kernels.square_sum(50, large.data()) ==
          doctest::Approx(50 * double(3e38f) * double(3e38f)).epsilon(1e-13));
  });
}

TEST_CASE("the sum of squares is finite exactly where all numbers are") {
  on_every_isa([](const KernelTable<float>& kernels) {
    for (const float bad :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
      for (const int64_t at : {int64_t(0), int64_t(20), int64_t(69'999)}) {
        Array<float> x(70'000, 1.0f);
        CHECK(std::isfinite(kernels.square_sum(x.size(), x.data())));
        x[at] = bad;
        CHECK_FALSE(std::isfinite(kernels.square_sum(x.size(), x.data())));
      }
    }
  });
}

}  // namespace talweg::kernels
