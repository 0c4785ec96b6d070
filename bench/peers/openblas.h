// OpenBLAS's matrix product, to be timed beside ours. Only bench/ links it, and only with
// -DTALWEG_PEERS=ON.
#pragma once

#include <cstdint>
#include <string>

namespace talweg::bench {

/// c[m,n] = op(a) op(b) as kernels.h's matmul has it: a is [m,k] or, transposed, [k,m].
void openblas_matmul(int64_t m, int64_t n, int64_t k, const float* a, bool transpose_a,
                     const float* b, bool transpose_b, float* c);

/// Threads of the calls that follow. In the build on OpenMP they are OpenMP's own, the same ones
/// that our kernels use; the other build's wait in a loop after each call and slow down the next
/// row, so CMake prefers the first (Debian: libopenblas-openmp-dev).
void set_openblas_threads(int threads);

/// "OpenBLAS 0.3.21, Cooperlake kernels, OpenMP threads".
std::string openblas_version();

/// The instruction set of the kernels in use, in our names; empty where they are unknown to us.
std::string openblas_isa();

}  // namespace talweg::bench
