#define TALWEG_COLLECT_OP_CARDS
#include "core/ops.h"

namespace talweg {

const std::vector<OpCard>& ops() { return collected_cards(); }

}  // namespace talweg
