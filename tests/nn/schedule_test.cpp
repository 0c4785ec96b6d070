#include "nn/schedule.h"

#include <doctest/doctest.h>

using talweg::nn::WarmupCosine;

TEST_CASE("warm-up rises in equal steps and reaches the peak with its last one") {
  const WarmupCosine lr{.peak = 0.8, .final = 0.1, .warmup = 4, .total = 12};
  CHECK(lr(0) == doctest::Approx(0.2));
  CHECK(lr(1) == doctest::Approx(0.4));
  CHECK(lr(3) == doctest::Approx(0.8));
}

TEST_CASE("the cosine falls from the peak through the middle to the final rate") {
  const WarmupCosine lr{.peak = 0.8, .final = 0.2, .warmup = 4, .total = 12};
  CHECK(lr(4) == doctest::Approx(0.8));
  CHECK(lr(6) == doctest::Approx(0.5 + 0.3 * 0.70710678118654752));  // a quarter: cos(pi / 4)
  CHECK(lr(8) == doctest::Approx(0.5));
  CHECK(lr(12) == doctest::Approx(0.2));
  CHECK(lr(1000) == doctest::Approx(0.2));
}

TEST_CASE("without warm-up the first step learns at the peak") {
  CHECK(WarmupCosine{.peak = 0.5, .warmup = 0, .total = 10}(0) == 0.5);
}

TEST_CASE("warm-up over the whole run leaves no room for the cosine and divides by nothing") {
  const WarmupCosine lr{.peak = 1, .final = 0.25, .warmup = 4, .total = 4};
  CHECK(lr(3) == 1.0);
  CHECK(lr(4) == 0.25);
}
