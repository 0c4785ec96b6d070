// E12: a margin of 0 or less is an invitation to collapse.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/io/svg.h"
#include "core/ops/reduce.h"
#include "core/ops/select.h"
#include "core/rng.h"
#include "ebm/lab/experiments.h"
#include "ebm/losses/negatives.h"
#include "ebm/losses/pair_losses.h"

namespace talweg::ebm::lab {
namespace {

constexpr int64_t kLabels = 4;
constexpr int64_t kSteps = 2000;
constexpr double kRate = 0.05, kDecay = 0.5;
const std::vector<int32_t> kRight{0};

/// [m + E - Ebar]+ without the check that refuses m <= 0.
Var<double> unguarded_hinge(Var<double> good, Var<double> bad, double margin) {
  return relu(good - bad + margin);
}

double gap_of(const Tensor<double>& f) {
  return *std::min_element(f.data() + 1, f.data() + f.size()) - f[0];
}

double spread_of(const Tensor<double>& f) {
  return *std::max_element(f.data(), f.data() + f.size()) -
         *std::min_element(f.data(), f.data() + f.size());
}

/// Descent on the hinge against the most offending label, with weight decay.
Tensor<double> train(double margin, Rng rng, io::Series& line) {
  Tensor<double> f({1, kLabels});
  for (double& v : f.values()) v = 2 * rng.normal();
  f[0] = 3;  // the right answer begins above
  Tape<double> tape;
  for (int64_t step = 1; step <= kSteps; ++step) {
    TapeScope<double> scope(tape);
    const Var<double> leaf = tape.borrow(f, true);
    const Var<double> good = pick(leaf, kRight);
    const Var<double> bad = pick(leaf, most_offending(leaf, kRight));
    tape.backward(sum(unguarded_hinge(good, bad, margin)));
    for (int64_t i = 0; i < kLabels; ++i) {
      f[i] -= kRate * (leaf.grad_view()[std::size_t(i)] + kDecay * f[i]);
    }
    if (step % 10 != 0 || step > 800) continue;
    line.x.push_back(static_cast<double>(step));
    line.y.push_back(gap_of(f));
  }
  return f;
}

/// How many of the losses with a margin refuse this one.
int refusals(double margin) {
  Tape<double> tape;
  const Var<double> e = tape.full({1}, 0.0);
  int count = 0;
  for (const auto loss :
       {+[](Var<double> a, double m) { return hinge_loss(a, a, m); },
        +[](Var<double> a, double m) { return simple_loss(a, a, m); },
        +[](Var<double> a, double m) { return square_square_loss(a, a, m); },
        +[](Var<double> a, double m) { return square_square_exact_loss(a, a, m); }}) {
    try {
      loss(e, margin);
    } catch (const Error&) {
      ++count;
    }
  }
  return count;
}

Findings run(const RunOptions& options) {
  Findings found;
  io::LineChart chart{.title = "The gap under a hinge with weight decay",
                      .x_label = "steps",
                      .y_label = "lowest wrong energy minus the right one"};
  for (const double margin : {1.0, 0.5, 0.0, -0.5}) {
    const double used = options.fault ? -margin : margin;  // the fault: the margin's sign
    io::Series line{.name = message("m = ", margin)};
    const Tensor<double> f = train(used, Rng(options.seed), line);
    chart.series.push_back(line);
    found.measurements.push_back(
        within_bound(message("gap, m = ", margin), std::max(margin, 0.0), gap_of(f), 2 * kRate,
                     "the pull of one step on both energies, twice the rate"));
    if (margin <= 0) {
      found.measurements.push_back(at_most(message("spread of all energies, m = ", margin), 0,
                                           spread_of(f), 1e-9,
                                           "decay by 0.975 a step, from 10 at most"));
    }
    Tape<double> tape;
    const Var<double> flat = tape.full({1}, 0.0);
    found.measurements.push_back(within_bound(
        message("loss of equal energies everywhere, m = ", margin), std::max(margin, 0.0),
        unguarded_hinge(flat, flat, used).item(), 1e-12, "rounding"));
    found.measurements.push_back(
        within_bound(message("losses of the library that refuse it, of 4, m = ", margin),
                     margin > 0 ? 0 : 4, refusals(margin), 0, "a count"));
  }
  found.figures.push_back({draw(chart),
                           "With m > 0 the gap settles at m; with m ≤ 0 the first "
                           "energies that are not wrong are good enough, and decay "
                           "makes them all equal."});
  found.remarks = {
      "A loss with m ≤ 0 costs nothing on an energy that is the same everywhere, so whatever else "
      "acts on the parameters decides, and weight decay decides for the constant.",
      "That is why the exercise's m in R has to read m > 0, and why the library refuses the rest."};
  return found;
}

}  // namespace

Experiment margin_collapse() {
  return {
      "E12",
      "margin-collapse",
      "A margin of 0 or less collapses",
      "Losses with a margin are sometimes written for any real m. What happens for m ≤ 0?",
      "Four labels, one number an energy, the right one lifted above the others at the start; "
      "2,000 steps on the hinge against the most offending label, with weight decay 0.5. For m > "
      "0 the gap slides along m, within one step's pull; for m ≤ 0 nothing holds it and decay "
      "takes all energies to 0.",
      "the margin enters with the wrong sign",
      run};
}

}  // namespace talweg::ebm::lab
