// How the learning rate changes over a run.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace talweg::nn {

/// Linear warm-up, then half a cosine down. With s the step (from 0), W = warmup and N = total:
///
///   lr(s) = peak (s + 1) / W                                              for s < W
///   lr(s) = final + (peak - final) (1 + cos(pi (s - W) / (N - W))) / 2    for W <= s < N
///   lr(s) = final                                                         for s >= N
///
/// So the first step already learns, step W - 1 (and W) learns at the peak, and no step stands
/// still. Source: Goyal et al. 2017 (warm-up); Loshchilov and Hutter 2017, "SGDR", eq. 5 (cosine).
struct WarmupCosine {
  double peak = 1e-3;
  double final = 0;
  int64_t warmup = 0;
  int64_t total = 1;

  double operator()(int64_t step) const {
    if (step < warmup) return peak * double(step + 1) / double(warmup);
    if (step >= total) return final;
    const double t = double(step - warmup) / double(total - warmup);
    return final + (peak - final) * (1 + std::cos(std::numbers::pi * t)) / 2;
  }
};

}  // namespace talweg::nn
