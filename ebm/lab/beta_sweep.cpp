// E3: what the inverse temperature does to training by the NLL, and what it does not.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/io/svg.h"
#include "core/rng.h"
#include "ebm/lab/experiments.h"
#include "ebm/lab/table_training.h"
#include "ebm/losses/label_losses.h"

namespace talweg::ebm::lab {
namespace {

constexpr int64_t kLabels = 5;
constexpr int64_t kSteps = 30000;
constexpr double kRate = 0.1;
const std::vector<int32_t> kRight{0};

double gap_of(const Tensor<double>& f) {
  return *std::min_element(f.data() + 1, f.data() + f.size()) - f[0];
}

Findings run(const RunOptions& options) {
  Findings found;
  io::LineChart chart{.title = "The gap under the NLL",
                      .x_label = "log10 of the steps",
                      .y_label = "lowest wrong energy minus the right one"};
  for (const double beta : {0.25, 1.0, 4.0}) {
    // The fault: the derivative of the unscaled loss, beta times as large, passed off as the
    // scaled.
    const NllUnit unit = options.fault ? NllUnit::nats : NllUnit::energy;
    io::Series trained{.name = message("β = ", beta)}, flow{.name = {}, .dashed = true};
    Tensor<double> f({1, kLabels});
    double at_tenth = 0;
    train_table(
        f, [=](Var<double> leaf) { return nll_loss(leaf, kRight, beta, unit); }, kSteps, kRate,
        [&](int64_t step, const Tensor<double>& now) {
          if (step == kSteps / 10) at_tenth = gap_of(now);
          if (step < 10 || (step & (step - 1)) != 0) return;
          trained.x.push_back(std::log10(static_cast<double>(step)));
          trained.y.push_back(gap_of(now));
          flow.x.push_back(trained.x.back());
          flow.y.push_back(nll_gap(beta, kLabels, kRate * static_cast<double>(step)));
        });
    const std::string one_step = "one step of descent ahead of the flow, 0.1";
    found.measurements.push_back(within_bound(message("gap after ", kSteps, " steps, β = ", beta),
                                              nll_gap(beta, kLabels, kRate * kSteps), gap_of(f),
                                              kRate, one_step));
    const double decade =
        nll_gap(beta, kLabels, kRate * kSteps) - nll_gap(beta, kLabels, kRate * kSteps / 10);
    found.measurements.push_back(within_bound(
        message("its growth in the last decade, β = ", beta, " (log 10 / β in the end)"), decade,
        gap_of(f) - at_tenth, kRate, one_step));
    flow.name = message("flow, β = ", beta);
    chart.series.push_back(trained);
    chart.series.push_back(flow);
  }
  found.figures.push_back({draw(chart),
                           "The gap grows like (log t)/β: a small β makes it "
                           "larger, and nothing stops it. Dashed: the closed form."});

  // NLL / beta -> perceptron: never below it, and above it by log n / beta at most.
  Rng rng(options.seed);
  io::Table limit{{"β", "largest excess over the perceptron loss", "log n / β"}, {}, ""};
  Tensor<double> f({500, kLabels});
  for (double& v : f.values()) v = 2 * rng.normal();
  const std::vector<int32_t> labels(500, 0);
  for (const double beta : {0.5, 2.0, 8.0, 32.0}) {
    Tape<double> tape;
    const Var<double> soft = nll_loss(tape.constant(f), labels, beta, NllUnit::energy);
    const Var<double> hard = perceptron_loss(tape.constant(f), labels);
    double least = 1e300, most = 0;
    for (int64_t i = 0; i < 500; ++i) {
      least = std::min(least, soft.data()[i] - hard.data()[i]);
      most = std::max(most, soft.data()[i] - hard.data()[i]);
    }
    const double bound = std::log(static_cast<double>(kLabels)) / beta;
    limit.rows.push_back({number(beta), number(most), number(bound)});
    found.measurements.push_back(
        at_most(message("NLL/β minus perceptron, at most log n / β, β = ", beta), bound, most,
                1e-12, "rounding"));
    found.measurements.push_back(
        at_least(message("NLL/β minus perceptron, never negative, β = ", beta), 0, least, 1e-12,
                 "rounding"));
  }
  limit.caption = "500 random energies of 5 labels.";
  found.tables.push_back(limit);
  found.remarks = {
      "Beta only rescales the energies: the gap needed for a given probability is (log odds)/β.",
      "So a small β does not temper the blow-up, it enlarges it; what a finite gap takes is a "
      "margin, a penalty, smoothed or noisy labels."};
  return found;
}

}  // namespace

Experiment beta_sweep() {
  return {
      "E3",
      "beta-sweep",
      "The inverse temperature scales energies, it does not temper them",
      "A popular answer says that the NLL's blow-up is tempered by a smaller β. Is it? And "
      "what does the NLL become as β grows?",
      "One number an energy, five labels, one sure label, plain descent at rate 0.1 on the loss "
      "divided by β. Along the gradient flow the gap D obeys (e^(β D) - 1)/β + 4 D = 5 "
      "t, which predicts it at any time; descent with a finite rate is ahead by one step at "
      "most, for the speed falls with D.",
      "the derivative of the loss before it was divided by β",
      run};
}

}  // namespace talweg::ebm::lab
