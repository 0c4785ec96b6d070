// The noise kernels with 8 floats a vector; compiler flags in isa_flags.cmake.
#if defined(__x86_64__)
#define TALWEG_ISA_NAMESPACE avx2
#define TALWEG_LANES 8
#include "ebm/sampling/kernels/noise_body.inl"

namespace talweg::ebm {
constinit const NoiseTable<float> kAvx2Noise = avx2::make_noise_table();
}  // namespace talweg::ebm
#endif
