// The noise kernels with 16 floats a vector; compiler flags in isa_flags.cmake.
#if defined(__x86_64__)
#define TALWEG_ISA_NAMESPACE avx512
#define TALWEG_LANES 16
#include "ebm/sampling/kernels/noise_body.inl"

namespace talweg::ebm {
constinit const NoiseTable<float> kAvx512Noise = avx512::make_noise_table();
}  // namespace talweg::ebm
#endif
