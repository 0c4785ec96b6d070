#include "ebm/align/kernels/chain_kernels.h"

#include "core/kernels/isa_tables.h"
#include "ebm/align/kernels/chain_isa.h"

namespace talweg::ebm {

int64_t chain_work(const Chain& chain, bool soft) {
  // A row of energies and two of sums; or energies, two rows of masses and one of shares, each with
  // its padding, a row for each step, and what came by which step to every cell.
  const int64_t row = chain.stride + (chain.max_step / kChainPadding + 1) * kChainPadding;
  return soft ? 8 * row + (chain.frames * chain.max_step + chain.max_step + 2) * chain.stride
              : 3 * row;
}

namespace {
template <class T> const ChainTable<T>& table_of(const ChainTables& tables) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return tables.in_float;
  } else {
    return tables.in_double;
  }
}
}  // namespace

template <class T> const ChainTable<T>& chain_table() {
#if defined(__x86_64__)
  const kernels::KernelTable<float>* in_use = &kernels::table<float>();
  if (in_use == &kernels::kAvx512Table) return table_of<T>(kAvx512Chains);
  if (in_use == &kernels::kAvx2Table) return table_of<T>(kAvx2Chains);
#endif
  return table_of<T>(kPortableChains);
}

template const ChainTable<float>& chain_table();
template const ChainTable<double>& chain_table();

}  // namespace talweg::ebm
