// The rungs with 16 lanes, compiled with the flags of core/kernels/kernels_avx512.cpp.
#if defined(__x86_64__)
#define TALWEG_ISA_NAMESPACE avx512
#define TALWEG_LANES 16
#define TALWEG_TILE_ROWS 8  // 32 registers: 16 sums, 2 of weights
#include "bench/ladder/rungs.inl"

namespace talweg::bench {
constinit const Ladder kAvx512Ladder = avx512::make_ladder();
}  // namespace talweg::bench
#endif
