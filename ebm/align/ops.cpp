#define TALWEG_COLLECT_OP_CARDS
#include <algorithm>
#include <string>

#include "ebm/align/align_ops.h"

namespace talweg::ebm {

// The families included above are collected too; this list holds what stands in this folder.
const std::vector<OpCard>& ops() {
  static const std::vector<OpCard> own = [] {
    std::vector<OpCard> cards;
    std::ranges::copy_if(collected_cards(), std::back_inserter(cards), [](const OpCard& card) {
      return card.file.find("ebm/align/") != std::string::npos;
    });
    return cards;
  }();
  return own;
}

}  // namespace talweg::ebm
