// E7: a latent variable that says where on a curve: hard and soft, and what it may say.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/io/svg.h"
#include "core/ops/matmul.h"
#include "core/ops/reduce.h"
#include "core/rng.h"
#include "ebm/beta.h"
#include "ebm/gibbs.h"
#include "ebm/lab/experiments.h"
#include "ebm/latent.h"

namespace talweg::ebm::lab {
namespace {

using V = Var<double>;
using std::numbers::pi;

/// E(y, z) = |y - z|^2 with z a point of the curve.
Energy<double> distance() {
  return [](const auto& at) { return sum(square(at.y - at.z), -1); };
}

/// `count` places of the ellipse (a cos t, b sin t), each of the weight of its arc in t.
LatentNodes<double> ellipse(double a, double b, int64_t count) {
  const LatentNodes<double> angle = periodic_nodes<double>(0, 2 * pi, count);
  LatentNodes<double> curve{Tensor<double>({count, 2}), angle.weight};
  for (int64_t k = 0; k < count; ++k) {
    curve.z[2 * k] = a * std::cos(angle.z[k]);
    curve.z[2 * k + 1] = b * std::sin(angle.z[k]);
  }
  return curve;
}

/// over_latent; as the fault, with the sign of its logarithm flipped.
Energy<double> soft_energy(const LatentNodes<double>& nodes, double beta, bool fault) {
  Energy<double> f = over_latent(distance(), nodes, beta);
  if (!fault || std::isinf(beta)) return f;
  return [f](const Arguments<double>& at) { return -f(at); };
}

void closed_forms(Findings& found, bool fault) {
  constexpr int64_t count = 256;
  const double r = 1;
  const LatentNodes<double> circle = ellipse(r, r, count);
  for (const double from_center : {0.4, 1.0, 1.7}) {
    const Tensor<double> y(
        {1, 2}, std::vector<double>{from_center * std::cos(0.3), from_center * std::sin(0.3)});
    const double hard = evaluate(over_latent(distance(), circle, kZeroTemperature), y)[0];
    found.measurements.push_back(within_bound(
        message("min over z at |y| = ", from_center, ", (|y| - 1)²"), std::pow(from_center - r, 2),
        hard, r * from_center * std::pow(pi / count, 2), "half a step between nodes"));
    for (const double beta : {0.5, 2.0, 8.0}) {
      const double exact =
          from_center * from_center + r * r -
          std::log(2 * pi * std::cyl_bessel_i(0.0, 2 * beta * r * from_center)) / beta;
      const double soft = evaluate(soft_energy(circle, beta, fault), y)[0];
      found.measurements.push_back(
          within_bound(message("F_β at |y| = ", from_center, ", β = ", beta), exact, soft, 1e-9,
                       "rounding: equal steps on a period converge exponentially"));
      // Counted, not integrated: K explanations.
      LatentNodes<double> counted = circle;
      std::fill(counted.weight.begin(), counted.weight.end(), 1.0);
      const double f = evaluate(soft_energy(counted, beta, fault), y)[0];
      found.measurements.push_back(
          at_most(message("F_β under the minimum, |y| = ", from_center, ", β = ", beta), hard, f,
                  1e-12, "rounding"));
      found.measurements.push_back(
          at_least(message("... by log K / β at most, |y| = ", from_center, ", β = ", beta),
                   hard - std::log(static_cast<double>(count)) / beta, f, 1e-12, "rounding"));
    }
  }
}

/// The radius whose mean free energy over points y[N,2] is least: training on positives alone.
double fitted_radius(const Tensor<double>& y, double beta, int64_t count, bool fault) {
  const LatentNodes<double> unit = ellipse(1, 1, count);
  const int64_t n = y.shape()[0];
  Tensor<double> square_length({n, 1}), along({n, count});
  for (int64_t i = 0; i < n; ++i) {
    square_length[i] = y[2 * i] * y[2 * i] + y[2 * i + 1] * y[2 * i + 1];
    for (int64_t k = 0; k < count; ++k) {
      along[i * count + k] = y[2 * i] * unit.z[2 * k] + y[2 * i + 1] * unit.z[2 * k + 1];
    }
  }
  // |y - r u|^2 = |y|^2 + r^2 - 2 r y.u; the radius is what moves.
  const Energy<double> mean_energy = [&](const Arguments<double>& at) {
    Tape<double>& tape = at.tape();
    const V energies =
        tape.borrow(square_length, false) + square(at.y) - 2.0 * (at.y * tape.borrow(along, false));
    const V f = mean(free_energy(energies, beta));
    return reshape(fault && std::isfinite(beta) ? -f : f, {1});
  };
  return descend(mean_energy, {Tensor<double>({1, 1}, 0.8)}, Over::y,
                 {.max_steps = 30, .tolerance = 1e-6})
      .y[0];
}

void learned_radius(Findings& found, uint64_t seed, bool fault) {
  constexpr double r = 1, sigma = 0.3;
  constexpr int64_t samples = 300, count = 32;
  constexpr int repeats = 10;
  const double matched = 1 / (2 * sigma * sigma);
  const std::vector<double> betas{2, matched, 20, kZeroTemperature};
  std::vector<std::vector<double>> radius(betas.size());
  for (int repeat = 0; repeat < repeats; ++repeat) {
    Rng rng = Rng(seed).split(uint64_t(repeat));
    Tensor<double> y({samples, 2});
    for (int64_t i = 0; i < samples; ++i) {
      const double t = rng.uniform(0, 2 * pi);
      y[2 * i] = r * std::cos(t) + sigma * rng.normal();
      y[2 * i + 1] = r * std::sin(t) + sigma * rng.normal();
    }
    for (std::size_t b = 0; b < betas.size(); ++b) {
      radius[b].push_back(fitted_radius(y, betas[b], count, fault));
    }
  }
  // Hard: the best r is the mean of |y|, Rice's, times the mean cosine to the nearest node.
  const double nu = r * r / (2 * sigma * sigma);
  const double rice =
      sigma * std::sqrt(pi / 2) * std::exp(-nu / 2) *
      ((1 + nu) * std::cyl_bessel_i(0.0, nu / 2) + nu * std::cyl_bessel_i(1.0, nu / 2));
  const double to_node = std::sin(pi / count) / (pi / count);
  const Estimate soft = estimate(radius[1]), hard = estimate(radius.back());
  found.measurements.push_back(
      within_repeats("radius learned softly at β = 1/(2 σ²), the true one", r, soft));
  found.measurements.push_back(
      within_repeats("radius learned by the minimum, Rice's mean of |y|", rice * to_node, hard));
  io::Series line{.name = "learned", .points = true}, truth{.name = "true radius", .dashed = true},
      mean_length{.name = "mean of |y|", .dashed = true};
  for (std::size_t b = 0; b < betas.size(); ++b) {
    const Estimate e = estimate(radius[b]);
    const double x = std::isinf(betas[b]) ? 2.0 : std::log10(betas[b]);
    line.x.push_back(x);
    line.y.push_back(e.mean);
    line.low.push_back(e.mean - 2 * e.standard_error);
    line.high.push_back(e.mean + 2 * e.standard_error);
    truth.x.push_back(x);
    truth.y.push_back(r);
    mean_length.x.push_back(x);
    mean_length.y.push_back(rice);
  }
  found.figures.push_back(
      {draw(io::LineChart{.title = "The radius that positives alone teach",
                          .x_label = "log10 β (2: the minimum)",
                          .y_label = "radius",
                          .series = {line, truth, mean_length}}),
       "Points at noise 0.3 about a circle of radius 1: the soft free energy at the noise's own "
       "temperature finds it, the minimum takes the noise for radius."});
}

void capacity(Findings& found, uint64_t seed) {
  Rng rng(seed);
  const int64_t n = 20;
  Tensor<double> y({n, 2});
  for (double& v : y.values()) v = rng.uniform(-3, 3);
  const Tensor<double> start({1, 2}, 0.1);
  const Tensor<double> free = evaluate(min_over_latent(distance(), start), y);
  found.measurements.push_back(within_bound("a latent free to be any point: largest energy", 0,
                                            *std::max_element(free.data(), free.data() + n), 1e-12,
                                            "rounding"));
  const double radius = 1.5;
  const Energy<double> limited = [=](const auto& at) {
    return sum(square(at.y - within_radius(at.z, radius)), -1);
  };
  const Tensor<double> f = evaluate(min_over_latent(limited, start), y);
  double worst = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double outside = std::max(0.0, std::hypot(y[2 * i], y[2 * i + 1]) - radius);
    worst = std::max(worst, std::abs(f[i] - outside * outside));
  }
  found.measurements.push_back(
      within_bound("a latent within a radius: distance of the energy from "
                   "[|y| - r]+², largest",
                   0, worst, 1e-6, "descent stops at a gradient of 1e-8"));
}

std::string energy_map(double beta, bool fault) {
  constexpr int rows = 33, cols = 49;
  Tensor<double> y({rows * cols, 2});
  for (int i = 0; i < rows * cols; ++i) {
    const int row = i / cols, col = i % cols;
    y[2 * i] = -3 + 6.0 * col / (cols - 1);
    y[2 * i + 1] = 2 - 4.0 * row / (rows - 1);
  }
  const Tensor<double> f = evaluate(soft_energy(ellipse(2, 1, 128), beta, fault), y);
  io::MatrixPanel panel{.title = std::isinf(beta) ? "min over z" : message("β = ", beta),
                        .x_label = "y1",
                        .y_label = "y2",
                        .rows = rows,
                        .cols = cols,
                        .cell_width = 8,
                        .cell_height = 8};
  for (const double v : f.values()) panel.values.push_back(static_cast<float>(v));
  return draw(panel);
}

Findings run(const RunOptions& options) {
  Findings found;
  for (const double beta : {kZeroTemperature, 4.0, 0.5}) {
    found.figures.push_back(
        {energy_map(beta, options.fault),
         std::isinf(beta) ? "The least energy over the place on the ellipse: zero along the curve."
                          : message("Summed softly at β = ", beta,
                                    ": the valley is deeper where more of the curve is near.")});
  }
  closed_forms(found, options.fault);
  learned_radius(found, options.seed, options.fault);
  capacity(found, options.seed);
  found.remarks = {
      "The soft free energy lies below the minimum by the entropy of the explanations, at most log "
      "K / β, and tends to it as β grows.",
      "|y - z|² over a curve has a fixed volume of low energy, so positives alone train it "
      "without "
      "collapse; softly, at the noise's temperature, that is maximum likelihood.",
      "A latent that may be any point explains every answer at no cost: a flat energy. Its "
      "capacity "
      "has to be limited, to one of K, to a curve, to a ball."};
  return found;
}

}  // namespace

Experiment latent_curve() {
  return {
      "E7",
      "latent-curve",
      "A latent variable on a curve, hard and soft",
      "How does one infer with a latent variable, what does softening the minimum change, and "
      "what must limit the latent?",
      "E(y, z) = |y - z|² with z on a circle or an ellipse. On the circle F_β is |y|² + r² "
      "- log(2 π I0(2 β r |y|))/β. The radius is then learned from noisy points without "
      "negatives, ten times over: the minimum must find the mean of |y| (Rice's), the soft energy "
      "at β = 1/(2 σ²), where it is maximum likelihood, the true radius.",
      "the sign of the free energy's logarithm",
      run};
}

}  // namespace talweg::ebm::lab
