// An op added: chapter 7.
#pragma once

#include "core/op_card.h"
#include "core/ops/elementwise.h"

namespace talweg::course {

/// softsign(x) = x / (1 + |x|), elementwise: between -1 and 1, like tanh, but slower to saturate.
/// Gradient: dx = dy / (1 + |x|)^2. Source: Bergstra et al. 2009.
template <class T> Var<T> softsign(Var<T> x) {
  Var<T> y = x.tape().make("softsign", x.shape());
  for (int64_t i = 0; i < y.size(); ++i) y.data()[i] = x.data()[i] / (1 + std::abs(x.data()[i]));
  y.wrt(x, [=](Var<T> dy) { return div(dy, square(add_scalar(abs(x), T(1)))); });
  return y;
}

TALWEG_OP_CARD(softsign) {
  card.formula("y = x / (1 + |x|)").rule("dx = dy / (1 + |x|)^2").shapes("any");
  card.source("Bergstra et al. 2009");
  const auto f = [](auto x) { return softsign(x[0]); };
  const Domain d = Domain::distinct;  // apart from 0, where |x| has its kink
  card.check("matrix", {{{3, 4}, d}}, f).check("one", {{{1}, d}}, f).check("empty", {{0}}, f);
  card.point("far out", {{-1e300, 0, 1e300}}, f, {-1, 0, 1}, {{0, 1, 0}});
  card.bench({{32, 16, 32, 16}}, f);
}

}  // namespace talweg::course
