// Elementwise kernels of every instruction set: accuracy in ulp, special values, tails, in place.
#include <limits>

#include "core/kernels/kernels.h"
#include "tests/core/kernels/kernel_test_util.h"

namespace talweg::kernels {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// Distance of `got` from the exact value in units of the last place of the float next to it; below
/// the normal range the unit is the smallest subnormal.
double ulps(float got, double exact) {
  const auto nearest = static_cast<float>(exact);
  if (std::isinf(nearest)) return got == nearest ? 0 : HUGE_VAL;
  const int exponent = std::max(std::ilogb(exact == 0 ? 1e-300 : exact), -126);
  return std::abs(got - exact) / std::ldexp(1.0, exponent - 23);
}

using Map = void (*)(int64_t, const float*, float*);

/// Largest error in ulp over `count` points spread evenly over [low, high].
template <class Exact>
double worst_ulps(Map map, Exact exact, double low, double high, int64_t count) {
  Array<float> x(count), y(count);
  for (int64_t i = 0; i < count; ++i) {
    x[i] = static_cast<float>(low + (high - low) * static_cast<double>(i) / double(count - 1));
  }
  map(count, x.data(), y.data());
  double worst = 0;
  for (int64_t i = 0; i < count; ++i) worst = std::max(worst, ulps(y[i], exact(double(x[i]))));
  return worst;
}

float at(Map map, float x) {
  float y = 0;
  map(1, &x, &y);
  return y;
}

}  // namespace

