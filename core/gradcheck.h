// gradcheck: is the gradient right? Compares the tape's gradient with central differences, in
// double.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/tape.h"

namespace talweg {

/// A differentiable function of tensors on the tape, as a user writes it.
using Function = std::function<Var<double>(std::span<const Var<double>>)>;

/// What a check found. `error` is the largest |analytic - numeric| / max(|analytic|, |numeric|)
/// over the elements of the gradient, where differences below 1e-8 count as none.
struct GradcheckResult {
  bool ok = true;
  double error = 0;
  std::string worst;  ///< the element with the largest error, in words
};

struct GradcheckOptions {
  double tolerance = 1e-6;  ///< relative
  double step = 1e-3;       ///< of the differences; their error is O(step^4)
  uint64_t seed = 1;        ///< of the random cotangent
};

/// Checks d<u, f(x)>/dx for a random cotangent u, element by element, against the fourth-order
/// central difference (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12 h. Keep x away from kinks by
/// 2h.
///
///   auto r = gradcheck([](auto x) { return exp(x[0]) * x[1]; }, {a, b});
///   if (!r.ok) throw Error(r.worst);
GradcheckResult gradcheck(const Function& f, const std::vector<Tensor<double>>& x,
                          const GradcheckOptions& options = {});

/// Checks the second derivative: gradcheck of (x, u) -> the gradient of <u, f(x)>, which must be
/// recorded.
GradcheckResult gradgradcheck(const Function& f, const std::vector<Tensor<double>>& x,
                              const GradcheckOptions& options = {});

}  // namespace talweg
