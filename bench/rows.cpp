#include "bench/rows.h"

namespace talweg::bench {

void add_all_rows(Suite& suite) {
  add_conv_rows(suite);
  add_kernel_rows(suite);
  add_net_rows(suite);
}

}  // namespace talweg::bench
