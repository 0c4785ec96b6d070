// Sharing a loop of unequal items among OpenMP's threads, or one among unequal processors.
#pragma once

#include <omp.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

namespace talweg {

/// body(i) for each i in [0, n), by all threads if `worth` it, else in order. As in parallel_for each
/// thread has a share of its own, the same in every call, so that what it touched last time is still
/// in its cache; but it takes it piece by piece, and whoever is done helps the next one with the
/// rest. With fixed shares all wait for the slowest, which on a virtual processor that shares its
/// core with somebody else has been found to take one and a half times as long.
/// Who does an item is left to chance: bodies write to places of their own, by work space of
/// omp_get_thread_num(), and the result does not depend on it.
template <class Body> void balanced_for(int64_t n, bool worth, const Body& body) {
  const int64_t threads = omp_get_max_threads();
  if (!worth || omp_in_parallel() || threads == 1) {
    for (int64_t i = 0; i < n; ++i) body(i);
    return;
  }
  constexpr int64_t kMostShares = 64, kPiecesAShare = 16;
  struct alignas(64) Share {  // a cache line each
    std::atomic<int64_t> next;
    int64_t end;
  };
  std::array<Share, kMostShares> share;
  const int64_t shares = std::min(threads, kMostShares);
  const int64_t piece = std::max<int64_t>(1, n / (shares * kPiecesAShare));
  for (int64_t t = 0; t < shares; ++t) {
    share[t].next.store(n * t / shares, std::memory_order_relaxed);
    share[t].end = n * (t + 1) / shares;
  }
#pragma omp parallel
  for (int64_t t = 0; t < shares; ++t) {
    Share& mine = share[(omp_get_thread_num() + t) % shares];
    for (;;) {
      const int64_t begin = mine.next.fetch_add(piece, std::memory_order_relaxed);
      if (begin >= mine.end) break;
      const int64_t end = std::min(begin + piece, mine.end);
      for (int64_t i = begin; i < end; ++i) body(i);
    }
  }
}

}  // namespace talweg
