// The noise kernels of each instruction set; noise_table() picks among them.
#pragma once

#include "ebm/sampling/kernels/noise_kernels.h"

namespace talweg::ebm {

extern const NoiseTable<float> kPortableNoise;
#if defined(__x86_64__)
extern const NoiseTable<float> kAvx2Noise;
extern const NoiseTable<float> kAvx512Noise;
#endif

}  // namespace talweg::ebm
