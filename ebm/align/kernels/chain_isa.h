// The chain kernels of each instruction set; chain_table() picks among them.
#pragma once

#include "ebm/align/kernels/chain_kernels.h"

namespace talweg::ebm {

struct ChainTables {
  ChainTable<float> in_float;
  ChainTable<double> in_double;
};

extern const ChainTables kPortableChains;
#if defined(__x86_64__)
extern const ChainTables kAvx2Chains;
extern const ChainTables kAvx512Chains;
#endif

}  // namespace talweg::ebm
