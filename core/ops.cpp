#include "core/op_collect.h"
//
#include "core/ops.h"

namespace talweg {

const std::vector<OpCard>& ops() { return collected_cards(); }

}  // namespace talweg
