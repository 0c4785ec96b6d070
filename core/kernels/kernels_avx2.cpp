// The vector body with 8 lanes, compiled with -mavx2 -mfma.
#if defined(__x86_64__)
#if !defined(__AVX2__) || !defined(__FMA__)
#error "kernels_avx2.cpp needs the flags of core/kernels/isa_flags.cmake"
#endif
#define TALWEG_ISA_NAMESPACE avx2
#define TALWEG_LANES 8
#define TALWEG_TILE_ROWS 6  // 16 registers: 12 sums, 2 of b, 1 broadcast
#include "core/kernels/body.inl"

namespace talweg::kernels {
constinit const KernelTable<float> kAvx2Table = avx2::make_table("avx2");
}  // namespace talweg::kernels
#endif
