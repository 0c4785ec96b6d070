#include "bench/stats.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "core/rng.h"

namespace talweg::bench {
namespace {

/// Reorders `values`; for the bootstrap's inner loop, which needs no sorted copy.
double quantile_in_place(std::vector<double>& values, double q) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double position = q * double(values.size() - 1);
  const auto below = values.begin() + std::ptrdiff_t(position);
  std::nth_element(values.begin(), below, values.end());
  const double fraction = position - std::floor(position);
  if (fraction == 0) return *below;
  const double next = *std::min_element(below + 1, values.end());
  return *below + fraction * (next - *below);
}

std::vector<size_t> draw(Rng& rng, size_t size) {
  std::vector<size_t> indices(size);
  for (size_t& i : indices) i = size_t(rng.below(size));
  return indices;
}

double median_of(const std::vector<double>& values, const std::vector<size_t>& indices) {
  std::vector<double> chosen(indices.size());
  for (size_t i = 0; i < indices.size(); ++i) chosen[i] = values[indices[i]];
  return quantile_in_place(chosen, 0.5);
}

double replicate(const Samples& base, const Samples& way, Rng& rng) {
  double base_sum = 0, way_sum = 0;
  for (size_t problem = 0; problem < base.size(); ++problem) {
    const auto &b = base[problem], &w = way[problem];
    const std::vector<size_t> turns = draw(rng, b.size());
    base_sum += median_of(b, turns);
    way_sum += median_of(w, w.size() == b.size() ? turns : draw(rng, w.size()));
  }
  return base_sum / way_sum;
}

double sum_of_medians(const Samples& samples) {
  double sum = 0;
  for (const auto& values : samples) sum += median(values);
  return sum;
}

}  // namespace

double quantile(std::vector<double> values, double q) { return quantile_in_place(values, q); }

Summary summarize(const std::vector<double>& values) {
  return {quantile(values, 0), quantile(values, 0.5), quantile(values, 0.9)};
}

Interval speedup(const Samples& base, const Samples& way, int replications) {
  expect(base.size() == way.size() && !base.empty(), "[stats] the ways have ", base.size(), " and ",
         way.size(), " problems; compare the same ones");
  for (const Samples* samples : {&base, &way}) {
    for (const auto& values : *samples) expect(!values.empty(), "[stats] a problem has no sample");
  }
  Rng rng(0);
  std::vector<double> ratios;
  for (int i = 0; i < replications; ++i) ratios.push_back(replicate(base, way, rng));
  return {sum_of_medians(base) / sum_of_medians(way), quantile(ratios, 0.025),
          quantile(ratios, 0.975)};
}

}  // namespace talweg::bench
