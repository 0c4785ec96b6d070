// The tables that the per-ISA objects export, one each. Private to core/kernels.
#pragma once

#include "core/kernels/kernels.h"

namespace talweg::kernels {

extern const KernelTable<float> kPortableTable;
#if defined(__x86_64__)
extern const KernelTable<float> kAvx2Table;
extern const KernelTable<float> kAvx512Table;
#endif

}  // namespace talweg::kernels
