// Sharing a loop of an op among OpenMP's threads.
#pragma once

#include <omp.h>

#include <cstdint>

namespace talweg {

#include "core/kernels/share.inl"  // which kernels use too, each instruction set a copy of its own

/// body(i) for each i in [0, n), by all threads if `worth` it, else in order. Bodies write to places
/// of their own, by work space of omp_get_thread_num(), so that the result does not depend on who
/// does what.
template <class Body> void parallel_for(int64_t n, bool worth, const Body& body) {
  share_out(n, worth, body);
}

}  // namespace talweg
