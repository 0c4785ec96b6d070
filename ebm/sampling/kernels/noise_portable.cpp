// The noise kernels with 4 floats a vector; compiler flags in isa_flags.cmake.
#define TALWEG_ISA_NAMESPACE portable
#define TALWEG_LANES 4
#include "ebm/sampling/kernels/noise_body.inl"

namespace talweg::ebm {
constinit const NoiseTable<float> kPortableNoise = portable::make_noise_table();
}  // namespace talweg::ebm
