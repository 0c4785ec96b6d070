// The other measured ceiling: how fast numbers come from each level of the memory.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace talweg::bench {

/// Bytes moved per second, in GB/s (10^9), by all threads together: read counts one array, copy two,
/// triad (a = b + s * c) three; that a written line is first read is not counted.
struct Bandwidth {
  std::string level;            ///< "L1", "L2", "L3", "memory"
  size_t bytes_per_thread = 0;  ///< footprint up to which the level is meant
  double read = 0, copy = 0, triad = 0;

  double best() const;
};

/// Sizes of the caches as the system states them; typical ones where it does not say.
struct Caches {
  size_t l1 = 0, l2 = 0, l3 = 0;
};
Caches read_caches();

/// The fastest of several passes at each level, from L1 to memory, with `threads` threads.
std::vector<Bandwidth> measure_bandwidth(int threads);

/// The level that holds so many bytes a thread.
const Bandwidth& level_for(const std::vector<Bandwidth>& levels, double bytes_per_thread);

}  // namespace talweg::bench
