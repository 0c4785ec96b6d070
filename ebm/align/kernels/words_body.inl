// The vector body of the kernels of all words, compiled once per instruction set. The including
// file defines TALWEG_ISA_NAMESPACE and TALWEG_LANES (floats in a vector). As in
// core/kernels/body.inl everything has internal linkage and nothing comes from the standard library.
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "ebm/align/kernels/words_isa.h"

namespace talweg::ebm::TALWEG_ISA_NAMESPACE {
namespace {

#include "ebm/align/kernels/wide.inl"
//
#include "ebm/align/kernels/mass.inl"
//
#include "ebm/align/kernels/words.inl"

template <class T> constexpr WordsTable<T> make_words_table() {
  return {.sum = words_sum<T>,
          .sum_ctc = words_sum_ctc<T>,
          .go_back = words_go_back<T>,
          .scaled_row = words_scaled_row<T>};
}
constexpr WordsTables make_words_tables() {
  return {.in_float = make_words_table<float>(), .in_double = make_words_table<double>()};
}

}  // namespace
}  // namespace talweg::ebm::TALWEG_ISA_NAMESPACE
