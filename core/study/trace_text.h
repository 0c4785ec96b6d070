// A trace for the terminal and for Graphviz.
#pragma once

#include <string>

#include "core/study/trace_rule.h"

namespace talweg {

/// The steps one line each, forward and back, with the rules and their numbers.
std::string to_text(const Trace& trace, const CardLookup& cards);

/// The graph in Graphviz's language, for `dot -Tsvg`. An edge that carries a gradient back is drawn
/// whole, one that carries none dashed; nodes of recorded passes stand in a box of their own.
std::string to_dot(const Trace& trace);

/// What happens in a step, in one sentence: "Backward: the rule of y sends a gradient to w".
std::string describe(const Trace& trace, const TraceStep& step);

}  // namespace talweg
