// The chain kernels with 4 floats a vector, compiled with the flags of core/kernels/kernels_portable.cpp.
#define TALWEG_ISA_NAMESPACE portable
#define TALWEG_LANES 4
#include "ebm/align/kernels/body.inl"

namespace talweg::ebm {
constinit const ChainTables kPortableChains = portable::make_tables();
}  // namespace talweg::ebm
