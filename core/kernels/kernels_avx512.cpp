// The vector body with 16 lanes, compiled with -mavx512{f,bw,dq,vl}.
#if defined(__x86_64__)
#if !defined(__AVX512F__) || !defined(__FMA__)
#error "kernels_avx512.cpp needs the flags of core/kernels/isa_flags.cmake"
#endif
#define TALWEG_ISA_NAMESPACE avx512
#define TALWEG_LANES 16
#define TALWEG_TILE_ROWS 14  // 32 registers: 28 sums, 2 of b, 1 broadcast
#include "core/kernels/body.inl"

namespace talweg::kernels {
constinit const KernelTable<float> kAvx512Table = avx512::make_table("avx512");
}  // namespace talweg::kernels
#endif
