// Sharing a loop of an op among OpenMP's threads.
#pragma once

#include <omp.h>

#include <cstdint>

namespace talweg {

/// body(i) for each i in [0, n), by all threads in fixed shares if `worth` it, else in order. The
/// branch is ours because OpenMP's if(...) clause still enters the runtime, which allocates a team
/// and sends the other threads to sleep. Bodies write to places of their own, so that the result
/// does not depend on the number of threads.
template <class Body> void parallel_for(int64_t n, bool worth, const Body& body) {
  if (!worth || omp_in_parallel() || omp_get_max_threads() == 1) {
    for (int64_t i = 0; i < n; ++i) body(i);
    return;
  }
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < n; ++i) body(i);
}

}  // namespace talweg
