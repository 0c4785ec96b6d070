// The list of the ops of weighted graphs.
#pragma once

#include <vector>

#include "core/op_card.h"

namespace talweg::ebm {

/// The card of every op of ebm/graph.
const std::vector<OpCard>& graph_ops();

}  // namespace talweg::ebm
