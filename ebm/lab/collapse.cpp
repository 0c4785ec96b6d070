// E1: pushing down on positives alone: what collapses, by architecture, and each cure.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/io/svg.h"
#include "core/ops/reduce.h"
#include "core/rng.h"
#include "ebm/energies/learned.h"
#include "ebm/lab/experiments.h"
#include "ebm/lab/table_training.h"
#include "ebm/losses/label_losses.h"
#include "ebm/losses/negatives.h"
#include "ebm/losses/pair_losses.h"
#include "ebm/regularizers.h"
#include "nn/activations.h"
#include "nn/optim.h"

namespace talweg::ebm::lab {
namespace {

using V = Var<double>;

// --- the freest energy: one number a label ---

void unbounded(Findings& found, bool fault) {
  constexpr int64_t labels = 4, steps = 400;
  constexpr double rate = 0.05, lambda = 0.1;
  const std::vector<int32_t> right{0};
  const auto good = [=](V f) { return pick(f, right); };
  const auto worst = [=](V f) { return pick(f, most_offending(f, right)); };
  struct Way {
    const char* name;
    TableLoss loss;
  };
  // The fault: a push on the positive with the wrong sign.
  const double sign = fault ? -1 : 1;
  const std::vector<Way> ways = {
      {"positives alone", [=](V f) { return scale(energy_loss(good(f)), sign); }},
      {"with an L2 of the energy",
       [=](V f) { return scale(good(f), sign) + lambda * square(good(f)); }},
      {"hinge, m = 1", [=](V f) { return hinge_loss(good(f), worst(f), 1); }},
      {"square-square, m = 1", [=](V f) { return square_square_loss(good(f), worst(f), 1); }},
      {"NLL", [=](V f) { return nll_loss(f, right); }},
  };
  io::LineChart chart{.title = "One number a label: the right answer's energy",
                      .x_label = "steps",
                      .y_label = "F(y)"};
  std::vector<Tensor<double>> ends;
  for (const Way& way : ways) {
    Tensor<double> f({1, labels});
    io::Series line{.name = way.name};
    train_table(f, way.loss, steps, rate, [&](int64_t step, const Tensor<double>& now) {
      if (step % 8 != 0) return;
      line.x.push_back(static_cast<double>(step));
      line.y.push_back(now[0]);
    });
    chart.series.push_back(line);
    ends.push_back(f);
  }
  const auto gap = [&](std::size_t i) {
    return *std::min_element(ends[i].data() + 1, ends[i].data() + labels) - ends[i][0];
  };
  found.measurements.push_back(within_bound("table, positives alone: F(y) after 400 steps, -rate t",
                                            -rate * steps, ends[0][0], 1e-9, "rounding"));
  // f <- (1 - 2 rate lambda) f - rate, to -1/(2 lambda).
  const double left = std::pow(1 - 2 * rate * lambda, steps);
  found.measurements.push_back(within_bound("table, with λ F²: F(y), nearing -1/(2 λ) = -5",
                                            -(1 - left) / (2 * lambda), ends[1][0], 1e-9,
                                            "rounding: a linear recursion"));
  found.measurements.push_back(
      within_bound("table, hinge: gap", 1, gap(2), 2 * rate, "the pull of one step on both"));
  found.measurements.push_back(within_bound("table, square-square: gap", 1, gap(3), 2 * rate,
                                            "the pull of one step on both"));
  found.measurements.push_back(within_bound("table, NLL: gap", nll_gap(1, labels, rate * steps),
                                            gap(4), rate, "one step of descent ahead of the flow"));
  found.figures.push_back({draw(chart),
                           "An energy that nothing bounds falls for ever under "
                           "positives alone."});
}

// --- two linear embeddings: collapse in closed form ---

/// E = (a x - b y)^2 over correlated numbers of variance 1.
void linear_embeddings(Findings& found, uint64_t seed, bool fault) {
  constexpr double correlation = 0.8, rate = 0.05;
  constexpr int64_t samples = 400, steps = 300;
  Rng rng(seed);
  double xx = 0, xy = 0, yy = 0;
  Tensor<double> x({samples, 1}), y({samples, 1});
  for (int64_t i = 0; i < samples; ++i) {
    x[i] = rng.normal();
    y[i] = correlation * x[i] + std::sqrt(1 - correlation * correlation) * rng.normal();
    xx += x[i] * x[i] / samples;
    xy += x[i] * y[i] / samples;
    yy += y[i] * y[i] / samples;
  }
  Tensor<double> weights({2}, std::vector<double>{1.0, 0.4});
  double a = weights[0], b = weights[1];  // the prediction: descent on the moments
  io::Series measured{.name = "a, b by descent on samples"},
      predicted{.name = "linear recursion", .dashed = true};
  Tape<double> tape;
  for (int64_t step = 1; step <= steps; ++step) {
    TapeScope<double> scope(tape);
    const V w = tape.borrow(weights, true);
    const V f = tape.borrow(x, false) * slice(w, 0, 0, 1);
    const V g = tape.borrow(y, false) * slice(w, 0, 1, 1);
    const V loss = mean(energy_loss(reshape(square(f - g), {samples})));
    tape.backward(loss);
    for (int64_t i = 0; i < 2; ++i) {
      weights[i] -= (fault ? -rate : rate) * w.grad_view()[std::size_t(i)];
    }
    const double da = 2 * (a * xx - b * xy), db = 2 * (b * yy - a * xy);
    a -= rate * da;
    b -= rate * db;
    if (step % 5 != 0) continue;
    measured.x.push_back(static_cast<double>(step));
    measured.y.push_back(std::hypot(weights[0], weights[1]));
    predicted.x.push_back(static_cast<double>(step));
    predicted.y.push_back(std::hypot(a, b));
  }
  const double half = steps / 2.0;
  found.measurements.push_back(within_bound(
      "linear embeddings: length of (a, b) after 300 steps, by the recursion on second moments",
      std::hypot(a, b), std::hypot(weights[0], weights[1]), 1e-9, "rounding"));
  // In the long run the slow eigenvalue is left: of [[xx, -xy], [-xy, yy]].
  const double slow = (xx + yy) / 2 - std::hypot((xx - yy) / 2, xy);
  const std::size_t middle = measured.y.size() / 2 - 1, end = measured.y.size() - 1;
  const double decay =
      std::log(measured.y[end] / measured.y[middle]) / (measured.x[end] - measured.x[middle]);
  const double fast = (xx + yy) / 2 + std::hypot((xx - yy) / 2, xy);
  found.measurements.push_back(within_bound(
      "linear embeddings: rate of the collapse, log(1 - 2 rate (1 - correlation)), of the sample",
      std::log(1 - 2 * rate * slow), decay,
      std::pow((1 - 2 * rate * fast) / (1 - 2 * rate * slow), half),
      "what is left of the fast direction after 150 steps"));
  io::LineChart chart{.title = "|f(x) - g(y)|² with f = a x, g = b y, positives alone",
                      .x_label = "steps",
                      .y_label = "length of (a, b)",
                      .series = {measured, predicted},
                      .log_y = true};
  found.figures.push_back({draw(chart),
                           "Two embeddings agree best when both are the constant 0: the "
                           "collapse is exponential."});
}

// --- networks: y is x's sine, with noise ---

struct Samples {
  Tensor<double> x, y;
};

constexpr int64_t kSamples = 128;
constexpr double kNoise = 0.1;

Samples draw_samples(Rng rng) {
  Samples s{Tensor<double>({kSamples, 1}), Tensor<double>({kSamples, 1})};
  for (int64_t i = 0; i < kSamples; ++i) {
    s.x[i] = rng.uniform(-1, 1);
    s.y[i] = std::sin(3 * s.x[i]) + kNoise * rng.normal();
  }
  return s;
}

/// The energies over -2 <= y <= 2 (rows, from 2 down) and -1 <= x <= 1.
constexpr int kRows = 33, kCols = 41;

Tensor<double> energy_grid(const Energy<double>& energy) {
  Tensor<double> x({kRows * kCols, 1}), y({kRows * kCols, 1});
  for (int i = 0; i < kRows * kCols; ++i) {
    const int row = i / kCols, col = i % kCols;
    x[i] = -1 + 2.0 * col / (kCols - 1);
    y[i] = 2 - 4.0 * row / (kRows - 1);
  }
  return evaluate(energy, y, x);
}

double deviation(const Tensor<double>& e) {
  double mean = 0, square = 0;
  for (double v : e.values()) mean += v / static_cast<double>(e.size());
  for (double v : e.values()) square += (v - mean) * (v - mean) / static_cast<double>(e.size());
  return std::sqrt(square);
}

std::string panel(std::string title, const Tensor<double>& e) {
  io::MatrixPanel p{.title = std::move(title),
                    .x_label = "x",
                    .y_label = "y",
                    .rows = kRows,
                    .cols = kCols,
                    .cell_width = 7,
                    .cell_height = 7};
  for (double v : e.values()) p.values.push_back(static_cast<float>(v));
  return draw(p);
}

/// Trains on loss(right energies, wrong energies), the wrong answers uniform in [-2, 2].
template <class Loss>
void train(const LearnedEnergy<double>& energy, nn::Parameters<double>& parameters,
           const Samples& data, int64_t steps, Rng rng, Loss loss) {
  nn::AdamW<double> optimizer(parameters, {.weight_decay = 0});
  Tape<double> tape;
  auto context = nn::Context<double>::for_training(tape, parameters, rng.split(0));
  const auto negatives = uniform_negatives<double>(-2, 2, rng);
  for (int64_t step = 0; step < steps; ++step) {
    TapeScope<double> scope(tape);
    context.begin_step();
    const Tensor<double> wrong = negatives(energy.frozen(parameters), data.y, data.x);
    const V x = tape.borrow(data.x, false);
    const V good = energy.in(context)({tape.borrow(data.y, false), x});
    const V bad = energy.in(context)({tape.borrow(wrong, false), x});
    tape.backward(mean(loss(good, bad)));
    optimizer.step(context, 0.01 * (1 - static_cast<double>(step) / static_cast<double>(steps)));
  }
}

EmbeddingEnergy<double> embeddings(nn::Parameters<double>& parameters, Rng& rng) {
  return {nn::mlp(parameters, "f", {{1, 16, 4}}, nn::Activation::tanh, rng),
          nn::mlp(parameters, "g", {{1, 16, 4}}, nn::Activation::tanh, rng)};
}

/// What a repeat makes of the embeddings.
struct Trained {
  double log_spread;  ///< log10 of the energies' deviation over the square, after by before
  double contrast;    ///< mean energy of the square minus that of fresh right answers
  Tensor<double> grid;
};

template <class Loss> Trained train_embeddings(uint64_t seed, Loss loss) {
  nn::Parameters<double> parameters;
  Rng rng(seed);
  const EmbeddingEnergy<double> energy = embeddings(parameters, rng);
  const double before = deviation(energy_grid(energy.frozen(parameters)));
  train(energy, parameters, draw_samples(Rng(seed).split(1)), 250, Rng(seed).split(2), loss);
  Trained t{0, 0, energy_grid(energy.frozen(parameters))};
  t.log_spread = std::log10(deviation(t.grid) / before);
  const Samples fresh = draw_samples(Rng(seed).split(3));
  const Tensor<double> right = evaluate(energy.frozen(parameters), fresh.y, fresh.x);
  for (double v : t.grid.values()) t.contrast += v / static_cast<double>(t.grid.size());
  for (double v : right.values()) t.contrast -= v / static_cast<double>(right.size());
  return t;
}

void mlp_embeddings(Findings& found, uint64_t seed, bool fault) {
  constexpr uint64_t repeats = 8;
  const double sign = fault ? -1 : 1;
  std::vector<double> spread, contrast;
  Trained last{};
  for (uint64_t r = 0; r < repeats; ++r) {
    last = train_embeddings(seed + r, [](V good, V bad) { return hinge_loss(good, bad, 1); });
    contrast.push_back(std::log10(last.contrast));
  }
  found.figures.push_back({panel("|f(x) - g(y)|², hinge with random negatives", last.grid),
                           "Cured by negatives: a valley along y = sin 3x."});
  for (uint64_t r = 0; r < repeats; ++r) {
    last = train_embeddings(seed + r, [=](V good, V) { return scale(energy_loss(good), sign); });
    spread.push_back(last.log_spread);
  }
  found.figures.push_back({panel("|f(x) - g(y)|², positives alone", last.grid),
                           "Collapsed: note the scale. Every answer is as good as the right one."});
  found.measurements.push_back(clearly_below(
      "MLP embeddings, positives alone: log10 of the energies' deviation over the square, "
      "after by before, falls",
      0, estimate(spread)));
  found.measurements.push_back(
      clearly_above("MLP embeddings, hinge: log10 of the mean energy of all answers less that of "
                    "fresh right ones, "
                    "above log10 m",
                    0, estimate(contrast)));
}

void prediction(Findings& found, uint64_t seed, bool fault) {
  const Samples data = draw_samples(Rng(seed).split(1));
  const double sign = fault ? -1 : 1;
  nn::Parameters<double> parameters;
  Rng rng(seed);
  const PredictionEnergy<double> energy(
      nn::mlp(parameters, "g", {{1, 16, 1}}, nn::Activation::tanh, rng));
  train(energy, parameters, data, 1500, Rng(seed).split(2),
        [=](V good, V) { return scale(energy_loss(good), sign); });
  const Tensor<double> after = energy_grid(energy.frozen(parameters));
  // In each column E = (y - g)^2 over y in [-2, 2], which varies least at g = 0.
  double m2 = 0, m4 = 0;
  for (int r = 0; r < kRows; ++r) {
    const double y = 2 - 4.0 * r / (kRows - 1);
    m2 += y * y / kRows;
    m4 += y * y * y * y / kRows;
  }
  found.measurements.push_back(
      at_least("|y - g(x)|², positives alone: deviation over the square, at least y²'s",
               std::sqrt(m4 - m2 * m2), deviation(after), 1e-9, "rounding"));
  double at_data = 0;
  const Tensor<double> e = evaluate(energy.frozen(parameters), data.y, data.x);
  for (double v : e.values()) at_data += v / kSamples;
  found.measurements.push_back(
      at_most("|y - g(x)|², positives alone: energy at the data, the noise's variance",
              kNoise * kNoise, at_data, 4 * kNoise * kNoise * std::sqrt(2.0 / kSamples),
              "4 standard errors of a mean of squared normals"));
  found.figures.push_back({panel("|y - g(x)|², positives alone", after),
                           "Cannot collapse: in y it is a bowl, wherever g puts it."});
}

Findings run(const RunOptions& options) {
  Findings found;
  unbounded(found, options.fault);
  linear_embeddings(found, options.seed, options.fault);
  mlp_embeddings(found, options.seed, options.fault);
  prediction(found, options.seed, options.fault);
  found.remarks = {
      "Positives alone collapse what the architecture lets collapse: an energy without a floor "
      "falls "
      "for ever, two embeddings become one constant, and a squared error around a prediction does "
      "neither, since its volume of low energy is fixed.",
      "The cures are the three methods: push up elsewhere (hinge, square-square, NLL), limit the "
      "energy (its L2), or choose an architecture whose low-energy volume is limited."};
  return found;
}

}  // namespace

Experiment collapse() {
  return {
      "E1",
      "collapse",
      "Positives alone: what collapses and what does not",
      "What goes wrong when only the energies of right answers are pushed down, and what avoids "
      "it? A popular answer says that every energy becomes low everywhere.",
      "Three architectures under the energy loss: one number a label (falls by the rate each "
      "step), |f(x) - g(y)|² (with f = a x and g = b y a linear recursion, whose slow eigenvalue "
      "is 1 - correlation; with MLPs on y = sin 3x), and |y - g(x)|² (a bowl in y, whatever g). "
      "Then each cure: hinge, square-square, NLL, an L2 of the energy.",
      "the push on positives with its sign flipped",
      run};
}

}  // namespace talweg::ebm::lab
