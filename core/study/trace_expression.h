// The trace of a formula: what `talweg tape -e` shows.
#pragma once

#include <string>
#include <string_view>

#include "core/study/expression.h"
#include "core/study/trace.h"

namespace talweg {

/// How to differentiate a formula.
struct ExpressionOrder {
  int order = 1;
  /// The variable of all passes but the last, which goes to every leaf; the first if empty.
  std::string by = {};
};

/// Computes the formula, forward and back, in double. Where `order` is n > 1, the first n - 1 passes
/// are recorded, each differentiating what the one before gave by one variable; a gradient that is
/// not a single number is reduced to its sum of squares first. Runs once unwatched before, so that
/// the times are those of a warm engine.
///
/// Throws Error as evaluate() does; where the formula's value is not a single number, or depends on
/// no variable; and where a derivative is constant and so has no graph.
Trace trace_expression(std::string_view text, const std::vector<Setting>& settings,
                       const ExpressionOrder& order = {});

}  // namespace talweg
