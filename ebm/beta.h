// The inverse temperature, checked in one place.
#pragma once

#include <cmath>
#include <limits>

#include "core/error.h"

namespace talweg::ebm {

/// Hard minima instead of soft ones.
inline constexpr double kZeroTemperature = std::numeric_limits<double>::infinity();

/// Throws Error unless 0 < beta < infinity.
inline void check_beta(const char* where, double beta) {
  expect(beta > 0 && std::isfinite(beta), "[", where, "] beta is ", beta,
         "; the inverse temperature must be above 0 and finite");
}

/// Throws Error unless 0 < beta <= infinity.
inline void check_beta_or_infinity(const char* where, double beta) {
  expect(beta > 0, "[", where, "] beta is ", beta,
         "; the inverse temperature must be above 0 (infinity takes the minimum)");
}

}  // namespace talweg::ebm
