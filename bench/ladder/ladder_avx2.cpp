// The rungs with 8 lanes, compiled with the flags of core/kernels/kernels_avx2.cpp.
#if defined(__x86_64__)
#define TALWEG_ISA_NAMESPACE avx2
#define TALWEG_LANES 8
#define TALWEG_TILE_ROWS 4  // 16 registers: 8 sums, 2 of weights
#include "bench/ladder/rungs.inl"

namespace talweg::bench {
constinit const Ladder kAvx2Ladder = avx2::make_ladder();
}  // namespace talweg::bench
#endif