TEST_CASE("exp is within 1.1 ulp where the result is normal and 1.1 of the smallest below") {
  const auto exact = [](double x) { return std::exp(x); };
  on_every_isa([&](const KernelTable<float>& kernels) {
    CHECK(worst_ulps(kernels.exp, exact, -87.3, 88.72, 1'000'003) < 1.1);
    CHECK(worst_ulps(kernels.exp, exact, -1, 1, 300'007) < 1.1);
    CHECK(worst_ulps(kernels.exp, exact, -104, -87, 50'021) < 1.1);
  });
}

TEST_CASE("exp of infinities, NaN, zero and numbers out of range") {
  on_every_isa([](const KernelTable<float>& kernels) {
    CHECK(at(kernels.exp, kInf) == kInf);
    CHECK(at(kernels.exp, -kInf) == 0);
    CHECK(std::isnan(at(kernels.exp, kNaN)));
    CHECK(at(kernels.exp, 0.0f) == 1);
    CHECK(at(kernels.exp, 88.73f) == kInf);
    CHECK(at(kernels.exp, 1e30f) == kInf);
    CHECK(at(kernels.exp, -104.5f) == 0);
    CHECK(at(kernels.exp, -1e30f) == 0);
    CHECK(at(kernels.exp, -103.0f) == std::numeric_limits<float>::denorm_min());
  });
}

TEST_CASE("log is within 1 ulp, subnormal arguments included") {
  const auto exact = [](double x) { return std::log(x); };
  on_every_isa([&](const KernelTable<float>& kernels) {
    CHECK(worst_ulps(kernels.log, exact, 1e-6, 4, 500'009) < 1);
    CHECK(worst_ulps(kernels.log, exact, 0.9, 1.1, 100'003) < 1);
    CHECK(worst_ulps(kernels.log, exact, 1, 3e38, 100'003) < 1);
    CHECK(worst_ulps(kernels.log, exact, 1.5e-45, 1.2e-38, 100'003) < 1);
  });
}

TEST_CASE("log of infinities, NaN, zero and negative numbers") {
  on_every_isa([](const KernelTable<float>& kernels) {
    CHECK(at(kernels.log, kInf) == kInf);
    CHECK(at(kernels.log, 0.0f) == -kInf);
    CHECK(at(kernels.log, -0.0f) == -kInf);
    CHECK(at(kernels.log, 1.0f) == 0);
    CHECK(std::isnan(at(kernels.log, -1.0f)));
    CHECK(std::isnan(at(kernels.log, -kInf)));
    CHECK(std::isnan(at(kernels.log, kNaN)));
  });
}

TEST_CASE("tanh is within 2 ulp, odd, and right at the ends") {
  const auto exact = [](double x) { return std::tanh(x); };
  on_every_isa([&](const KernelTable<float>& kernels) {
    CHECK(worst_ulps(kernels.tanh, exact, -12, 12, 500'009) < 2);
    CHECK(worst_ulps(kernels.tanh, exact, -0.7, 0.7, 100'003) < 2);
    CHECK(worst_ulps(kernels.tanh, exact, -1e-6, 1e-6, 10'007) < 2);
    CHECK(at(kernels.tanh, kInf) == 1);
    CHECK(at(kernels.tanh, -kInf) == -1);
    CHECK(at(kernels.tanh, 0.0f) == 0);
    CHECK(std::isnan(at(kernels.tanh, kNaN)));
  });
}

TEST_CASE("maximum and greater_equal agree with the plain loops, NaN and ties included") {
  Rng rng(11);
  for (const int64_t n : {1, 15, 16, 17, 77, 40'001}) {
    Array<float> a(n), b(n);
    const float some[] = {kNaN, kInf, -kInf, 0.0f, -0.0f, 1, -1, 2};
    for (int64_t i = 0; i < n; ++i) a[i] = some[rng.below(8)], b[i] = some[rng.below(8)];
    Array<float> largest(n), not_less(n), found(n);
    reference<float>().maximum(n, a.data(), b.data(), largest.data());
    reference<float>().greater_equal(n, a.data(), b.data(), not_less.data());
    on_every_isa([&](const KernelTable<float>& kernels) {
      kernels.maximum(n, a.data(), b.data(), found.data());
      CHECK(same_bits(found, largest));
      kernels.greater_equal(n, a.data(), b.data(), found.data());
      CHECK(same_bits(found, not_less));
      found = a;
      kernels.maximum(n, found.data(), b.data(), found.data());
      CHECK(same_bits(found, largest));
    });
  }
  on_every_isa([](const KernelTable<float>& kernels) {
    const auto larger = [&](float a, float b) {
      float y = 0;
      kernels.maximum(1, &a, &b, &y);
      return y;
    };
    CHECK(std::isnan(larger(kNaN, kInf)));
    CHECK(std::isnan(larger(kInf, kNaN)));
    CHECK(larger(-kInf, -3) == -3);
  });
}

TEST_CASE("sigmoid is within 3 ulp and right at the ends") {
  const auto exact = [](double x) {
    return x < 0 ? std::exp(x) / (1 + std::exp(x))  //
                 : 1 / (1 + std::exp(-x));
  };
  on_every_isa([&](const KernelTable<float>& kernels) {
    CHECK(worst_ulps(kernels.sigmoid, exact, -87, 87, 500'009) < 3);
    CHECK(worst_ulps(kernels.sigmoid, exact, -1, 1, 100'003) < 3);
    CHECK(at(kernels.sigmoid, kInf) == 1);
    CHECK(at(kernels.sigmoid, -kInf) == 0);
    CHECK(at(kernels.sigmoid, 0.0f) == 0.5f);
    CHECK(std::isnan(at(kernels.sigmoid, kNaN)));
  });
}

TEST_CASE("softplus is within 3 ulp, where it is as small as e^x too") {
  const auto exact = [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); };
  on_every_isa([&](const KernelTable<float>& kernels) {
    CHECK(worst_ulps(kernels.softplus, exact, -87, 87, 500'009) < 3);
    CHECK(worst_ulps(kernels.softplus, exact, -2, 2, 200'003) < 3);
    CHECK(at(kernels.softplus, kInf) == kInf);
    CHECK(at(kernels.softplus, -kInf) == 0);
    CHECK(at(kernels.softplus, 1000.0f) == 1000.0f);
    CHECK(std::isnan(at(kernels.softplus, kNaN)));
  });
}

TEST_CASE("square root, absolute value and sign are exact, of special values too") {
  Rng rng(2);
  const int64_t n = 77;
  Array<float> x = random_array(n, rng);
  const float special[] = {0, -0.0f, kInf, -kInf, kNaN, 1e-45f, -1e-45f, 3e38f, -3e38f};
  for (int i = 0; i < 9; ++i) x[i * 8] = special[i];
  on_every_isa([&](const KernelTable<float>& kernels) {
    Array<float> root(n), size(n), sign(n), sum(n);
    kernels.sqrt(n, x.data(), root.data());
    kernels.abs(n, x.data(), size.data());
    kernels.sign(n, x.data(), sign.data());
    kernels.add_scalar(n, 0.3f, x.data(), sum.data());
    const auto same = [](float a, float b) { return (a != a && b != b) || a == b; };
    for (int64_t i = 0; i < n; ++i) {
      CAPTURE(x[i]);
      CHECK(same(root[i], std::sqrt(x[i])));
      CHECK(same(size[i], std::abs(x[i])));
      CHECK(sign[i] == float(x[i] > 0) - float(x[i] < 0));
      CHECK(same(sum[i], x[i] + 0.3f));
    }
  });
}

TEST_CASE("relu keeps NaN and its mask lets the gradient through above zero only") {
  on_every_isa([](const KernelTable<float>& kernels) {
    const float x[] = {-1, -0.0f, 0, 2, kNaN, kInf, -kInf};
    const float g[] = {1, 2, 3, 4, 5, 6, 7};
    float y[7], masked[7];
    kernels.relu(7, x, y);
    kernels.relu_mask(7, x, g, masked);
    const float expected_mask[] = {0, 0, 0, 4, 0, 6, 0};
    CHECK(y[0] == 0);
    CHECK(y[2] == 0);
    CHECK(y[3] == 2);
    CHECK(std::isnan(y[4]));
    CHECK(y[5] == kInf);
    CHECK(y[6] == 0);
    for (int i = 0; i < 7; ++i) CHECK(masked[i] == expected_mask[i]);
  });
}

TEST_CASE("arithmetic agrees with the plain loops for every length and in place") {
  Rng rng(1);
  const KernelTable<float>& plain = reference<float>();
  for (const int64_t n : {0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 100, 8192, 8193, 40'001}) {
    CAPTURE(n);
    const Array<float> a = random_array(n, rng), b = random_array(n, rng);
    on_every_isa([&](const KernelTable<float>& kernels) {
      Array<float> expected(n), got(n);
      const auto binary = [&](auto op) {
        (plain.*op)(n, a.data(), b.data(), expected.data());
        (kernels.*op)(n, a.data(), b.data(), got.data());
        CHECK(same_bits(got, expected));
        Array<float> in_place = a;
        (kernels.*op)(n, in_place.data(), b.data(), in_place.data());
        CHECK(same_bits(in_place, expected));
      };
      binary(&KernelTable<float>::add);
      binary(&KernelTable<float>::sub);
      binary(&KernelTable<float>::mul);
      binary(&KernelTable<float>::div);
      binary(&KernelTable<float>::relu_mask);
      plain.scale(n, 0.3f, a.data(), expected.data());
      kernels.scale(n, 0.3f, a.data(), got.data());
      CHECK(same_bits(got, expected));
      Array<float> sum = b;
      kernels.axpy(n, 0.3f, a.data(), sum.data());
      for (int64_t i = 0; i < n; ++i) {
        REQUIRE(std::abs(sum[i] - (double(b[i]) + 0.3f * double(a[i]))) < 1e-6);
      }
    });
  }
}

TEST_CASE("elementwise kernels leave what lies beyond their n elements alone") {
  on_every_isa([](const KernelTable<float>& kernels) {
    for (int64_t n = 0; n < 40; ++n) {
      Array<float> x(n + 20, 1.0f), y(n + 20, 7.0f);
      kernels.exp(n, x.data(), y.data());
      for (int64_t i = n; i < y.size(); ++i) REQUIRE(y[i] == 7.0f);
    }
  });
}

}  // namespace talweg::kernels
