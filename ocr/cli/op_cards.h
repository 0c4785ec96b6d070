// The cards of every op there is, for the subcommands that show or check them.
#pragma once

#include <string>
#include <vector>

#include "core/op_card.h"

namespace talweg::ocr::cli {

/// All cards, in the order of the files they stand in.
std::vector<const OpCard*> all_cards();

/// The card of that name; throws UsageError with the nearest one, if one is near.
const OpCard* find_card(const std::string& name);

}  // namespace talweg::ocr::cli
