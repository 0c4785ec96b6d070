// E8: the NLL's gradient, exact and by samples: which estimators are biased, by how much, and how much
// they scatter.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/io/svg.h"
#include "core/ops.h"
#include "ebm/lab/experiments.h"
#include "ebm/losses/sampled_nll.h"
#include "ebm/sampling/langevin.h"

namespace talweg::ebm::lab {
namespace {

constexpr double kBeta = 1, kStep = 0.02, kWide = 1.5;
constexpr int64_t kNegatives = 256, kRepeats = 300;
/// E = a y^4/4 + k y^2/2 + b y: a double well, barrier 1.5, tilted. theta = (a, k, b).
const Quartic kModel{{6.0}, {-6.0}, {0.3}};
constexpr int kCount = 2;  // of the parameters that are followed: k and b
constexpr const char* kNames[kCount] = {"k", "b"};

using Slopes = std::array<double, kCount>;

/// dE/dk = y^2/2 and dE/db = y: their mean over data less that over the model is the gradient.
Slopes features(double y) { return {y * y / 2, y}; }

/// The model on a fine grid: everything here is known to ten digits.
class Grid {
 public:
  static constexpr int64_t kPoints = 801;
  static constexpr double kHigh = 4, kSpacing = 2 * kHigh / (kPoints - 1);
  static double at(int64_t j) { return -kHigh + kSpacing * double(j); }

  Grid() : model_(kPoints) {
    double z = 0;
    for (int64_t j = 0; j < kPoints; ++j) {
      const double y = at(j);
      z += model_[j] = std::exp(-kBeta * (1.5 * y * y * y * y - 3 * y * y + 0.3 * y));
    }
    for (double& p : model_) p /= z;
    for (int64_t j = 0; j < kPoints; ++j) kernel_.push_back(spread_from(at(j)));
  }

  const std::vector<double>& model() const { return model_; }

  Slopes mean(const std::vector<double>& p) const {
    Slopes total{};
    for (int64_t j = 0; j < kPoints; ++j) {
      const Slopes f = features(at(j));
      for (int i = 0; i < kCount; ++i) total[i] += p[j] * f[i];
    }
    return total;
  }

  /// The data's distribution after one Langevin step.
  std::vector<double> step_from(const std::vector<double>& data) const {
    std::vector<double> reached(kPoints);
    for (const double y : data) spread_from(y).add_to(reached, 1.0 / double(data.size()));
    return reached;
  }
  /// A distribution on the grid after one more.
  std::vector<double> step(const std::vector<double>& p) const {
    std::vector<double> reached(kPoints);
    for (int64_t j = 0; j < kPoints; ++j) {
      if (p[j] > 1e-14) kernel_[j].add_to(reached, p[j]);
    }
    return reached;
  }

 private:
  /// Where a Langevin step goes: masses of the grid's points from `first` on.
  struct Spread {
    int64_t first;
    std::vector<double> mass;

    void add_to(std::vector<double>& p, double weight) const {
      for (size_t i = 0; i < mass.size(); ++i) p[size_t(first) + i] += weight * mass[i];
    }
  };

  /// N(y - step dE/dy, 2 step / beta) on the grid, out to 8 deviations.
  static Spread spread_from(double y) {
    const double to = y - kStep * (6 * y * y * y - 6 * y + 0.3);
    const double variance = 2 * kStep / kBeta, reach = 8 * std::sqrt(variance);
    const double scale = kSpacing / std::sqrt(2 * std::numbers::pi * variance);
    const auto low = int64_t(std::ceil((to - reach + kHigh) / kSpacing));
    const auto high = int64_t(std::floor((to + reach + kHigh) / kSpacing));
    Spread s{std::clamp<int64_t>(low, 0, kPoints - 1), {}};
    for (int64_t j = s.first; j <= std::min(kPoints - 1, high); ++j) {
      s.mass.push_back(scale * std::exp(-(at(j) - to) * (at(j) - to) / (2 * variance)));
    }
    return s;
  }

  std::vector<Spread> kernel_;
  std::vector<double> model_;
};

/// The data: quantiles of N(1, 0.3^2), all in the right well, so that there is something to learn.
std::vector<double> quantiles() {
  std::vector<double> y;
  for (int64_t i = 0; i < kNegatives; ++i) {
    const double p = (double(i) + 0.5) / kNegatives;
    double low = -6, high = 6;
    for (int step = 0; step < 60; ++step) {
      const double middle = (low + high) / 2;
      (0.5 * std::erfc(-middle / std::numbers::sqrt2) < p ? low : high) = middle;
    }
    y.push_back(1 + 0.3 * low);
  }
  return y;
}

/// The gradient of `loss(energy)` in (k, b), through the tape.
template <class Loss> Slopes gradient(Loss loss) {
  Tape<double> tape;
  const Var<double> k = tape.variable(Tensor<double>({}, kModel.k[0]));
  const Var<double> b = tape.variable(Tensor<double>({}, kModel.b[0]));
  const Energy<double> energy = [=](const Arguments<double>& at) {
    const Var<double> y = reshape(at.y, {at.rows()}), square_of = square(y);
    return 0.25 * kModel.a[0] * square(square_of) + 0.5 * (k * square_of) + b * y;
  };
  tape.backward(loss(tape, energy));
  return {k.grad()[0], b.grad()[0]};
}

/// Means over the repeats of one estimator, by parameter.
struct Estimator {
  std::array<std::vector<double>, kCount> values;

