// Sharing a loop among threads. OpenMP's own if(...) clause still enters the runtime, about a
// microsecond, allocates a team, and sends the other threads to sleep, so that the next large loop
// has to wake them. Hence the branch in plain C++.

/// What is left of one thread's share; a cache line each.
struct alignas(64) ShareLeft {
  int64_t next, end;
};

/// body(i) for each i in [0, n): by all threads if `parallel`, else in order. Each thread has a
/// share of its own, the same in every call, so that what it touched last time is still in its
/// cache; but it takes it piece by piece, and when it is done it helps the others. Fixed shares all
/// wait for the slowest processor, and two virtual ones have been found to differ by half. Who does
/// an item changes nothing: items write to places of their own. The body is compiled once for both
/// ways.
template <class Body> inline void share_out(int64_t n, bool parallel, const Body& body) {
  const auto one = [](const Body& b, int64_t i) __attribute__((noinline)) { b(i); };
  const int64_t threads = !parallel || omp_in_parallel() ? 1 : omp_get_max_threads();
  if (threads == 1) {
    for (int64_t i = 0; i < n; ++i) one(body, i);
    return;
  }
  constexpr int64_t kMostShares = 64, kPiecesAShare = 16;
  ShareLeft left[kMostShares];
  const int64_t shares = threads < kMostShares ? threads : kMostShares;
  for (int64_t t = 0; t < shares; ++t) left[t] = {n * t / shares, n * (t + 1) / shares};
  const int64_t per_share = n / (shares * kPiecesAShare), piece = per_share > 1 ? per_share : 1;
#pragma omp parallel
  for (int64_t t = 0; t < shares; ++t) {
    ShareLeft& mine = left[(omp_get_thread_num() + t) % shares];
    for (;;) {
      const int64_t begin = __atomic_fetch_add(&mine.next, piece, __ATOMIC_RELAXED);
      if (begin >= mine.end) break;
      const int64_t end = begin + piece < mine.end ? begin + piece : mine.end;
      for (int64_t i = begin; i < end; ++i) one(body, i);
    }
  }
}

/// body(i, j) for each i in [0, n) and j in [0, m).
template <class Body> inline void share_out(int64_t n, int64_t m, bool parallel, const Body& body) {
  share_out(n * m, parallel, [&body, m](int64_t i) { body(i / m, i % m); });
}
