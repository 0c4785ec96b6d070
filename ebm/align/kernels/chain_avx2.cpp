// The chain kernels with 8 floats a vector, compiled with the flags of core/kernels/kernels_avx2.cpp.
#if defined(__x86_64__)
#define TALWEG_ISA_NAMESPACE avx2
#define TALWEG_LANES 8
#include "ebm/align/kernels/body.inl"

namespace talweg::ebm {
constinit const ChainTables kAvx2Chains = avx2::make_tables();
}  // namespace talweg::ebm
#endif
