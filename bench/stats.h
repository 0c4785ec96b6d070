// What a list of measured times is summed up to.
#pragma once

#include <cstddef>
#include <vector>

namespace talweg::bench {

/// The q-quantile (0 <= q <= 1) between order statistics, linearly: 0.5 is the median. NaN for none.
double quantile(std::vector<double> values, double q);

inline double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

struct Summary {
  double min = 0, median = 0, p90 = 0;
};
Summary summarize(const std::vector<double>& values);

/// A value and the interval that holds 95 % of its bootstrap replications.
struct Interval {
  double value = 0, low = 0, high = 0;
};

/// Times of one way, problem by problem; each inner list is one problem's samples in order.
using Samples = std::vector<std::vector<double>>;

/// How many times as fast as `base` is `way`: the sum of base's medians over the sum of way's (one
/// problem: a ratio of medians). The interval is the percentile bootstrap's: samples are drawn anew
/// with replacement, and where both lists of a problem are equally long, the same turns for both,
/// since what disturbs a turn disturbs both. The same input gives the same interval. Source: Efron
/// and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 13 and 8 (paired data).
Interval speedup(const Samples& base, const Samples& way, int replications = 1000);

}  // namespace talweg::bench
