// E9: one mixture of two Gaussians in the plane, learned without Z in three ways.
#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/io/svg.h"
#include "core/ops.h"
#include "ebm/energies/gaussian_mixture.h"
#include "ebm/lab/experiments.h"
#include "ebm/losses/sampled_nll.h"
#include "ebm/losses/score_matching.h"
#include "ebm/sampling/noise.h"
#include "ebm/sampling/partition_estimate.h"
#include "nn/optim.h"

namespace talweg::ebm::lab {
namespace {

using std::numbers::pi;
constexpr int64_t kSamples = 2000, kRepeats = 12;
constexpr double kSigma = 0.5, kNoise = 1.8;
constexpr int kSteps = 200;

GaussianMixture truth() {
  return {{0.4, 0.6}, Tensor<double>({2, 2}, std::vector<double>{-1, -0.4, 1, 0.5}), {0.25, 0.4}};
}

/// E(y) = -log sum_k e^{a_k - |y - m_k|^2 / 2 v_k} with a_0 = 0: a mixture whose Z is not 1,
///   Z = 2 pi (v_0 + v_1 e^{a_1}),   w_1 = v_1 e^{a_1} / (v_0 + v_1 e^{a_1}).
struct Model {
  double a = 0;
  std::vector<double> mean{-0.6, 0, 0.6, 0};
  std::vector<double> variance{0.6, 0.6};
  double log_z = 2;  // NCE's parameter

  double total() const { return variance[0] + variance[1] * std::exp(a); }
  double weight() const { return variance[1] * std::exp(a) / total(); }
  double exact_log_z() const { return std::log(2 * pi * total()); }
  GaussianMixture mixture() const {
    return {{1 - weight(), weight()}, Tensor<double>({2, 2}, mean), variance};
  }
};

/// What `number` says of data, its bias taken off to first order. An estimate from n samples is off by
/// b/n + O(1/n^2) in the mean, one from either half of them by 2 b/n, so twice the first less the mean
/// of the two others has no b. Source: Quenouille 1949; the jackknife with two groups.
struct Jackknifed {
  Model whole, half[2];

