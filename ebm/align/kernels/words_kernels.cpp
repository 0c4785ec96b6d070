#include "ebm/align/kernels/words_kernels.h"

#include "core/kernels/isa_tables.h"
#include "ebm/align/kernels/words_isa.h"

namespace talweg::ebm {
namespace {
template <class T> const WordsTable<T>& table_of(const WordsTables& tables) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return tables.in_float;
  } else {
    return tables.in_double;
  }
}
}  // namespace

template <class T> const WordsTable<T>& words_table() {
#if defined(__x86_64__)
  const kernels::KernelTable<float>* in_use = &kernels::table<float>();
  if (in_use == &kernels::kAvx512Table) return table_of<T>(kAvx512Words);
  if (in_use == &kernels::kAvx2Table) return table_of<T>(kAvx2Words);
#endif
  return table_of<T>(kPortableWords);
}

template const WordsTable<float>& words_table();
template const WordsTable<double>& words_table();

}  // namespace talweg::ebm
