// The chain kernels with 16 floats a vector, compiled with the flags of core/kernels/kernels_avx512.cpp.
#if defined(__x86_64__)
#define TALWEG_ISA_NAMESPACE avx512
#define TALWEG_LANES 16
#include "ebm/align/kernels/body.inl"

namespace talweg::ebm {
constinit const ChainTables kAvx512Chains = avx512::make_tables();
}  // namespace talweg::ebm
#endif
