// E10: Langevin's bias is of the step's size; Metropolis' rule takes it away.
#include <cmath>

#include "core/error.h"
#include "core/io/svg.h"
#include "ebm/energies/double_well.h"
#include "ebm/lab/experiments.h"
#include "ebm/quadrature.h"
#include "ebm/sampling/diagnostics.h"
#include "ebm/sampling/langevin.h"

namespace talweg::ebm::lab {
namespace {

constexpr int64_t kChains = 4096;
constexpr double kBeta = 2, kStiffness = 1.5;
const DoubleWell::Form kWell{.barrier = 0.5};
constexpr double kLargest = 0.08;  // step in the double well; a quartic throws Langevin out beyond

struct Sampled {
  MeanEstimate square;  // of y_1
  double acceptance;
};

/// The mean of y_1^2 over chains of S, after burn-in.
template <class S>
Sampled sample(const Quartic& quartic, double step, double deviation, uint64_t seed) {
  S sampler(quartic_force<float>(quartic), normal_start<float>(kChains, 1, deviation, seed),
            {.beta = kBeta, .step = step, .seed = seed});
  const auto span = std::max<int64_t>(1, std::lround(0.5 / step));  // about half a relaxation
  sampler.advance(20 * span);
  Tensor<double> squares({20, kChains});
  for (int64_t i = 0; i < 20; ++i) {
    sampler.advance(span);
    for (int64_t c = 0; c < kChains; ++c) {
      squares[i * kChains + c] = std::pow(double(sampler.points()[c]), 2);
    }
  }
  return {estimate_mean(squares), sampler.acceptance()};
}

double ula_variance(double step, bool fault) {
  const double bias = step * kStiffness / 2;
  return 1 / (kBeta * kStiffness * (fault ? 1 + bias : 1 - bias));
}

void gaussian_part(const RunOptions& options, Findings& found) {
  const Quartic gaussian = quartic_of_gaussian(kStiffness, 1);
  const double exact = 1 / (kBeta * kStiffness);
  io::Series ula{.name = "Langevin"}, mala{.name = "MALA"};
  io::Series curve{.name = "1/(βk(1 − εk/2))", .dashed = true};
  io::Series level{.name = "1/(βk)", .dashed = true};
  for (double x = 0.02; x < 1.61; x += 0.02) {
    curve.x.push_back(x);
    curve.y.push_back(ula_variance(x / kStiffness, options.fault));
  }
  level.x = {0.02, 1.6};
  level.y = {exact, exact};
  uint64_t seed = seed_of_part(options.seed, 10);
  for (const double step_k : {0.1, 0.4, 0.8, 1.2, 1.6}) {
    const double step = step_k / kStiffness;
    const Sampled biased = sample<Langevin<float>>(gaussian, step, std::sqrt(exact), ++seed);
    const Sampled unbiased = sample<Mala<float>>(gaussian, step, std::sqrt(exact), ++seed);
    add_point(ula, step_k, biased.square.mean, biased.square.standard_error);
    add_point(mala, step_k, unbiased.square.mean, unbiased.square.standard_error);
    found.measurements.push_back(within_errors(message("Langevin's variance at εk = ", step_k),
                                               ula_variance(step, options.fault),
                                               biased.square.mean, biased.square.standard_error));
    found.measurements.push_back(within_errors(message("MALA's variance at εk = ", step_k), exact,
                                               unbiased.square.mean,
                                               unbiased.square.standard_error));
  }
  found.figures.push_back(
      {draw(io::LineChart{.title = "Variance in a Gaussian bowl, β = 2, k = 1.5",
                          .x_label = "εk, the step times the stiffness",
                          .y_label = "variance of y",
                          .series = {ula, mala, curve, level}}),
       "Langevin spreads too wide, exactly as the formula says; MALA does not. Bars: 2 standard "
       "errors."});
}

void well_part(const RunOptions& options, Findings& found) {
  const Quartic quartic = quartic_of(kWell, 1);
  const Quadrature exact = integrate(DoubleWell(kWell), kBeta, {Interval{}});
  std::vector<double> squares;
  for (const double y : exact.points.values()) squares.push_back(y * y);
  const double expected = exact.expectation(squares);
  io::Series ula{.name = "Langevin"}, mala{.name = "MALA"};
  io::Series level{.name = "exact, by quadrature", .dashed = true};
  io::Table table{{"step", "Langevin's bias of <y²>", "standard error", "MALA's", "standard error",
                   "MALA's acceptance"},
                  {},
                  "The double well: bias of <y²> against quadrature."};
  uint64_t seed = seed_of_part(options.seed, 20);
  double first_bias = 0;
  for (const double step : {kLargest, kLargest / 2, kLargest / 4, kLargest / 8}) {
    const Sampled biased = sample<Langevin<float>>(quartic, step, 0.4, ++seed);
    const Sampled unbiased = sample<Mala<float>>(quartic, step, 0.4, ++seed);
    add_point(ula, step, biased.square.mean, biased.square.standard_error);
    add_point(mala, step, unbiased.square.mean, unbiased.square.standard_error);
    const double bias = biased.square.mean - expected;
    const double error = biased.square.standard_error;
    if (step == kLargest) {
      first_bias = bias;
      found.measurements.push_back(at_least("Langevin's |bias| there at ε = 0.08 can be seen",
                                            8 * error, std::abs(bias), 0, "8 standard errors"));
    }
    table.rows.push_back({number(step), number(bias), number(biased.square.standard_error),
                          number(unbiased.square.mean - expected),
                          number(unbiased.square.standard_error), number(unbiased.acceptance)});
    found.measurements.push_back(
        within_errors(message("MALA's <y²> in the double well at ε = ", step), expected,
                      unbiased.square.mean, unbiased.square.standard_error));
    if (step == kLargest / 8) {
      found.measurements.push_back(
          at_most("Langevin's |bias| at ε = 0.01, against a quarter of that at 0.08",
                  std::abs(first_bias) / 4, std::abs(bias), 4 * error,
                  "4 standard errors; a bias of first order falls to an eighth"));
    }
  }
  level.x = {kLargest / 8, kLargest};
  level.y = {expected, expected};
  found.figures.push_back({draw(io::LineChart{.title = "<y²> in a double well, β = 2",
                                              .x_label = "step ε",
                                              .y_label = "mean of y²",
                                              .series = {ula, mala, level}}),
                           "The same where no formula is known. Bars: 2 standard errors."});
  found.tables.push_back(std::move(table));
}

Findings run(const RunOptions& options) {
  Findings found;
  gaussian_part(options, found);
  well_part(options, found);
  found.remarks = {
      "Langevin's samples are those of a somewhat hotter energy: in a bowl of stiffness k the "
      "variance is too large by 1/(1 - εk/2), and from εk = 2 on there is none.",
      "More steps do not help: the bias is of the stationary distribution itself. A smaller step, "
      "a decaying one, or Metropolis' rule (MALA) does."};
  return found;
}

}  // namespace

Experiment step_size_bias() {
  return {
      "E10",
      "step-size-bias",
      "Langevin is biased by its step's size, MALA is not",
      "Does y ← y − ε∇E + √(2ε/β) ξ sample e^(−βE), if it runs for long enough?",
      "4,096 chains in a Gaussian bowl, where the stationary variance is known for every step, "
      "1/(βk(1 − εk/2)) for Langevin and 1/(βk) for MALA; and in a double well, where quadrature "
      "gives the mean of y². Standard errors from effective sample sizes.",
      "the predicted variance has 1 + εk/2 for 1 − εk/2",
      run};
}

}  // namespace talweg::ebm::lab
