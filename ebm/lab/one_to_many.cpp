// E6: y = +-sqrt(x): regression answers the mean, the energy keeps both answers.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/io/svg.h"
#include "core/ops/reduce.h"
#include "core/rng.h"
#include "ebm/energies/learned.h"
#include "ebm/lab/experiments.h"
#include "ebm/losses/label_losses.h"
#include "ebm/minima.h"
#include "ebm/quadrature.h"
#include "nn/activations.h"
#include "nn/optim.h"

namespace talweg::ebm::lab {
namespace {

// Training is in float, which has the fast kernels; what is measured of the result, in double.
using V = Var<float>;

constexpr int64_t kSamples = 1024, kBatch = 128;
constexpr int64_t kPlaces = 25;  // the grid of answers, for the exact Z while training
constexpr double kReach = 1.6, kNoise = 0.1;
constexpr int kRepeats = 12;
const std::vector<double> kAsked{0.25, 0.5, 0.81};

struct Samples {
  Tensor<float> x, y;
  std::vector<int32_t> place;  ///< of the grid, next to y
};

double place(int64_t i) {
  return -kReach + 2 * kReach * static_cast<double>(i) / static_cast<double>(kPlaces - 1);
}

Samples draw_samples(Rng rng) {
  Samples s{Tensor<float>({kSamples, 1}), Tensor<float>({kSamples, 1}), {}};
  for (int64_t i = 0; i < kSamples; ++i) {
    const double x = rng.uniform(0.04, 1);
    const double y = (rng.uniform() < 0.5 ? -1 : 1) * std::sqrt(x) + kNoise * rng.normal();
    s.x[i] = static_cast<float>(x);
    s.y[i] = static_cast<float>(y);
    const auto at = std::lround((y + kReach) / (2 * kReach) * static_cast<double>(kPlaces - 1));
    s.place.push_back(static_cast<int32_t>(std::clamp<long>(at, 0, kPlaces - 1)));
  }
  return s;
}

/// Descends on `loss` for so many steps, with a rate that falls to 0.
template <class Loss>
void train(nn::Parameters<float>& parameters, int64_t steps, double rate, Loss loss) {
  nn::AdamW<float> optimizer(parameters, {.weight_decay = 0});
  Tape<float> tape;
  auto context = nn::Context<float>::for_training(tape, parameters, Rng(1));
  for (int64_t step = 0; step < steps; ++step) {
    TapeScope<float> scope(tape);
    context.begin_step();
    tape.backward(loss(context, step));
    const double left = 1 - static_cast<double>(step) / static_cast<double>(steps);
    optimizer.step(context, rate * left);
  }
}

/// The two models, in either scalar type.
template <class T> struct Models {
  nn::Parameters<T> regression_parameters, parameters;
  PredictionEnergy<T> regression;
  NetworkEnergy<T> network;

  explicit Models(Rng rng)
      : regression(nn::mlp(regression_parameters, "g", {{1, 16, 1}}, nn::Activation::tanh, rng)),
        network(nn::mlp(parameters, "energy", {{2, 24, 24, 1}}, nn::Activation::tanh, rng)) {}
};

void copy_values(const nn::Parameters<float>& from, nn::Parameters<double>& to) {
  for (int id = 0; id < from.size(); ++id) {
    std::copy_n(from[id].value.data(), from[id].value.size(), to[id].value.data());
  }
}

/// The samples [first, first + kBatch) of a step, in turn.
Samples batch_of(const Samples& all, int64_t step) {
  const int64_t first = step * kBatch % kSamples;
  const auto part = [&](const Tensor<float>& t) {
    return Tensor<float>({kBatch, 1}, t.values().subspan(std::size_t(first), std::size_t(kBatch)));
  };
  return {
      part(all.x), part(all.y), {all.place.begin() + first, all.place.begin() + first + kBatch}};
}

/// Trains both on the samples.
void train_models(Models<float>& models, const Samples& data, bool fault) {
  train(models.regression_parameters, 250, 0.02, [&](nn::Context<float>& context, int64_t) {
    Tape<float>& tape = context.tape();
    return mean(
        models.regression.in(context)({tape.borrow(data.y, false), tape.borrow(data.x, false)}));
  });
  Tensor<float> candidates({kPlaces, 1});
  for (int64_t i = 0; i < kPlaces; ++i) candidates[i] = static_cast<float>(place(i));
  train(models.parameters, 400, 0.02, [&](nn::Context<float>& context, int64_t step) {
    Tape<float>& tape = context.tape();
    const Samples batch = batch_of(data, step);
    const V f = all_energies(models.network.in(context), tape.constant(batch.x),
                             tape.borrow(candidates, false));
    // The fault: log Z is dropped, which leaves positives alone (squared, to have a floor).
    return fault ? mean(square(pick(f, batch.place))) : mean(nll_loss(f, batch.place));
  });
}

Energy<double> at_x(const Energy<double>& energy, double x) {
  return given<double>(energy, Tensor<double>({1, 1}, x));
}

/// The least energy among the minima that training saw the place of.
double lowest_inside(const std::vector<Minimum>& minima) {
  for (const Minimum& m : minima) {  // sorted by energy
    if (std::abs(m.y[0]) <= kReach) return m.energy;
  }
  return 0;
}

/// What one repeat measures at each asked x.
struct Seen {
  std::vector<double> regression, upper, lower, minima, mass_above;
};

Seen measure(Rng rng, bool fault, std::string* map) {
  Models<float> trained(rng.split(1));
  train_models(trained, draw_samples(rng.split(0)), fault);
  Models<double> models(rng.split(1));
  copy_values(trained.regression_parameters, models.regression_parameters);
  copy_values(trained.parameters, models.parameters);

  Seen seen;
  const Energy<double> held = models.network.frozen(models.parameters);
  const Energy<double> regression = models.regression.frozen(models.regression_parameters);
  for (const double x : kAsked) {
    const Descent<double> mean_answer =
        descend(at_x(regression, x), {Tensor<double>({1, 1}, 1.0)}, Over::y);
    seen.regression.push_back(mean_answer.y[0]);
    Tensor<double> starts({9, 1});
    for (int64_t i = 0; i < 9; ++i) starts[i] = -1.2 + 0.3 * static_cast<double>(i);
    const Minima found = all_minima(at_x(held, x), starts, {.descent = {.max_steps = 300}});
    int inside = 0;
    double upper = std::nan(""), lower = std::nan("");
    for (const Minimum& m : found.minima) {
      // Beyond what training saw, or a dent whose density is under a twentieth of the highest.
      if (std::abs(m.y[0]) > kReach) continue;
      if (m.energy > lowest_inside(found.minima) + std::log(20.0)) continue;
      ++inside;
      double& side = m.y[0] > 0 ? upper : lower;
      if (std::isnan(side)) side = m.y[0];  // sorted by energy: the lowest on its side
    }
    seen.minima.push_back(inside);
    seen.upper.push_back(upper);
    seen.lower.push_back(lower);
    const Quadrature p = integrate(at_x(held, x), 1, {{-kReach, kReach}}, {.tolerance = 1e-6});
    std::vector<double> above;
    for (const double y : p.points.values()) above.push_back(y > 0 ? 1 : 0);
    seen.mass_above.push_back(p.expectation(above));
  }
  if (map) {
    constexpr int rows = 49, cols = 49;
    Tensor<double> x({rows * cols, 1}), y({rows * cols, 1});
    for (int i = 0; i < rows * cols; ++i) {
      const int row = i / cols, col = i % cols;
      x[i] = 0.02 + 0.98 * col / (cols - 1);
      y[i] = 1.5 - 3.0 * row / (rows - 1);
    }
    io::MatrixPanel panel{.title = "F(x, y) learned by the exact NLL",
                          .x_label = "x",
                          .y_label = "y",
                          .rows = rows,
                          .cols = cols,
                          .cell_width = 8,
                          .cell_height = 8};
    const Tensor<double> e = evaluate(held, y, x);
    for (const double v : e.values()) panel.values.push_back(static_cast<float>(std::min(v, 1e6)));
    *map = draw(panel);
  }
  return seen;
}

Findings run(const RunOptions& options) {
  Findings found;
  std::vector<Seen> repeats;
  std::string map;
  for (int r = 0; r < kRepeats; ++r) {
    repeats.push_back(
        measure(Rng(options.seed).split(uint64_t(r)), options.fault, r == 0 ? &map : nullptr));
  }
  found.figures.push_back({map, "Two valleys along y = ±√x, each an answer."});
  const auto over = [&](auto member, std::size_t i) {
    std::vector<double> values;
    for (const Seen& s : repeats) values.push_back((s.*member)[i]);
    return values;
  };
  io::Table shares{{"x", "regression's answer", "a minimum", "probability of y > 0"},
                   {},
                   message("How many samples at x itself would scatter as the fits do over ",
                           kRepeats, " repeats, of ", kSamples, " spread over x: measured.")};
  io::Series upper{.name = "minima above", .points = true},
      lower{.name = "minima below", .points = true},
      regression{.name = "regression", .points = true};
  for (std::size_t i = 0; i < kAsked.size(); ++i) {
    const double x = kAsked[i], root = std::sqrt(x);
    const std::string at = message(", x = ", x);
    const Estimate g = estimate(over(&Seen::regression, i));
    found.measurements.push_back(within_repeats("regression's answer" + at, 0, g));
    const std::vector<double> answers = over(&Seen::minima, i);
    const auto [fewest, most] = std::minmax_element(answers.begin(), answers.end());
    found.measurements.push_back(
        within_bound("answers (minima of density 1/20 of the highest or more), fewest" + at, 2,
                     *fewest, 0, "a count in 12 repeats"));
    found.measurements.push_back(within_bound("answers, most" + at, 2, *most, 0, "the same"));
    const Estimate up = estimate(over(&Seen::upper, i)), down = estimate(over(&Seen::lower, i));
    found.measurements.push_back(within_repeats("upper minimum, √x" + at, root, up));
    found.measurements.push_back(within_repeats("lower minimum, −√x" + at, -root, down));
    const Estimate mass = estimate(over(&Seen::mass_above, i));
    found.measurements.push_back(within_repeats("probability of y > 0" + at, 0.5, mass));
    // A mean of n samples at x would have the variance (x + noise^2)/n, the share of n coins 1/4n.
    const auto worth = [](double variance_of_one, const Estimate& e) {
      return variance_of_one / (e.standard_error * e.standard_error * kRepeats);
    };
    shares.rows.push_back({number(x), number(worth(x + kNoise * kNoise, g)),
                           number(worth(kNoise * kNoise, up) * 2), number(worth(0.25, mass))});
    for (auto [series, value] : {std::pair(&upper, up.mean), std::pair(&lower, down.mean),
                                 std::pair(&regression, g.mean)}) {
      series->x.push_back(x);
      series->y.push_back(value);
    }
  }
  found.tables.push_back(std::move(shares));
  io::Series above{.name = "√x", .dashed = true}, below{.name = "−√x", .dashed = true};
  for (int i = 0; i <= 40; ++i) {
    const double x = 0.04 + 0.96 * i / 40;
    above.x.push_back(x);
    above.y.push_back(std::sqrt(x));
    below.x.push_back(x);
    below.y.push_back(-std::sqrt(x));
  }
  found.figures.push_back({draw(io::LineChart{.title = "Answers",
                                              .x_label = "x",
                                              .y_label = "y",
                                              .series = {above, below, upper, lower, regression}}),
                           "Regression answers the mean of both, which is neither."});
  found.remarks = {
      "Squared error learns the conditional mean, 0, an answer that never occurs; the energy keeps "
      "both, and its Gibbs distribution gives each half.",
      "Not every other model averages: absolute error learns a median, and a softmax over answers "
      "is "
      "the NLL used here."};
  return found;
}

}  // namespace

Experiment one_to_many() {
  return {
      "E6",
      "one-to-many",
      "One x, two answers: y = ±√x",
      "How can an energy represent a mapping from one x to many y, and what does regression do?",
      "1,024 samples of y = ±√x with noise 0.1, 12 repeats. |y - g(x)|² is trained on "
      "them "
      "(regression), and an MLP energy by the NLL whose Z is summed over 25 places. Then all "
      "minima of F(x, .) are counted at three x (those with a density of a twentieth of the "
      "highest or more), and the Gibbs distribution is integrated. "
      "How much one x learns from samples at others is measured, by the repeats' own scatter: "
      "tolerances are Student's over the 12.",
      "log Z is dropped from the NLL, which leaves positives alone",
      run};
}

}  // namespace talweg::ebm::lab
