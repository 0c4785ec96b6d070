// The learner's ladder: the forward convolution five times, each rung one idea faster than the one
// before. rungs.inl holds them, to be read from top to bottom; core/kernels/README.md tells the
// story with figures. Two more rungs are the product's own kernels: Winograd, and the direct one.
#pragma once

#include <cstdint>
#include <string>

#include "core/kernels/kernels.h"

namespace talweg::bench {

/// A rung that reads its weights from an order of its own first lays them out; like the product's
/// packed weights they stay good as long as the weights do, so only run() is timed.
struct Rung {
  const char* name;  ///< "1-loops"
  int64_t (*laid_size)(const kernels::Conv2dShape& s);
  void (*lay_out)(const kernels::Conv2dShape& s, const float* w, float* laid);
  int64_t (*scratch_size)(const kernels::Conv2dShape& s);  ///< depends on omp_get_max_threads()
  /// y = conv2d(x, w); any window, stride, padding and dilation, x and y channels last.
  void (*run)(const kernels::Conv2dShape& s, const float* x, const float* laid, float* y,
              float* scratch);
};

inline constexpr int kRungs = 5;

/// The rungs compiled for one instruction set, all of them for every set.
struct Ladder {
  Rung rungs[kRungs];
};

extern const Ladder kPortableLadder;
#if defined(__x86_64__)
extern const Ladder kAvx2Ladder;
extern const Ladder kAvx512Ladder;
#endif

/// The ladder of the named instruction set, which this processor must have ("reference" climbs the
/// portable one).
const Ladder& ladder_of(const std::string& isa);

}  // namespace talweg::bench
