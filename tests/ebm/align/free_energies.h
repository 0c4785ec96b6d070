// What the tests of the free energy share: one call, every instruction set, labels, and a plain
// programme in long double to hold them to.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "core/kernels/kernels.h"
#include "ebm/align/alignment.h"
#include "tests/ebm/align/rule_paths.h"

namespace talweg::ebm {

template <class T> struct Found {
  AlignResult result;
  std::vector<T> posterior;
  std::vector<double> on_positions;
};

template <class T>
Found<T> free_energy_of(const std::vector<T>& e, int64_t alphabet,
                        const std::vector<int32_t>& label, double beta, const PathRule& rule = {}) {
  const int64_t frames = std::ssize(e) / alphabet;
  AlignScratch scratch;
  Found<T> found;
  found.posterior.assign(e.size(), T(-1));
  found.on_positions.assign(frames * std::ssize(label), -1.0);
  found.result = free_energy_of(e.data(), frames, alphabet, label, beta, rule, scratch,
                                found.posterior.data(), found.on_positions.data());
  return found;
}

void on_every_isa(const auto& check) {
  for (const std::string& isa : kernels::available_isas()) {
    CAPTURE(isa);
    const kernels::ScopedIsa scoped(isa);
    check();
  }
}

/// F and the posterior in long double, in the log domain: what the float kernels are held to.
struct LongDouble {
  long double free_energy;
  std::vector<long double> posterior;
};

template <class T>
LongDouble in_long_double(const std::vector<T>& e, int64_t frames, int64_t alphabet,
                          const std::vector<int32_t>& label, long double beta) {
  const auto length = static_cast<int64_t>(label.size());
  const long double inf = std::numeric_limits<long double>::infinity();
  const auto plus = [&](long double a, long double b) {
    const long double low = std::min(a, b), high = std::max(a, b);
    return high == inf ? low : low - std::log1p(std::exp(-beta * (high - low))) / beta;
  };
  const auto at = [&](int64_t i, int64_t s) -> long double { return e[i * alphabet + label[s]]; };
  std::vector<long double> head(frames * length, inf), tail(frames * length, inf);
  for (int64_t i = 0; i < frames; ++i) {
    for (int64_t s = 0; s < std::min(length, i + 1); ++s) {
      const long double stay = i > 0 ? head[(i - 1) * length + s] : s == 0 ? 0.0L : inf;
      const long double from = i > 0 && s > 0 ? head[(i - 1) * length + s - 1] : inf;
      head[i * length + s] = plus(stay, from) + at(i, s);
    }
  }
  tail[frames * length - 1] = 0;
  for (int64_t i = frames - 2; i >= 0; --i) {
    for (int64_t s = 0; s < length; ++s) {
      const long double stay = tail[(i + 1) * length + s] + at(i + 1, s);
      const long double on =
          s + 1 < length ? tail[(i + 1) * length + s + 1] + at(i + 1, s + 1) : inf;
      tail[i * length + s] = plus(stay, on);
    }
  }
  LongDouble found{head[frames * length - 1], std::vector<long double>(e.size(), 0)};
  for (int64_t i = 0; i < frames; ++i) {
    long double low = inf, sum = 0;
    for (int64_t s = 0; s < length; ++s) {
      low = std::min(low, head[i * length + s] + tail[i * length + s]);
    }
    for (int64_t s = 0; s < length; ++s) {
      const long double share =
          std::exp(-beta * (head[i * length + s] + tail[i * length + s] - low));
      sum += share;
      found.posterior[i * alphabet + label[s]] += share;
    }
    for (int64_t a = 0; a < alphabet; ++a) found.posterior[i * alphabet + a] /= sum;
  }
  return found;
}

}  // namespace talweg::ebm
