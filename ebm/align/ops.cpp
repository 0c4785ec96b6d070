#include "ebm/align/ops.h"

#include "core/ops.h"
//
#include "core/op_collect.h"
//
#include "ebm/align/align_ops.h"
#include "ebm/align/partition_ops.h"
#include "ebm/align/soft_ops.h"
#include "ebm/align/word_ops.h"

namespace talweg::ebm {

const std::vector<OpCard>& ops() { return collected_cards(); }

}  // namespace talweg::ebm
