// Formulas typed by people, computed on a tape: what `talweg tape -e` records.
//
//   y = relu(w*x + b); l = (y - 1)^2
//
// Statements `name = expression` are separated by ; or a new line. The last one gives the output; it
// may leave its name out. From weak to strong: + -, then * / @ (matrix product), unary -, ^, and
// calls of functions. [1,2,3] is a vector, [1,2;3,4] a matrix. Arithmetic broadcasts as NumPy does.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/tape.h"

namespace talweg {

/// A variable of a formula and its value.
struct Setting {
  std::string name;
  Tensor<double> value;
};

/// "w=2, x=[1,2;3,4]" -> two settings. Throws Error that shows the column where it cannot be read.
std::vector<Setting> parse_settings(std::string_view text);

/// A name in a formula and what it stands for.
struct NamedVar {
  std::string name;
  Var<double> value;
};

struct ExpressionResult {
  std::vector<NamedVar> variables;  ///< of the settings, leaves that need a gradient
  std::vector<NamedVar> results;  ///< of the statements, in order, the unnamed last one as "output"
};

/// Computes the formula. `on_place`, if given, is told of each op before it runs: "column 5: w*x".
/// Throws Error, with the formula and a caret under the column, where it cannot be read, names what
/// does not exist (the nearest name that does is suggested) or shapes do not fit; and where a setting
/// is never used.
ExpressionResult evaluate(Tape<double>& tape, std::string_view text,
                          const std::vector<Setting>& settings,
                          const std::function<void(std::string)>& on_place = {});

/// The functions that a formula may call, each as it is written: "relu(x)", "sum(x, axis)".
std::vector<std::string> expression_functions();

}  // namespace talweg
