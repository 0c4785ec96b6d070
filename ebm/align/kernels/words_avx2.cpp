// The kernels of all words with 8 floats a vector; compiler flags in isa_flags.cmake.
#if defined(__x86_64__)
#define TALWEG_ISA_NAMESPACE avx2
#define TALWEG_LANES 8
#include "ebm/align/kernels/words_body.inl"

namespace talweg::ebm {
constinit const WordsTables kAvx2Words = avx2::make_words_tables();
}  // namespace talweg::ebm
#endif
