// Every file with rows, and the one call that asks them all.
#pragma once

#include "bench/suite.h"

namespace talweg::bench {

void add_conv_rows(Suite& suite);    ///< talweg's conv2d, by shape, face, algorithm, ISA
void add_kernel_rows(Suite& suite);  ///< elementwise, reductions, matmul
void add_net_rows(Suite& suite);     ///< whole networks: a training step, reading

/// All of the above. One line a file; what is built only on request stands behind its #ifdef.
void add_all_rows(Suite& suite);

}  // namespace talweg::bench
