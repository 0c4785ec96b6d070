// The functions that a formula may call.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "core/tape.h"

namespace talweg {

struct ExpressionFunction {
  const char* name;
  int arguments;    ///< that are values
  bool takes_axis;  ///< and may be followed by an axis
  const char* usage;
  Var<double> (*call)(std::span<const Var<double>> x, std::optional<int> axis);
};

/// All of them.
std::span<const ExpressionFunction> all_expression_functions();

/// The one of that name, or null.
const ExpressionFunction* find_expression_function(std::string_view name);

}  // namespace talweg
