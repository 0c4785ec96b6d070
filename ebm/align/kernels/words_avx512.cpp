// The kernels of all words with 16 floats a vector; compiler flags in isa_flags.cmake.
#if defined(__x86_64__)
#define TALWEG_ISA_NAMESPACE avx512
#define TALWEG_LANES 16
#include "ebm/align/kernels/words_body.inl"

namespace talweg::ebm {
constinit const WordsTables kAvx512Words = avx512::make_words_tables();
}  // namespace talweg::ebm
#endif
