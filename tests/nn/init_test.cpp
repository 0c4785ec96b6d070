#include "nn/init.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace talweg;

TEST_CASE("Kaiming weights have mean 0 and variance 2 / fan-in, within four standard errors") {
  // n normal numbers of variance s2: the mean has standard error s / sqrt(n), the second moment
  // s2 sqrt(2 / n).
  Rng rng(11);
  const int64_t fan_in = 3 * 3 * 16, n = 64 * fan_in;
  const Tensor<double> w = nn::kaiming_normal<double>({64, 3, 3, 16}, fan_in, rng);
  double sum = 0, squares = 0;
  for (double v : w.values()) {
    sum += v;
    squares += v * v;
  }
  const double s2 = 2.0 / double(fan_in);
  CHECK(std::abs(sum / n) < 4 * std::sqrt(s2 / n));
  CHECK(std::abs(squares / n - s2) < 4 * s2 * std::sqrt(2.0 / n));
}

TEST_CASE(
    "Kaiming weights follow the generator: the same state, the same weights, and then others") {
  Rng a(3), b(3);
  const auto first = nn::kaiming_normal<float>({5}, 5, a);
  const auto same = nn::kaiming_normal<float>({5}, 5, b);
  const auto next = nn::kaiming_normal<float>({5}, 5, a);
  CHECK(std::equal(first.data(), first.data() + 5, same.data()));
  CHECK_FALSE(std::equal(first.data(), first.data() + 5, next.data()));
}

TEST_CASE("a weight without inputs is refused") {
  Rng rng(1);
  CHECK_THROWS_AS(nn::kaiming_normal<float>({2, 0}, 0, rng), Error);
}
