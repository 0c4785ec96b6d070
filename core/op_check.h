// The checks that every op's card is put through, by the tests and by `talweg check`.
#pragma once

#include <string>
#include <vector>

#include "core/op_card.h"

namespace talweg {

/// What the checks of one op found: the largest errors over its cases, and each failure in a
/// sentence.
struct OpReport {
  std::string op;
  int cases = 0;
  double gradient_error = 0;  ///< first derivative against differences, relative, in double
  double second_error = 0;    ///< second derivative likewise
  double kernel_error = 0;    ///< float value and gradient against double, relative L2, worst ISA
  std::vector<std::string> failures;
};

/// Runs all checks of one card: first and second derivative against differences; an output used
/// twice sends back twice the gradient; the recorded and the unrecorded backward agree; float on
/// every instruction set agrees with double; stated points; refused shapes.
OpReport check_op(const OpCard& card, uint64_t seed = 1);

/// Inputs of a case, drawn by domain; every number is exact in float.
std::vector<Tensor<double>> draw_inputs(const OpCase& op_case, uint64_t seed);

}  // namespace talweg
