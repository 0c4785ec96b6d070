#include "ocr/cli/op_cards.h"

#include "core/ops.h"
#include "ebm/align/ops.h"
#include "ebm/graph/ops.h"
#include "ocr/cli/command.h"
#include "ocr/metrics.h"
#include "ocr/text.h"

namespace talweg::ocr::cli {

std::vector<const OpCard*> all_cards() {
  std::vector<const OpCard*> cards;
  for (const std::vector<OpCard>* list : {&talweg::ops(), &ebm::ops(), &ebm::graph_ops()}) {
    for (const OpCard& card : *list) cards.push_back(&card);
  }
  return cards;
}

const OpCard* find_card(const std::string& name) {
  const OpCard* nearest = nullptr;
  int64_t least = 0;
  for (const OpCard* card : all_cards()) {
    const int64_t distance = align_texts(decode_utf8(name), decode_utf8(card->name)).counts.edits();
    if (distance == 0) return card;
    if (!nearest || distance < least) nearest = card, least = distance;
  }
  throw UsageError(message("there is no op '", name, "'; did you mean ", nearest->name, "?"));
}

}  // namespace talweg::ocr::cli
