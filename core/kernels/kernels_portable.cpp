// The vector body with 4 lanes and the flags of the baseline: SSE2 on x86-64, NEON on AArch64.
#define TALWEG_ISA_NAMESPACE portable
#define TALWEG_LANES 4
#if defined(__aarch64__)
#define TALWEG_TILE_ROWS 12  // 32 registers: 24 sums, 2 of b, some spare
#else
#define TALWEG_TILE_ROWS 6  // 16 registers: 12 sums, 2 of b, 1 broadcast
#endif
#include "core/kernels/body.inl"

namespace talweg::kernels {
constinit const KernelTable<float> kPortableTable = portable::make_table("portable");
}  // namespace talweg::kernels
