// The vector body of the aligner's kernels, compiled once per instruction set. The including file
// defines TALWEG_ISA_NAMESPACE and TALWEG_LANES (floats in a vector). As in core/kernels/body.inl
// everything has internal linkage and nothing comes from the standard library.
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "ebm/align/kernels/chain_isa.h"

namespace talweg::ebm::TALWEG_ISA_NAMESPACE {
namespace {

#include "ebm/align/kernels/wide.inl"
//
#include "ebm/align/kernels/mass.inl"
//
#include "ebm/align/kernels/chain_rows.inl"
//
#include "ebm/align/kernels/chain_least.inl"
//
#include "ebm/align/kernels/chain_sum.inl"

constexpr ChainTables make_tables() {
  return {.in_float = {.least = chain_least<float>, .sum = chain_sum<float>},
          .in_double = {.least = chain_least<double>, .sum = chain_sum<double>}};
}

}  // namespace
}  // namespace talweg::ebm::TALWEG_ISA_NAMESPACE
