// The vector body of the noise kernels, compiled once per instruction set. The including file
// defines TALWEG_ISA_NAMESPACE and TALWEG_LANES (floats in a vector). As in core/kernels/body.inl
// everything has internal linkage and nothing comes from the standard library.
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "ebm/sampling/kernels/noise_isa.h"

namespace talweg::ebm::TALWEG_ISA_NAMESPACE {
namespace {

#include "core/kernels/vec.inl"
//
#include "core/kernels/vec_math.inl"
//
#include "ebm/sampling/kernels/noise.inl"

constexpr NoiseTable<float> make_noise_table() {
  return {.normal = normal, .langevin = langevin, .quartic_gradient = quartic_gradient};
}

}  // namespace
}  // namespace talweg::ebm::TALWEG_ISA_NAMESPACE
