// What the tests of the degradations' stages share: figures of a plane, and stages run on their own.
#pragma once

#include <cmath>
#include <numeric>

#include "ocr/degrade_stages.h"

namespace talweg::ocr {

inline double sum(const Plane& plane) {
  return std::accumulate(plane.values.begin(), plane.values.end(), 0.0);
}
inline double mean(const Plane& plane) { return sum(plane) / double(plane.values.size()); }
inline double deviation(const Plane& plane) {
  const double m = mean(plane);
  double squares = 0;
  for (float v : plane.values) squares += (v - m) * (v - m);
  return std::sqrt(squares / double(plane.values.size()));
}

inline Plane point(int width, int height) {
  Plane plane(width, height);
  plane.row(height / 2)[width / 2] = 1;
  return plane;
}

// The centre of the ink and its variance, along x or y.
struct Moments {
  double mean = 0, variance = 0;
};
inline Moments moments(const Plane& plane, bool along_x) {
  double total = 0, first = 0, second = 0;
  for (int y = 0; y < plane.height; ++y) {
    for (int x = 0; x < plane.width; ++x) {
      const double at = (along_x ? x : y) + 0.5, v = plane.row(y)[x];
      total += v, first += v * at, second += v * at * at;
    }
  }
  return {first / total, second / total - first / total * (first / total)};
}

inline Layout layout_of(const Ink& ink, const Degradation& d, uint64_t seed = 3) {
  Rng rng(seed);
  return plan_layout(ink, d, rng);
}

inline Plane worn(const Ink& ink, const Degradation& d, uint64_t seed = 3) {
  Rng rng(seed);
  return wear_strokes(ink, d.strokes, layout_of(ink, d), rng);
}

inline Plane coverage_of(const Ink& ink, const Degradation& d) {
  Rng rng(5);
  return warp(worn(ink, d), layout_of(ink, d), d.shape, rng);
}

}  // namespace talweg::ocr