  void add(const Slopes& g) {
    for (int i = 0; i < kCount; ++i) values[i].push_back(g[i]);
  }
  Estimate of(int i) const { return estimate(values[i]); }
  double deviation(int i) const { return of(i).standard_error * std::sqrt(double(kRepeats)); }
  /// Of deviation(): sqrt((m4 - s^4) / R) / (2 s) with the repeats' fourth central moment m4, which
  /// for normal numbers is s / sqrt(2 R). Weighted estimates have heavier tails than that.
  double error_of_deviation(int i) const {
    const double mean = of(i).mean, s = deviation(i);
    double fourth = 0;
    for (const double v : values[i]) fourth += std::pow(v - mean, 4) / double(kRepeats);
    return std::sqrt((fourth - s * s * s * s) / double(kRepeats)) / (2 * s);
  }
};

Tensor<double> rows(std::span<const double> y) { return Tensor<double>({std::ssize(y), 1}, y); }

/// Contrastive divergence with the chains' points, kNegatives to a repeat; the fault adds what it
/// should subtract.
Estimator contrast(const std::vector<double>& data, const Tensor<float>& points, bool fault) {
  Estimator found;
  for (int64_t r = 0; r < kRepeats; ++r) {
    const float* first = points.data() + r * kNegatives;
    const std::vector<double> negatives(first, first + kNegatives);
    found.add(gradient([&](auto& tape, auto& energy) {
      const Var<double> good = energy({tape.constant(rows(data))});
      const Var<double> bad = energy({tape.constant(rows(negatives))});
      return contrastive_loss(good, fault ? -bad : bad, kBeta);
    }));
  }
  return found;
}

Estimator by_importance(const std::vector<double>& data, uint64_t seed) {
  Estimator found;
  for (int64_t r = 0; r < kRepeats; ++r) {
    std::vector<double> y(kNegatives), log_q;
    fill_normal(noise_of(seed, Purpose::start, uint64_t(r)), std::span<double>(y));
    for (double& v : y) {
      log_q.push_back(-v * v / 2 - std::log(2 * std::numbers::pi * kWide * kWide) / 2);
      v *= kWide;
    }
    found.add(gradient([&](auto& tape, auto& energy) {
      return importance_nll_loss(energy({tape.constant(rows(data))}),
                                 energy({tape.constant(rows(y))}), log_q, kBeta);
    }));
  }
  return found;
}

Findings run(const RunOptions& options) {
  Findings found;
  const Grid grid;
  const std::vector<double> data = quantiles();
  Slopes of_data{};
  for (const double y : data) {
    const Slopes f = features(y);
    for (int i = 0; i < kCount; ++i) of_data[i] += f[i] / double(data.size());
  }
  const auto gradient_towards = [&](const std::vector<double>& p) {
    const Slopes model = grid.mean(p);
    return Slopes{kBeta * (of_data[0] - model[0]), kBeta * (of_data[1] - model[1])};
  };
  const Slopes exact = gradient_towards(grid.model());

  io::Table table{{"estimator", "parameter", "bias", "standard error", "predicted bias",
                   "scatter of one estimate"},
                  {},
                  message("Gradients of the NLL by ", kNegatives, " samples; exact: ",
                          number(exact[0]), " in k, ", number(exact[1]), " in b.")};
  const auto report = [&](const std::string& name, const Estimator& e, const Slopes& predicted) {
    for (int i = 0; i < kCount; ++i) {
      const Estimate m = e.of(i);
      found.measurements.push_back(
          within_repeats(message(name, ": gradient in ", kNames[i]), predicted[i], m));
      table.rows.push_back({name, kNames[i], number(m.mean - exact[i]), number(m.standard_error),
                            number(predicted[i] - exact[i]), number(e.deviation(i))});
    }
  };

  // CD-k: all repeats' chains walk at once, from the data; the grid walks along.
  Tensor<float> start({kRepeats * kNegatives, 1});
  for (int64_t i = 0; i < start.size(); ++i) start[i] = float(data[std::size_t(i % kNegatives)]);
  Langevin<float> chains(quartic_force<float>(kModel), start,
                         {.beta = kBeta, .step = kStep, .seed = seed_of_part(options.seed, 1)});
  std::vector<double> reached = grid.step_from(data);
  io::Series measured{.name = "CD-k, measured"};
  io::Series predicted{.name = "CD-k, predicted by the chain's kernel"};
  io::Series level{.name = "exact", .x = {0, 3}, .y = {exact[1], exact[1]}, .dashed = true};
  Slopes last{};
  for (int64_t k = 1; k <= 1000; ++k) {
    if (k > 1) reached = grid.step(reached);
    const bool shown = k == 1 || k == 3 || k == 10 || k == 30 || k == 100 || k == 300 || k == 1000;
    if (k < 100 || k % 50 == 0) {
      predicted.x.push_back(std::log10(double(k)));
      predicted.y.push_back(gradient_towards(reached)[1]);
    }
    if (!shown) continue;
    chains.advance(k - chains.steps());
    const Estimator cd = contrast(data, chains.points(), options.fault);
    last = gradient_towards(reached);
    report(message("CD-", k), cd, last);
    const Estimate m = cd.of(1);
    add_point(measured, std::log10(double(k)), m.mean, m.standard_error);
    if (k == 1) {
      found.measurements.push_back(at_least("|bias| of CD-1 in b can be seen",
                                            20 * m.standard_error, std::abs(m.mean - exact[1]), 0,
                                            "20 standard errors"));
    }
  }
  found.figures.push_back({draw(io::LineChart{.title = "The gradient in b that k steps give",
                                              .x_label = "log10 k",
                                              .y_label = "gradient",
                                              .series = {measured, predicted, level}}),
                           "Chains that began at the data forget them only after some 300 steps, "
                           "when they have crossed "
                           "the barrier. Until then CD-k sees little of the well without data. "
                           "Bars: 2 standard errors."});

  // MALA, for long enough, samples the model itself. It must not begin beyond |y| = 2.7, where a step
  // overshoots so far that it is always refused.
  Mala<float> mala(
      quartic_force<float>(kModel),
      normal_start<float>(kRepeats * kNegatives, 1, 0.4, seed_of_part(options.seed, 2)),
      {.beta = kBeta, .step = 0.05, .seed = seed_of_part(options.seed, 3)});
  mala.advance(300);
  const Estimator by_mala = contrast(data, mala.points(), options.fault);
  report("MALA, 300 steps", by_mala, exact);

  // Importance sampling: ratio of means, biased by -(1/M) E_q[w^2 (f - mean f)] to first order.
  Slopes bias{}, variance{}, plain{};
  const Slopes mean = grid.mean(grid.model());
  for (int64_t j = 0; j < Grid::kPoints; ++j) {
    const double y = Grid::at(j), p = grid.model()[j] / Grid::kSpacing;
    const double q =
        std::exp(-y * y / (2 * kWide * kWide)) / (kWide * std::sqrt(2 * std::numbers::pi));
    const Slopes f = features(y);
    for (int i = 0; i < kCount; ++i) {
      const double off = f[i] - mean[i];
      bias[i] -= p * p / q * off * Grid::kSpacing / kNegatives;
      variance[i] += p * p / q * off * off * Grid::kSpacing / kNegatives;
      plain[i] += p * off * off * Grid::kSpacing / kNegatives;
    }
  }
  const Estimator weighted = by_importance(data, seed_of_part(options.seed, 4));
  report("importance", weighted, {exact[0] - kBeta * bias[0], exact[1] - kBeta * bias[1]});
  const auto scatter = [&](const char* name, const Estimator& e, int i, double expected) {
    found.measurements.push_back(within_errors(message(name, ": scatter in ", kNames[i]),
                                               kBeta * std::sqrt(expected), e.deviation(i),
                                               e.error_of_deviation(i)));
  };
  for (int i = 0; i < kCount; ++i) {
    scatter("MALA", by_mala, i, plain[i]);
    scatter("importance", weighted, i, variance[i]);
  }
  found.tables.push_back(std::move(table));
  found.remarks = {
      "The exact gradient and that by independent samples of the model agree. CD-k's does not: it "
      "is "
      "the gradient towards where k steps from the data lead, which the chain's kernel predicts "
      "within the errors.",
      "Small scatter is no virtue by itself: CD-1 scatters least, since its negatives hardly leave "
      "the data, and errs most.",
      message("What is left of the difference at k = 1000, ", number(last[1] - exact[1]),
              " in b, is Langevin's own bias, of its step.")};
  return found;
}

}  // namespace

Experiment sampled_gradients() {
  return {"E8",
          "sampled-gradients",
          "The NLL's gradient: exact, by chains, by weights, by CD-k",
          "Z is out of reach, so the gradient's second term, the mean of dE/dθ under the model, is "
          "sampled. Which ways are biased, by how much, and how do they scatter?",
          "A tilted double well E = a y⁴/4 + k y²/2 + b y, data in the right well alone, 256 "
          "samples an estimate, 300 repeats. On a grid of 801 points the exact gradient is "
          "known, and so is that after k Langevin steps, by applying the chain's kernel k times.",
          "the negatives' term is added instead of subtracted",
          run};
}

}  // namespace talweg::ebm::lab
