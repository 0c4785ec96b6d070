#include "bench/rows.h"

namespace talweg::bench {

void add_all_rows(Suite& suite) {
  add_conv_rows(suite);
  add_depthwise_rows(suite);
  add_kernel_rows(suite);
  add_memory_rows(suite);
  add_matmul_rows(suite);
  add_op_rows(suite);
  add_tape_rows(suite);
  add_net_rows(suite);
  add_lexicon_rows(suite);
  add_ladder_rows(suite);
  add_graph_rows(suite);
  add_align_rows(suite);
  add_sampling_rows(suite);
#ifdef TALWEG_PEERS
  add_onednn_rows(suite);
  add_openblas_rows(suite);
#endif
}

}  // namespace talweg::bench
