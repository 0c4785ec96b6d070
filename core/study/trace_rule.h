// An op's rule with the numbers of one node put in: "da = dy b = 2 · 3".
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/op_card.h"
#include "core/study/trace.h"

namespace talweg {

/// Finds the card of an op by its name, or null. Whoever asks knows which rooms have ops.
using CardLookup = std::function<const OpCard*(std::string_view op)>;

/// What a node of the tape's own making is: leaves, views, sums of gradients. Empty for other ops.
std::string tape_op_text(std::string_view op);

/// The part of a card's rule that speaks of input number `slot` of `inputs`: "da = dy b" of mul's
/// first. Empty where the rule is not written input by input.
std::string rule_for_input(const std::string& rule_text, int slot, int inputs);

/// The rule that the step (kRan) ran, with numbers for the names where its node is a scalar:
/// "da = dy b = 2 · 3 = 6". Without numbers where values are tensors; empty without a card.
std::string rule_with_numbers(const Trace& trace, const TraceStep& step, const ValueSummary& dy,
                              const CardLookup& cards);

/// The formula the same way, for a node of scalars: "y = a b = 2 · 3 = 6".
std::string formula_with_numbers(const Trace& trace, int node, const CardLookup& cards);

}  // namespace talweg
