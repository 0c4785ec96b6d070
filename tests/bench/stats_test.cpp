// Quantiles, the bootstrap, rooflines: figures known by hand.
#include "bench/stats.h"

#include <doctest/doctest.h>

#include <cmath>

#include "bench/bandwidth.h"
#include "bench/roofline.h"
#include "core/error.h"
#include "core/rng.h"

namespace talweg::bench {
namespace {

TEST_CASE("quantiles lie between order statistics") {
  CHECK(median({3, 1, 2}) == 2);
  CHECK(median({4, 1, 3, 2}) == 2.5);
  CHECK(median({7}) == 7);
  CHECK(quantile({5, 1, 4, 2, 3}, 0) == 1);
  CHECK(quantile({5, 1, 4, 2, 3}, 1) == 5);
  CHECK(quantile({5, 1, 4, 2, 3}, 0.9) == doctest::Approx(4.6));
  CHECK(quantile({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 0.9) == doctest::Approx(10));
  CHECK(std::isnan(median({})));

  const Summary s = summarize({30, 10, 20});
  CHECK(s.min == 10);
  CHECK(s.median == 20);
  CHECK(s.p90 == doctest::Approx(28));
}

TEST_CASE("a speedup without spread has an interval without width") {
  const Interval i = speedup({{2, 2, 2, 2}}, {{1, 1, 1, 1}});
  CHECK(i.value == 2);
  CHECK(i.low == 2);
  CHECK(i.high == 2);
}

TEST_CASE("what disturbs a turn disturbs both ways and leaves their ratio alone") {
  // Every turn another speed of the machine, but `way` is always 1.25 times as fast.
  std::vector<double> base, way;
  Rng rng(1);
  for (int i = 0; i < 25; ++i) {
    const double speed = rng.uniform(1, 2);
    base.push_back(5 * speed);
    way.push_back(4 * speed);
  }
  const Interval paired = speedup({base}, {way});
  CHECK(paired.low == doctest::Approx(1.25));
  CHECK(paired.high == doctest::Approx(1.25));
  // Of unequal length they cannot be paired, and the spread shows.
  way.pop_back();
  const Interval apart = speedup({base}, {way});
  CHECK(apart.low < 1.2);
  CHECK(apart.high > 1.3);
}

TEST_CASE("the interval holds the true ratio of about 95 runs in 100, and narrows with samples") {
  int held = 0;
  double width_few = 0, width_many = 0;
  constexpr int kRuns = 200;
  for (int run = 0; run < kRuns; ++run) {
    Rng rng(uint64_t(100 + run));
    const auto draw = [&](double mean, int count) {
      std::vector<double> values;
      for (int i = 0; i < count; ++i) values.push_back(mean * (1 + 0.05 * rng.normal()));
      return values;
    };
    const Interval few = speedup({draw(3, 25)}, {draw(2, 25)}, 300);
    const Interval many = speedup({draw(3, 400)}, {draw(2, 400)}, 100);
    held += few.low <= 1.5 && 1.5 <= few.high;
    width_few += few.high - few.low;
    width_many += many.high - many.low;
  }
  CHECK(held >= 176);  // 188 - 2.7 standard deviations, since the bootstrap of a median is coarse
  CHECK(width_many < 0.5 * width_few);
}

TEST_CASE("sums weigh each problem by its time") {
  const Interval i = speedup({{10, 10}, {1, 1}}, {{5, 5}, {6, 6}});
  CHECK(i.value == doctest::Approx(1));
  CHECK_THROWS_WITH_AS(speedup({{1}}, {{1}, {2}}), doctest::Contains("compare the same"), Error);
  CHECK_THROWS_WITH_AS(speedup({{1}}, {{}}), doctest::Contains("has no sample"), Error);
}

TEST_CASE("the same samples give the same interval") {
  const std::vector<double> a = {3, 1, 4, 1, 5, 9}, b = {2, 7, 1, 8, 2, 8};
  const Interval first = speedup({a}, {b}), again = speedup({a}, {b});
  CHECK(first.low == again.low);
  CHECK(first.high == again.high);
}

TEST_CASE("a roof is the slower of computing and moving") {
  const Roof roof = {.peak_gflops = 200, .bandwidth_gbs = 40};
  CHECK(ridge(roof) == 5);
  // 2e9 FLOP take 10 ms; 1e6 bytes 25 us.
  CHECK(least_seconds(roof, 2e9, 1e6) == doctest::Approx(0.01));
  CHECK(bound_gflops(roof, 2e9, 2e9, 1e6) == doctest::Approx(200));
  // 2e6 FLOP take 10 us; 4e6 bytes 100 us: 20 GFLOP/s at half a FLOP a byte.
  CHECK(least_seconds(roof, 2e6, 4e6) == doctest::Approx(1e-4));
  CHECK(bound_gflops(roof, 2e6, 2e6, 4e6) == doctest::Approx(20));
  // Fewer FLOP executed than nominal: the roof rises above the peak.
  CHECK(bound_gflops(roof, 4e9, 1e9, 1e6) == doctest::Approx(800));
  // Nothing to compute, or no ceiling measured.
  CHECK(least_seconds(roof, 0, 4e6) == doctest::Approx(1e-4));
  CHECK(least_seconds({}, 1e9, 1e9) == 0);
  CHECK(bound_gflops({}, 1e9, 1e9, 1e9) == 0);
  CHECK(ridge({}) == 0);
}

TEST_CASE("bytes belong to the smallest level that holds them") {
  const std::vector<Bandwidth> levels = {{.level = "L1", .bytes_per_thread = 100},
                                         {.level = "L2", .bytes_per_thread = 1000},
                                         {.level = "memory", .bytes_per_thread = size_t(-1)}};
  CHECK(level_for(levels, 100).level == "L1");
  CHECK(level_for(levels, 101).level == "L2");
  CHECK(level_for(levels, 1e12).level == "memory");
  CHECK_THROWS_AS(level_for({}, 1), Error);
  const Bandwidth b = {.level = "x", .bytes_per_thread = 1, .read = 3, .copy = 5, .triad = 4};
  CHECK(b.best() == 5);
}

}  // namespace
}  // namespace talweg::bench
