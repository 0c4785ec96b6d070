// The kernels of all words with 4 floats a vector; compiler flags in isa_flags.cmake.
#define TALWEG_ISA_NAMESPACE portable
#define TALWEG_LANES 4
#include "ebm/align/kernels/words_body.inl"

namespace talweg::ebm {
constinit const WordsTables kPortableWords = portable::make_words_tables();
}  // namespace talweg::ebm
