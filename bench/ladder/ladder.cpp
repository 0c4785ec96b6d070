#include "bench/ladder/ladder.h"

namespace talweg::bench {

const Ladder& ladder_of([[maybe_unused]] const std::string& isa) {
#if defined(__x86_64__)
  if (isa == "avx512") return kAvx512Ladder;
  if (isa == "avx2") return kAvx2Ladder;
#endif
  return kPortableLadder;
}

}  // namespace talweg::bench
