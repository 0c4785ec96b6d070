// Sharing a loop among threads. OpenMP's own if(...) clause still enters the runtime, about a
// microsecond, allocates a team, and sends the other threads to sleep, so that the next large loop
// has to wake them. Hence the branch in plain C++.

/// body(i) for each i in [0, n): by all threads in fixed shares if `parallel`, else in order. The
/// body is compiled once for both ways.
template <class Body> inline void share_out(int64_t n, bool parallel, const Body& body) {
  const auto one = [](const Body& b, int64_t i) __attribute__((noinline)) { b(i); };
  if (!parallel || omp_in_parallel() || omp_get_max_threads() == 1) {
    for (int64_t i = 0; i < n; ++i) one(body, i);
    return;
  }
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; ++i) one(body, i);
}

/// body(i, j) for each i in [0, n) and j in [0, m).
template <class Body> inline void share_out(int64_t n, int64_t m, bool parallel, const Body& body) {
  share_out(n * m, parallel, [&body, m](int64_t i) { body(i / m, i % m); });
}
