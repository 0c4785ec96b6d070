// The table of contents of the op families. Including this file brings every op; ops() lists their
// cards.
#pragma once

#include <vector>

#include "core/op_card.h"
#include "core/ops/broadcast.h"
#include "core/ops/conv2d.h"
#include "core/ops/conv2d_fused.h"
#include "core/ops/depthwise.h"
#include "core/ops/elementwise.h"
#include "core/ops/in_place.h"
#include "core/ops/matmul.h"
#include "core/ops/norm.h"
#include "core/ops/pool.h"
#include "core/ops/reduce.h"
#include "core/ops/select.h"
#include "core/ops/shape_ops.h"
#include "core/ops/softmax.h"

namespace talweg {

/// The card of every op of core, in the order of the files above.
const std::vector<OpCard>& ops();

}  // namespace talweg
