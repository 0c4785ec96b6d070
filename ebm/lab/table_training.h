// Training the freest energy there is, one number a label, by plain gradient descent: where what a
// loss wants shows undisturbed by an architecture.
#pragma once

#include <functional>

#include "core/tape.h"

namespace talweg::ebm::lab {

/// A loss of f[1,K], summed to a scalar by the caller of it.
using TableLoss = std::function<Var<double>(Var<double> f)>;

/// `steps` steps f <- f - rate d(sum of loss)/df, in place. `watch(step, f)`, if given, sees f
/// after step 1, 2, ... .
void train_table(Tensor<double>& f, const TableLoss& loss, int64_t steps, double rate,
                 const std::function<void(int64_t, const Tensor<double>&)>& watch = nullptr);

/// The gap min_{k != y} f_k - f_y that the NLL's gradient flow in energy units reaches from 0 at
/// time s = rate * steps, over n labels: with Delta' = n / (e^{beta Delta} + n - 1),
///   (e^{beta Delta} - 1) / beta + (n - 1) Delta = n s,
/// solved by bisection. Descent with a finite rate runs ahead of it by at most the first step,
/// `rate`: the flow's speed falls with Delta, from 1.
double nll_gap(double beta, int64_t labels, double time);

}  // namespace talweg::ebm::lab
