// The list of the aligner's ops.
#pragma once

#include <vector>

#include "core/op_card.h"

namespace talweg::ebm {

/// The card of every op of ebm/align.
const std::vector<OpCard>& ops();

}  // namespace talweg::ebm
