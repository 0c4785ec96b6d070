// The tables that the per-ISA objects export, one each: for core/kernels, and for kernels elsewhere
// that follow its choice.
#pragma once

#include "core/kernels/kernels.h"

namespace talweg::kernels {

extern const KernelTable<float> kPortableTable;
#if defined(__x86_64__)
extern const KernelTable<float> kAvx2Table;
extern const KernelTable<float> kAvx512Table;
#endif

}  // namespace talweg::kernels
