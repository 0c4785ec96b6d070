#include "ocr/cli/op_cards.h"

#include "core/edit_distance.h"
#include "core/ops.h"
#include "ebm/align/ops.h"
#include "ebm/graph/ops.h"
#include "ocr/cli/command.h"

namespace talweg::ocr::cli {

std::vector<const OpCard*> all_cards() {
  std::vector<const OpCard*> cards;
  for (const std::vector<OpCard>* list : {&talweg::ops(), &ebm::ops(), &ebm::graph_ops()}) {
    for (const OpCard& card : *list) cards.push_back(&card);
  }
  return cards;
}

const OpCard* find_card(const std::string& name) {
  std::vector<std::string> names;
  for (const OpCard* card : all_cards()) {
    if (card->name == name) return card;
    names.push_back(card->name);
  }
  const std::string near = nearest_name(name, names);
  throw UsageError(message("there is no op '", name, "'; ",
                           near.empty() ? "talweg ops lists all" : "did you mean " + near + "?"));
}

}  // namespace talweg::ocr::cli
