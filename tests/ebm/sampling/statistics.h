// Measuring samplers: what recorded chains say of a function of a point, with its standard error.
#pragma once

#include <omp.h>

#include "ebm/sampling/diagnostics.h"
#include "ebm/sampling/sampler.h"

namespace talweg::ebm {

/// The mean of f(point) over points [draws, chains, D], its error by effective sample size.
template <class T, class F> MeanEstimate mean_of(const Tensor<T>& points, F f) {
  const int64_t d = points.shape()[2];
  Tensor<double> draws({points.shape()[0], points.shape()[1]});
  for (int64_t i = 0; i < draws.size(); ++i) draws[i] = f(points.data() + i * d);
  return estimate_mean(draws);
}

/// How many standard errors the estimate lies from what it should be.
inline double deviations(const MeanEstimate& found, double expected) {
  return (found.mean - expected) / found.standard_error;
}

/// run() with one, two and three threads; the results, to be compared.
template <class Run> auto on_threads(Run run) {
  const int before = omp_get_max_threads();
  std::vector<decltype(run())> results;
  for (const int threads : {1, 2, 3}) {
    omp_set_num_threads(threads);
    results.push_back(run());
  }
  omp_set_num_threads(before);
  return results;
}

inline bool same_bits(const auto& a, const auto& b) {
  return std::equal(a.values().begin(), a.values().end(), b.values().begin());
}

}  // namespace talweg::ebm