  double of(double (*number)(const Model&)) const {
    return 2 * number(whole) - (number(half[0]) + number(half[1])) / 2;
  }
  /// The bias that was taken off.
  double bias(double (*number)(const Model&)) const {
    return (number(half[0]) + number(half[1])) / 2 - number(whole);
  }
};

template <class T> Energy<T> energy_of(Var<T> a, Var<T> mean, Var<T> log_variance) {
  return [=](const Arguments<T>& at) {
    std::vector<Var<T>> parts;
    for (int64_t k = 0; k < 2; ++k) {
      const Var<T> far = sum(square(at.y - slice(mean, 0, k, 1)), -1, true);
      const Var<T> rate = exp(-slice(log_variance, 0, k, 1));
      const Var<T> exponent = T(-0.5) * (far * rate);
      parts.push_back(k == 0 ? exponent : exponent + a);
    }
    return -logsumexp(concat<T>(parts, 1));
  };
}

/// Full-batch Adam on loss(tape, energy, log Z) from the same start.
template <class Loss> Model fit(Loss loss) {
  const Model start;
  nn::Parameters<float> p;
  const auto add = [&](const char* name, const Shape& shape, std::vector<double> values) {
    const std::vector<float> begin(values.begin(), values.end());
    return p.add(name, Tensor<float>(shape, begin), nn::ParameterKind::weight);
  };
  const int a = add("a", {1}, {start.a}), mean = add("mean", {2, 2}, start.mean);
  const int log_variance =
      add("log_variance", {2}, {std::log(start.variance[0]), std::log(start.variance[1])});
  const int log_z = add("log_z", {}, {start.log_z});
  nn::AdamW<float> adam(p, {.beta1 = 0.8, .beta2 = 0.95, .weight_decay = 0});
  Tape<float> tape;
  auto context = nn::Context<float>::for_training(tape, p, Rng(1));
  for (int i = 0; i < kSteps; ++i) {
    const TapeScope<float> scope(tape);
    context.begin_step();
    const auto energy =
        energy_of<float>(context.leaf(a), context.leaf(mean), context.leaf(log_variance));
    tape.backward(loss(tape, energy, context.leaf(log_z)));
    adam.step(context, 0.05 * std::pow(0.02, double(i) / kSteps));
  }
  Model found;
  found.a = p[a].value[0];
  for (int64_t i = 0; i < 4; ++i) found.mean[size_t(i)] = p[mean].value[i];
  for (int64_t i = 0; i < 2; ++i) {
    found.variance[size_t(i)] = std::exp(p[log_variance].value[i]);
  }
  found.log_z = p[log_z].value[0];
  return found;
}

Tensor<float> in_float(const Tensor<double>& x) {
  return Tensor<float>(x.shape(), std::vector<float>(x.values().begin(), x.values().end()));
}

/// Rows [first, first + count).
Tensor<float> rows(const Tensor<float>& x, int64_t first, int64_t count) {
  return Tensor<float>({count, 2}, x.values().subspan(size_t(2 * first), size_t(2 * count)));
}

/// fit(data, numbers) on all of both, and on either half of each.
template <class Fit>
Jackknifed jackknifed(Fit fit, const Tensor<float>& data, const Tensor<float>& numbers) {
  const int64_t n = data.shape()[0] / 2;
  return {fit(data, numbers),
          {fit(rows(data, 0, n), rows(numbers, 0, n)), fit(rows(data, n, n), rows(numbers, n, n))}};
}

Tensor<float> normals(int64_t n, uint64_t seed) {
  Tensor<float> z({n, 2});
  fill_normal(noise_of(seed, Purpose::corrupt, 0), z.values());
  return z;
}

double log_noise(const float* y) {
  return -(double(y[0]) * y[0] + double(y[1]) * y[1]) / (2 * kNoise * kNoise) -
         std::log(2 * pi * kNoise * kNoise);
}
std::vector<double> log_noise_at(const Tensor<float>& y) {
  std::vector<double> out;
  for (int64_t i = 0; i < y.shape()[0]; ++i) out.push_back(log_noise(y.data() + 2 * i));
  return out;
}

Model by_score_matching(const Tensor<float>& data) {
  return fit([&](auto& tape, auto& energy, auto) {
    return score_matching_loss<float>(energy, {tape.variable(data)});
  });
}

/// The fault: the model's score with its sign forgotten, dE/dy for -dE/dy.
Model by_denoising(const Tensor<float>& data, const Tensor<float>& xi, bool fault) {
  return fit([&](auto& tape, auto& energy, auto) {
    const Energy<float> upside_down = [=](const auto& at) { return -energy(at); };
    return denoising_score_matching_loss<float>(fault ? upside_down : energy, {tape.constant(data)},
                                                xi, kSigma);
  });
}

Model by_nce(const Tensor<float>& data, Tensor<float> noise) {
  for (float& v : noise.values()) v *= float(kNoise);
  const std::vector<double> at_data = log_noise_at(data), at_noise = log_noise_at(noise);
  return fit([&](auto& tape, auto& energy, auto log_z) {
    return nce_loss<float>(energy({tape.constant(data)}), energy({tape.constant(noise)}), log_z,
                           at_data, at_noise);
  });
}

/// The mean squared distance of the models' scores at samples of `at`: Fisher's divergence.
double score_distance(const GaussianMixture& a, const GaussianMixture& b,
                      const Tensor<double>& at) {
  double total = 0;
  for (int64_t i = 0; i < at.shape()[0]; ++i) {
    const std::span<const double> y = at.values().subspan(size_t(2 * i), 2);
    const std::vector<double> sa = a.score(y), sb = b.score(y);
    total += std::pow(sa[0] - sb[0], 2) + std::pow(sa[1] - sb[1], 2);
  }
  return total / double(at.shape()[0]);
}

struct Numbers {
  const char* name;
  double (*of)(const Model&);
};
const std::vector<Numbers> kNumbers{
    {"weight of the second", [](const Model& m) { return m.weight(); }},
    {"first mean, x", [](const Model& m) { return m.mean[0]; }},
    {"second mean, x", [](const Model& m) { return m.mean[2]; }},
    {"first variance", [](const Model& m) { return m.variance[0]; }},
    {"second variance", [](const Model& m) { return m.variance[1]; }},
};

Model model_of(const GaussianMixture& m) {
  Model out;
  out.mean.assign(m.means().values().begin(), m.means().values().end());
  out.variance.assign(m.variances().begin(), m.variances().end());
  out.a = std::log(m.weights()[1] / m.variances()[1] * m.variances()[0] / m.weights()[0]);
  return out;
}

void score_figure(const GaussianMixture& sharp, const Model& denoised, const Model& matched,
                  Findings& found) {
  const GaussianMixture smooth = sharp.smoothed(kSigma);
  io::LineChart chart{.title = "The score along the line through both means",
                      .x_label = "from the first mean (0) to the second (1)",
                      .y_label = "score along the line"};
  const auto add = [&](const char* name, const GaussianMixture& m, bool dashed) {
    io::Series line{.name = name, .dashed = dashed};
    for (double t = -0.5; t < 1.51; t += 0.02) {
      const std::vector<double> s = m.score(std::vector<double>{-1 + 2 * t, -0.4 + 0.9 * t});
      line.x.push_back(t);
      line.y.push_back((2 * s[0] + 0.9 * s[1]) / std::hypot(2, 0.9));
    }
    chart.series.push_back(std::move(line));
  };
  add("data", sharp, true);
  add("data, smoothed by σ = 0.5", smooth, true);
  add("by score matching", matched.mixture(), false);
  add("by denoising", denoised.mixture(), false);
  found.figures.push_back(
      {draw(chart),
       "Score matching learns the data's score, denoising that of the smoothed data: "
       "the two dashed lines, and whose they are."});
}

/// log Z of a fitted energy by importance sampling from a wide normal.
LogPartition importance(const Model& m, uint64_t seed) {
  constexpr int64_t kMany = 20000;
  Tensor<float> y = normals(kMany, seed);
  for (float& v : y.values()) v *= float(kNoise);
  std::vector<double> energies;
  for (int64_t i = 0; i < kMany; ++i) {
    double density = 0;
    for (size_t k = 0; k < 2; ++k) {
      const double far =
          std::pow(y[2 * i] - m.mean[2 * k], 2) + std::pow(y[2 * i + 1] - m.mean[2 * k + 1], 2);
      density += std::exp((k == 0 ? 0 : m.a) - far / (2 * m.variance[k]));
    }
    energies.push_back(-std::log(density));
  }
  return importance_log_partition(energies, log_noise_at(y), 1);
}

Findings run(const RunOptions& options) {
  Findings found;
  const GaussianMixture sharp = truth(), smooth = sharp.smoothed(kSigma);
  std::vector<Jackknifed> matched, denoised, contrasted;
  std::vector<double> to_smooth, to_sharp;
  for (int64_t r = 0; r < kRepeats; ++r) {
    const uint64_t seed = seed_of_part(options.seed, 900 + uint64_t(r));
    Rng rng(seed);
    const Tensor<float> data = in_float(sharp.sample(kSamples, rng));
    const Tensor<float> xi = normals(kSamples, seed_of_part(seed, 1));
    const Tensor<float> noise = normals(kSamples, seed_of_part(seed, 2));
    matched.push_back(
        jackknifed([](const auto& d, const auto&) { return by_score_matching(d); }, data, xi));
    denoised.push_back(jackknifed(
        [&](const auto& d, const auto& x) { return by_denoising(d, x, options.fault); }, data, xi));
    contrasted.push_back(
        jackknifed([](const auto& d, const auto& x) { return by_nce(d, x); }, data, noise));
    const Tensor<double> places = smooth.sample(500, rng);
    to_smooth.push_back(score_distance(denoised.back().whole.mixture(), smooth, places));
    to_sharp.push_back(score_distance(denoised.back().whole.mixture(), sharp, places));
  }
  io::Table table{{"", "data", "score matching", "NCE", "smoothed", "denoising"},
                  {},
                  message("Means over ", kRepeats, " sets of ", kSamples,
                          " samples, ± their standard error, after "
                          "the bias below was taken off.")};
  io::Table taken_off{{"bias of", "score matching", "NCE", "denoising"}, {}, ""};
  taken_off.caption =
      message("From ", kSamples, " samples, by the jackknife; means over the sets.");
  std::vector<std::string> biases;
  const auto add = [&](const char* method, const Numbers& number_of, double expected,
                       const std::vector<Jackknifed>& models) {
    std::vector<double> values;
    double bias = 0;
    for (const Jackknifed& m : models) {
      values.push_back(m.of(number_of.of));
      bias += m.bias(number_of.of) / double(kRepeats);
    }
    const Estimate e = estimate(values);
    found.measurements.push_back(
        within_repeats(message(method, ": ", number_of.name), expected, e));
    biases.push_back(io::format_number(bias, 4));
    return message(io::format_number(e.mean, 3), " ± ", io::format_number(e.standard_error, 3));
  };
  for (const Numbers& n : kNumbers) {
    biases.clear();
    const double at_data = n.of(model_of(sharp)), at_smooth = n.of(model_of(smooth));
    const std::string by_scores = add("score matching", n, at_data, matched);
    const std::string by_noise = add("NCE", n, at_data, contrasted);
    const std::string by_corruption = add("denoising", n, at_smooth, denoised);
    table.rows.push_back(
        {n.name, number(at_data), by_scores, by_noise, number(at_smooth), by_corruption});
    taken_off.rows.push_back({n.name, biases[0], biases[1], biases[2]});
  }
  const Numbers log_z{"log Z, its parameter", [](const Model& m) { return m.log_z; }};
  const Numbers gap{"log Z less that of its own energy",
                    [](const Model& m) { return m.log_z - m.exact_log_z(); }};
  const double exact = model_of(sharp).exact_log_z();
  table.rows.push_back(
      {"log Z", number(exact), "–", add("NCE", log_z, exact, contrasted), "–", "–"});
  add("NCE", gap, 0, contrasted);
  const LogPartition weighed = importance(matched[0].whole, seed_of_part(options.seed, 990));
  found.measurements.push_back(within_errors("importance sampling: log Z of a score-matched energy",
                                             matched[0].whole.exact_log_z(), weighed.log_z,
                                             weighed.standard_error));
  std::vector<double> log_ratio;
  for (size_t r = 0; r < to_smooth.size(); ++r) {
    log_ratio.push_back(std::log10(to_smooth[r] / to_sharp[r]));
  }
  found.measurements.push_back(clearly_below(
      "denoising: log10 of the squared distance to the smoothed score over that to the data's", 0,
      estimate(log_ratio)));
  found.tables.push_back(std::move(table));
  found.tables.push_back(std::move(taken_off));
  score_figure(sharp, denoised[0].whole, matched[0].whole, found);
  found.remarks = {
      "Score matching and NCE find the mixture that made the data; denoising finds it after noise "
      "of "
      "σ = 0.5 has been added: the same means, each variance larger by σ².",
      "NCE alone learns log Z, as a parameter like any other; to the other two Z does not exist, "
      "and "
      "it has to be estimated afterwards, here by importance sampling.",
      "Denoising has a sign to get wrong: the score points back to the data. With dE/dy in place "
      "of "
      "−dE/dy the loss still falls, and what it teaches is nonsense."};
  return found;
}

}  // namespace

Experiment score_estimators() {
  return {
      "E9",
      "score-estimators",
      "Score matching, denoising and NCE on one mixture",
      "Three losses that never compute Z: what does each of them learn, and which of them knows "
      "log Z?",
      "A mixture of two Gaussians in the plane, 12 sets of 2,000 samples, an energy of the right "
      "form with seven parameters (and log Z as an eighth for NCE), fitted from the same start by "
      "each loss, through exact second derivatives where scores are concerned. Predicted: the "
      "data's parameters; for denoising those with σ² added to each variance. The estimators' "
      "bias, "
      "of order 1/n, is taken off by fitting each half of the data as well (Quenouille's "
      "jackknife); standard errors and Student's quantile are over the sets.",
      "denoising takes dE/dy for the score, without the minus",
      run};
}

}  // namespace talweg::ebm::lab
