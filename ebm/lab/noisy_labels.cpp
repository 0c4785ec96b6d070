// E4: the NLL under noisy labels has a finite optimum.
#include <cmath>

#include "core/error.h"
#include "core/io/svg.h"
#include "core/ops/reduce.h"
#include "core/rng.h"
#include "ebm/gibbs.h"
#include "ebm/lab/experiments.h"
#include "ebm/lab/table_training.h"
#include "ebm/losses/label_losses.h"
#include "ebm/losses/negatives.h"

namespace talweg::ebm::lab {
namespace {

constexpr int64_t kSamples = 4000;
const std::vector<double> kChances{0.55, 0.25, 0.15, 0.05};  // q

/// How often each label came in `kSamples` draws.
std::vector<double> draw_frequencies(Rng rng) {
  std::vector<double> frequency(kChances.size(), 0.0);
  for (int64_t i = 0; i < kSamples; ++i) {
    double left = rng.uniform();
    std::size_t k = 0;
    while (k + 1 < kChances.size() && left >= kChances[k]) left -= kChances[k++];
    frequency[k] += 1.0 / kSamples;
  }
  return frequency;
}

/// The mean NLL over the samples; or, as the fault, with the right label left out of Z.
Var<double> mean_loss(Var<double> f, const std::vector<double>& frequency, double beta,
                      bool fault) {
  if (!fault) {
    const Tensor<double> q({1, std::ssize(frequency)}, frequency);
    return soft_nll_loss(f, q, beta, NllUnit::energy);
  }
  Var<double> total = f.tape().full({1}, 0.0);
  for (std::size_t k = 0; k < frequency.size(); ++k) {
    const std::vector<int32_t> label{static_cast<int32_t>(k)};
    const Var<double> gap = pick(f, label) - free_energy(wrong_energies(f, label), beta);
    total = total + scale(gap, frequency[k]);
  }
  return total;
}

Findings run(const RunOptions& options) {
  Findings found;
  io::LineChart chart{.title = "Energies while training, β = 1",
                      .x_label = "log10 of the steps",
                      .y_label = "energy minus that of label 0"};
  for (const double beta : {0.5, 1.0, 2.0}) {
    const std::vector<double> frequency = draw_frequencies(Rng(options.seed).split(1));
    Tensor<double> f({1, std::ssize(kChances)});
    std::vector<io::Series> lines(3);
    const double rate = 0.5 / beta;  // the loss' curvature is beta / 4 at most on each axis
    train_table(
        f, [&](Var<double> leaf) { return mean_loss(leaf, frequency, beta, options.fault); }, 3000,
        rate,
        [&](int64_t step, const Tensor<double>& now) {
          if (beta != 1 || (step & (step - 1)) != 0) return;
          for (std::size_t k = 0; k < 3; ++k) {
            lines[k].x.push_back(std::log10(static_cast<double>(step)));
            lines[k].y.push_back(now[int64_t(k) + 1] - now[0]);
          }
        });
    for (std::size_t k = 1; k < kChances.size(); ++k) {
      const double predicted = -std::log(kChances[k] / kChances[0]) / beta;
      // The log of a ratio of two counts: variance 1/n_k + 1/n_0.
      const double error =
          std::sqrt((1 / kChances[k] + 1 / kChances[0]) / static_cast<double>(kSamples)) / beta;
      found.measurements.push_back(
          within_errors(message("F", k, " - F0 = -log(q", k, "/q0)/β, β = ", beta), predicted,
                        f[int64_t(k)] - f[0], error));
      if (beta != 1) continue;
      lines[k - 1].name = message("label ", k, ", q = ", kChances[k]);
      chart.series.push_back(lines[k - 1]);
      chart.series.push_back(
          {.name = {}, .x = {0, std::log10(3000.0)}, .y = {predicted, predicted}, .dashed = true});
    }
  }
  found.figures.push_back(
      {draw(chart), "With labels drawn from q the energies settle at -log q. Dashed: predicted."});
  found.remarks = {
      "With labels that are not sure, as in one-to-many data, the NLL does not push anything to "
      "infinity: the energies become -(1/β) log q, up to a common level that it does not see.",
      "The push on a label is its frequency minus its probability, over all labels, the right one "
      "among them; it is 0 where the two agree."};
  return found;
}

}  // namespace

Experiment noisy_labels() {
  return {
      "E4",
      "noisy-labels",
      "Under noisy labels the NLL's optimum is finite",
      "A popular answer says that the NLL sends the right answer's energy to minus infinity and "
      "all others to plus infinity. Does it, if labels are noisy?",
      "Four labels drawn 4,000 times from q = (.55, .25, .15, .05), one number an energy, descent "
      "on the mean NLL at β = 0.5, 1 and 2. The optimum is F = -(1/β) log q + c; what the "
      "finite sample adds has the standard error sqrt(1/n_k + 1/n_0)/β.",
      "Z is summed over the wrong labels only, as some derivations have it",
      run};
}

}  // namespace talweg::ebm::lab
