// The rungs with 4 lanes and the baseline's instructions alone.
#define TALWEG_ISA_NAMESPACE portable
#define TALWEG_LANES 4
#define TALWEG_TILE_ROWS 4  // 16 registers: 8 sums, 2 of weights
#include "bench/ladder/rungs.inl"

namespace talweg::bench {
constinit const Ladder kPortableLadder = portable::make_ladder();
}  // namespace talweg::bench
