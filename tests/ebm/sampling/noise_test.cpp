#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/kernels/kernels.h"
#include "ebm/sampling/noise.h"

namespace talweg::ebm {
namespace {

using Words = std::array<uint32_t, 4>;

void on_every_isa(const auto& check) {
  for (const std::string& isa : kernels::available_isas()) {
    CAPTURE(isa);
    const kernels::ScopedIsa scoped(isa);
    check();
  }
}

std::vector<float> normals(const NoiseStream& noise, int64_t n) {
  std::vector<float> z(n);
  noise_table<float>().normal(noise, 0, n, z.data());
  return z;
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// The mean of a * b, with mean 0 and variance 1 / n where a and b are independent normals.
double correlation(const std::vector<float>& a, const std::vector<float>& b) {
  double total = 0;
  for (size_t i = 0; i < a.size(); ++i) total += double(a[i]) * double(b[i]);
  return total / double(a.size());
}

constexpr int64_t kMany = 1 << 22;

TEST_CASE("Philox4x32-10 gives the known answers of its authors' Random123 library") {
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr uint32_t kAll = 0xffffffff;
  CHECK(philox4x32({kAll, kAll, kAll, kAll}, {kAll, kAll}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("normals of every instruction set are the plain loops' of double, rounded") {
  const NoiseStream noise{.key = 0x123456789abcdef0, .step = (uint64_t{7} << 32) + 5, .stream = 3};
  constexpr int64_t kCount = 64 * 500 + 37;
  std::vector<double> exact(kCount);
  noise_table<double>().normal(noise, 128, kCount, exact.data());
  on_every_isa([&] {
    std::vector<float> z(kCount);
    noise_table<float>().normal(noise, 128, kCount, z.data());
    // u near 1 has 24 bits: the radius sqrt(-2 ln u) is then off by up to 2^-24 / radius.
    for (int64_t i = 0; i < kCount; ++i) {
      REQUIRE(std::abs(z[i] - exact[i]) <=
              1e-6 * (1 + std::abs(exact[i])) + 3.5e-4 * (std::abs(exact[i]) < 0.05));
    }
  });
}

TEST_CASE(
    "pieces of a stream are the numbers of the whole, and other steps, streams, keys differ") {
  const NoiseStream noise{.key = 11, .step = 2, .stream = 1};
  on_every_isa([&] {
    const std::vector<float> whole = normals(noise, 1000);
    std::vector<float> piece(300);
    noise_table<float>().normal(noise, 640, 300, piece.data());
    CHECK(std::equal(piece.begin(), piece.end(), whole.begin() + 640));
    CHECK(normals({.key = 11, .step = 3, .stream = 1}, 1000) != whole);
    CHECK(normals({.key = 11, .step = 2, .stream = 2}, 1000) != whole);
    CHECK(normals({.key = 12, .step = 2, .stream = 1}, 1000) != whole);
  });
}

TEST_CASE("uniform numbers lie inside (0, 1), alone as in a row, and pass Kolmogorov and Smirnov") {
  const NoiseStream noise{.key = 9, .step = 4, .stream = 2};
  std::vector<double> u(100003);
  fill_uniform(noise, u);
  for (const int64_t i : {0, 1, 2, 3, 4, 99, 100002}) CHECK(u[i] == uniform(noise, i));
  std::sort(u.begin(), u.end());
  CHECK(u.front() > 0);
  CHECK(u.back() < 1);
  const double n = double(u.size());
  double distance = 0;
  for (size_t i = 0; i < u.size(); ++i) {
    distance = std::max({distance, u[i] - double(i) / n, double(i + 1) / n - u[i]});
  }
  CHECK(distance * std::sqrt(n) < 1.95);  // exceeded with probability 0.001
}

TEST_CASE("normals have the moments of a standard normal within four standard errors") {
  on_every_isa([] {
    const std::vector<float> z = normals({.key = 1}, kMany);
    double power[9] = {};
    for (const float x : z) {
      double p = 1;
      for (double& sum : power) sum += p, p *= double(x);
    }
    const double n = double(kMany);
    constexpr double kMoment[9] = {1, 0, 1, 0, 3, 0, 15, 0, 105};
    constexpr double kSquared[9] = {1, 1, 3, 15, 105, 945, 10395, 135135, 2027025};  // E x^2k
    for (int k = 1; k <= 8; ++k) {
      CAPTURE(k);
      const double error = std::sqrt((kSquared[k] - kMoment[k] * kMoment[k]) / n);
      CHECK(std::abs(power[k] / n - kMoment[k]) < 4 * error);
    }
  });
}

TEST_CASE("normals beyond one to five deviations are as frequent as they should be") {
  on_every_isa([] {
    int64_t beyond[2][6] = {}, total = 0;
    for (uint64_t step = 0; step < 8; ++step) {  // 2^25 numbers: some 10 of either sign beyond 5
      for (const float x : normals({.key = 2, .step = step}, kMany)) {
        for (int k = 1; k <= 5; ++k) {
          beyond[0][k] += x < float(-k);
          beyond[1][k] += x > float(k);
        }
      }
      total += kMany;
    }
    for (int side = 0; side < 2; ++side) {
      for (int k = 1; k <= 5; ++k) {
        CAPTURE(k);
        const double expected = double(total) * normal_cdf(-k);
        CHECK(std::abs(double(beyond[side][k]) - expected) < 4 * std::sqrt(expected));
      }
    }
  });
}

TEST_CASE("the distribution of normals passes Kolmogorov and Smirnov's test") {
  on_every_isa([] {
    std::vector<float> z = normals({.key = 3}, 1 << 20);
    std::sort(z.begin(), z.end());
    const double n = double(z.size());
    double distance = 0;
    for (size_t i = 0; i < z.size(); ++i) {
      const double p = normal_cdf(z[i]);
      distance = std::max({distance, p - double(i) / n, double(i + 1) / n - p});
    }
    CHECK(distance * std::sqrt(n) < 1.95);  // exceeded with probability 0.001
  });
}

TEST_CASE("normals of neighbours, of steps, of streams and of keys are uncorrelated") {
  on_every_isa([] {
    const NoiseStream noise{.key = 4, .step = 1, .stream = 1};
    constexpr int64_t kPairs = 1 << 19;
    const std::vector<float> z = normals(noise, kPairs);
    const double bound = 4 / std::sqrt(double(kPairs));
    for (const int64_t lag : {1, 2, 3, 8, 15, 16, 17, 32, 48, 64, 4096}) {
      CAPTURE(lag);
      std::vector<float> shifted(z);
      std::rotate(shifted.begin(), shifted.begin() + lag, shifted.end());
      CHECK(std::abs(correlation(z, shifted)) < bound);
      std::vector<float> squares(z), shifted_squares(shifted);
      for (float& x : squares) x = (x * x - 1) / std::sqrt(2.0f);
      for (float& x : shifted_squares) x = (x * x - 1) / std::sqrt(2.0f);
      CHECK(std::abs(correlation(squares, shifted_squares)) < bound);
    }
    for (const NoiseStream& other : {NoiseStream{.key = 4, .step = 2, .stream = 1},
                                     NoiseStream{.key = 4, .step = 1, .stream = 2},
                                     NoiseStream{.key = 5, .step = 1, .stream = 1}}) {
      CHECK(std::abs(correlation(z, normals(other, kPairs))) < bound);
    }
  });
}

TEST_CASE("a Langevin update is y - rate g + sigma xi, and says where it left the bound") {
  const NoiseStream noise{.key = 6};
  constexpr int64_t kCount = 64 * 3 + 21;
  on_every_isa([&] {
    const std::vector<float> z = normals(noise, kCount);
    std::vector<float> y(kCount, 0.5f), g(kCount);
    for (int64_t i = 0; i < kCount; ++i) g[i] = float(i % 7) - 3;
    const LangevinUpdate<float> update{.rate = 0.1f, .sigma = 0.3f, .bound = 100};
    CHECK_FALSE(noise_table<float>().langevin(noise, 0, kCount, update, g.data(), y.data()));
    for (int64_t i = 0; i < kCount; ++i) {
      REQUIRE(y[i] == doctest::Approx(0.5f - 0.1f * g[i] + 0.3f * z[i]).epsilon(1e-5));
    }
    for (const int64_t where : {int64_t{0}, int64_t{100}, kCount - 1}) {
      for (const float bad : {1e9f, -1e9f, NAN, float(INFINITY)}) {
        std::vector<float> spoilt(g);
        spoilt[where] = bad;
        CHECK(noise_table<float>().langevin(noise, 0, kCount, update, spoilt.data(), y.data()));
        y[where] = 0.5f;
      }
    }
  });
}

}  // namespace
}  // namespace talweg::ebm
