#include "ebm/graph/ops.h"

#include "core/ops.h"
//
#include "core/op_collect.h"
//
#include "ebm/graph/graph_ops.h"

namespace talweg::ebm {

const std::vector<OpCard>& graph_ops() { return collected_cards(); }

}  // namespace talweg::ebm
