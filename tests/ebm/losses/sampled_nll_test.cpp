#include "ebm/losses/sampled_nll.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/gradcheck.h"
#include "core/ops.h"
#include "core/rng.h"
#include "ebm/gibbs.h"
#include "ebm/losses/chain_negatives.h"
#include "ebm/matrix.h"
#include "ebm/sampling/gibbs_sampler.h"

namespace talweg::ebm {
namespace {

using Vars = std::span<const Var<double>>;
constexpr int64_t kSide = 3, kStates = kSide * kSide;

Tensor<double> normals(const Shape& shape, uint64_t seed) {
  Tensor<double> z(shape);
  fill_normal(noise_of(seed, Purpose::corrupt, 0), z.values());
  return z;
}

/// A model of two sites with kSide values each: a table of energies, and data as probabilities.
struct Grid {
  Tensor<double> table = normals({kSide, kSide}, 1);
  std::vector<double> data = {0.3, 0.05, 0.02, 0.03, 0.2, 0.1, 0.1, 0.05, 0.15};

  std::vector<double> model(double beta) const { return gibbs(table.values(), beta).probability; }

  /// The distribution after one sweep of Gibbs sampling, site 1 and then site 2, by formula.
  std::vector<double> swept(const std::vector<double>& from, double beta) const {
    const std::vector<double> p = model(beta);
    std::vector<double> first(kStates), second(kStates);
    for (int64_t b = 0; b < kSide; ++b) {
      double column = 0, mass = 0;
      for (int64_t a = 0; a < kSide; ++a) {
        column += p[a * kSide + b];
        mass += from[a * kSide + b];
      }
      for (int64_t a = 0; a < kSide; ++a) first[a * kSide + b] = mass * p[a * kSide + b] / column;
    }
    for (int64_t a = 0; a < kSide; ++a) {
      double row = 0, mass = 0;
      for (int64_t b = 0; b < kSide; ++b) {
        row += p[a * kSide + b];
        mass += first[a * kSide + b];
      }
      for (int64_t b = 0; b < kSide; ++b) second[a * kSide + b] = mass * p[a * kSide + b] / row;
    }
    return second;
  }
};

/// contrastive_loss's gradient in the table, for data with exactly `data`'s shares of kMany.
constexpr int64_t kMany = 200000;
Tensor<double> cd_gradient(const Grid& grid, double beta, int64_t sweeps) {
  std::vector<int32_t> start, entries;
  for (int64_t s = 0; s < kStates; ++s) {
    for (int64_t i = 0; i < std::lround(grid.data[s] * kMany); ++i) {
      start.push_back(int32_t(s / kSide));
      start.push_back(int32_t(s % kSide));
      entries.push_back(int32_t(s));
    }
  }
  GibbsSampler chains(table_conditionals(grid.table), start, {.beta = beta, .seed = 3});
  chains.advance(sweeps);
  std::vector<int32_t> reached;
  for (int64_t i = 0; i < chains.chains(); ++i) {
    reached.push_back(chains.points()[2 * i] * int32_t(kSide) + chains.points()[2 * i + 1]);
  }
  Tape<double> tape;
  const Var<double> table = tape.variable(grid.table);
  const Var<double> flat = reshape(table, {kStates});
  tape.backward(contrastive_loss(take(flat, 0, entries), take(flat, 0, reached), beta));
  return table.grad();
}

TEST_CASE("CD-k's gradient is that of k sweeps from the data; with k it nears the NLL's") {
  const Grid grid;
  constexpr double kBeta = 1.5;
  const std::vector<double> model = grid.model(kBeta);
  std::vector<double> reached = grid.data;
  double last_bias = 1;
  for (const int64_t sweeps : {1, 2, 20}) {
    CAPTURE(sweeps);
    for (int64_t k = sweeps == 1 ? 0 : sweeps == 2 ? 1 : 2; k < sweeps; ++k) {
      reached = grid.swept(reached, kBeta);
    }
    const Tensor<double> found = cd_gradient(grid, kBeta, sweeps);
    double bias = 0, sum = 0;
    for (int64_t s = 0; s < kStates; ++s) {
      const double error = kBeta * std::sqrt(reached[s] * (1 - reached[s]) / kMany);
      CHECK(std::abs(found[s] - kBeta * (grid.data[s] - reached[s])) < 4 * error);
      if (sweeps == 20) CHECK(std::abs(found[s] - kBeta * (grid.data[s] - model[s])) < 4 * error);
      bias = std::max(bias, kBeta * std::abs(reached[s] - model[s]));
      sum += found[s];
    }
    CHECK(std::abs(sum) < 1e-10);
    CHECK(bias < last_bias / 2);
    if (sweeps == 1) CHECK(bias > 10 * kBeta * std::sqrt(0.25 / kMany));  // CD-1's, measurable
    last_bias = bias;
  }
}

TEST_CASE("persistent Langevin chains learn the Gaussian whose biased variance is the data's") {
  // At the optimum the chains' variance 1 / (k (1 - step k / 2)) and mean are the data's.
  constexpr double kStep = 0.1, kVariance = 0.5, kMean = 1;
  constexpr int64_t kChains = 4000;
  Tensor<double> data({kChains, 1});
  for (int64_t i = 0; i < kChains; ++i) {
    data[i] = kMean + (i % 2 == 0 ? 1 : -1) * std::sqrt(kVariance);  // mean and variance exactly
  }
  Tensor<double> m({1}, 0.0), k({1}, 1.0);
  const auto energy_of = [](Var<double> mean, Var<double> precision) -> Energy<double> {
    return [=](const auto& at) { return 0.5 * sum(precision * square(at.y - mean), -1); };
  };
  const Energy<double> held = [&](const auto& at) {
    return energy_of(at.tape().constant(m), at.tape().constant(k))(at);
  };
  const auto buffer = std::make_shared<ReplayBuffer<double>>(
      kChains, 0.0,
      [](int64_t n, Rng&) {
        return normals({n, 1}, 5);
      },
      Rng(1));
  const auto negatives =
      persistent_divergence<double>(buffer, {.step = kStep, .steps = 5, .seed = 7});
  double mean_of_k = 0, mean_of_m = 0;
  constexpr int kUpdates = 600, kAveraged = 300;
  for (int i = 0; i < kUpdates; ++i) {
    const Tensor<double> others = negatives(held, data, {});
    Tape<double> tape;
    const Var<double> mean = tape.variable(m), precision = tape.variable(k);
    const Energy<double> energy = energy_of(mean, precision);
    tape.backward(contrastive_loss(energy({tape.constant(data)}), energy({tape.constant(others)})));
    m[0] -= 0.05 * mean.grad()[0];
    k[0] -= 0.2 * precision.grad()[0];
    if (i >= kUpdates - kAveraged) {
      mean_of_k += k[0] / kAveraged;
      mean_of_m += m[0] / kAveraged;
    }
  }
  // k (1 - step k / 2) = 1 / variance: the smaller root.
  const double expected = (1 - std::sqrt(1 - 2 * kStep / kVariance)) / kStep;
  // Variance estimates of kChains chains, each worth 5 * kAveraged steps over the correlation time
  // (1 + r) / (1 - r) of squares, r = (1 - step k)^2.
  const double r = std::pow(1 - kStep * expected, 2);
  const double samples = kChains * 5.0 * kAveraged * (1 - r) / (1 + r);
  const double slope = (1 - kStep * expected) * kVariance * kVariance;  // |d variance / d k|
  const double error = kVariance * std::sqrt(2 / samples) / slope;
  CHECK(std::abs(mean_of_k - expected) < 4 * error + 0.005);  // and what a moving k lags behind
  CHECK(std::abs(mean_of_k - 1 / kVariance) > 0.1);
  CHECK(std::abs(mean_of_m - kMean) < 0.01);
}

TEST_CASE("a replay buffer gives out each place once, and takes back what it gave") {
  int fresh_points = 0;
  const auto fresh = [&](int64_t n, Rng&) {
    Tensor<double> out({n, 2});
    for (double& v : out.values()) v = -1 - fresh_points;
    fresh_points += int(n);
    return out;
  };
  ReplayBuffer<double> buffer(10, 0, fresh, Rng(3));
  for (int round = 1; round <= 5; ++round) {
    Tensor<double> all = buffer.draw(10);
    for (double& v : all.values()) v = round;
    buffer.put_back(all);
    for (const double v : buffer.points().values()) CHECK(v == round);
  }
  Tensor<double> some = buffer.draw(4);
  some.fill(99);
  buffer.put_back(some);
  CHECK(std::count(buffer.points().values().begin(), buffer.points().values().end(), 99.0) == 8);
  CHECK(fresh_points == 10);

  ReplayBuffer<double> renewing(
      1000, 0.05,
      [&](int64_t n, Rng&) {
        return Tensor<double>({n, 1}, n == 1 ? 7.0 : 0.0);
      },
      Rng(4));
  const Tensor<double> drawn = renewing.draw(1000);
  const double renewed = double(std::count(drawn.values().begin(), drawn.values().end(), 7.0));
  CHECK(std::abs(renewed - 50) < 4 * std::sqrt(1000 * 0.05 * 0.95));

  CHECK_THROWS_WITH_AS(buffer.draw(11), doctest::Contains("can't draw 11 of 10"), Error);
  CHECK_THROWS_WITH_AS(buffer.draw(0), doctest::Contains("at least one"), Error);
  CHECK_THROWS_WITH_AS(buffer.put_back(Tensor<double>({3, 2})), doctest::Contains("are out"),
                       Error);
  CHECK_THROWS_WITH_AS(ReplayBuffer<double>(0, 0, fresh, Rng(1)), doctest::Contains("empty buffer"),
                       Error);
}

TEST_CASE("CD negatives begin at the data and keep their shape, and each call draws anew") {
  const Energy<double> flat = [](const auto& at) {
    return 0.0 * sum(reshape(square(at.y), {at.rows(), 4}), -1);
  };
  const Tensor<double> images({500, 2, 2, 1}, 3.0);
  const auto negatives = contrastive_divergence<double>({.step = 0.02, .steps = 8, .seed = 1});
  const Tensor<double> one = negatives(flat, images, {}), two = negatives(flat, images, {});
  CHECK(one.shape() == images.shape());
  double square = 0, product = 0;
  for (int64_t i = 0; i < one.size(); ++i) {
    square += std::pow(one[i] - 3, 2) / double(one.size());
    product += (one[i] - 3) * (two[i] - 3) / double(one.size());
  }
  const double expected = 2 * 0.02 * 8;  // the variance of a random walk
  CHECK(std::abs(square - expected) < 4 * expected * std::sqrt(2 / double(one.size())));
  CHECK(std::abs(product) < 4 * expected / std::sqrt(double(one.size())));
}

TEST_CASE("importance-sampled NLL: its gradient is right, and with many samples the exact one") {
  const Tensor<double> data = normals({6, 1}, 8);
  constexpr int64_t kSamples = 100000;
  const auto loss = [&](Vars p, int64_t samples) {
    const Energy<double> energy = [=](const auto& at) {
      return 0.5 * sum(p[1] * square(at.y - p[0]), -1);
    };
    Tensor<double> y = normals({samples, 1}, 9);
    std::vector<double> log_q;
    for (double& v : y.values()) {
      log_q.push_back(-v * v / 2 - std::log(2 * std::numbers::pi * 4) / 2);
      v *= 2;  // q = N(0, 4)
    }
    Tape<double>& tape = p[0].tape();
    return importance_nll_loss(energy({tape.constant(data)}), energy({tape.constant(y)}), log_q,
                               1.3);
  };
  const GradcheckResult r = gradcheck([&](Vars p) { return loss(p, 20); },
                                      {Tensor<double>({1}, 0.3), Tensor<double>({1}, 1.4)});
  CHECK_MESSAGE(r.ok, r.worst);

  Tape<double> tape;
  const std::vector<Var<double>> p{tape.variable(Tensor<double>({1}, 0.3)),
                                   tape.variable(Tensor<double>({1}, 1.4))};
  tape.backward(loss(p, kSamples));
  // Exact: log Z = log(2 pi / beta k) / 2, so dNLL/dm = -beta k (mean - m) and dNLL/dk = beta
  // mean (y - m)^2 / 2 - 1 / 2k.
  double mean = 0, square = 0;
  for (const double v : data.values()) mean += v / 6, square += std::pow(v - 0.3, 2) / 6;
  const double effective = kSamples / 2.0;  // the weights' variance is below 1
  const double deviation = std::sqrt(1 / (1.3 * 1.4));
  CHECK(std::abs(p[0].grad()[0] + 1.3 * 1.4 * (mean - 0.3)) <
        4 * 1.3 * 1.4 * deviation / std::sqrt(effective));
  CHECK(std::abs(p[1].grad()[0] - (1.3 * square / 2 - 1 / 2.8)) <
        4 * 1.3 / 2 * deviation * deviation * std::sqrt(2 / effective));
}

TEST_CASE("NCE recovers mean, precision and log Z within their standard errors") {
  constexpr int64_t kCount = 10000;
  constexpr double kM = 1.5, kK = 4, kNoise = 2;  // data N(1.5, 1/4), noise N(0, 4)
  using std::numbers::pi;
  Tensor<double> data = normals({kCount, 1}, 21), noise = normals({kCount, 1}, 22);
  for (double& v : data.values()) v = kM + v / std::sqrt(kK);
  for (double& v : noise.values()) v *= kNoise;
  const auto log_noise = [&](double y) {
    return -y * y / (2 * kNoise * kNoise) - std::log(2 * pi * kNoise * kNoise) / 2;
  };
  std::vector<double> at_data, at_noise;
  for (const double y : data.values()) at_data.push_back(log_noise(y));
  for (const double y : noise.values()) at_noise.push_back(log_noise(y));

  // E = k y^2 / 2 - b y is linear in (b, k), so the loss is convex in (b, k, log Z), and Newton's
  // method finds its minimum from the noise's own parameters.
  std::vector<double> theta{0, 1 / (kNoise * kNoise), std::log(2 * pi * kNoise * kNoise) / 2};
  const auto gradient = [&] {
    Tape<double> tape;
    std::vector<Var<double>> p;
    for (const double v : theta) p.push_back(tape.variable(Tensor<double>({}, v)));
    const Energy<double> energy = [&](const auto& a) {
      return reshape(0.5 * (p[1] * square(a.y)) - p[0] * a.y, {a.rows()});
    };
    tape.backward(nce_loss(energy({tape.constant(data)}), energy({tape.constant(noise)}), p[2],
                           at_data, at_noise));
    return std::vector<double>{p[0].grad()[0], p[1].grad()[0], p[2].grad()[0]};
  };
  // The Hessian, sum psi psi' sigmoid(G) sigmoid(-G) / N with psi = dG/dtheta = (y, -y^2/2, -1).
  const auto inverse_hessian = [&] {
    Tensor<double> h({3, 3});
    const auto add = [&](double y, double log_density) {
      const double g = theta[0] * y - theta[1] * y * y / 2 - theta[2] - log_density;
      const double psi[3] = {y, -y * y / 2, -1}, s = 1 / (1 + std::exp(-g));
      for (int i = 0; i < 9; ++i) h[i] += psi[i / 3] * psi[i % 3] * s * (1 - s) / kCount;
    };
    for (int64_t i = 0; i < kCount; ++i) add(data[i], at_data[i]), add(noise[i], at_noise[i]);
    return inverse_from_cholesky(cholesky(h));
  };
  for (int step = 0; step < 12; ++step) {
    const std::vector<double> g = gradient();
    const Tensor<double> inverse = inverse_hessian();
    for (size_t i = 0; i < 9; ++i) theta[i / 3] -= inverse[int64_t(i)] * g[i % 3];
  }
  for (const double g : gradient()) REQUIRE(std::abs(g) < 1e-10);

  // Gutmann and Hyvarinen 2012, theorem 3: the covariance is (I^-1 - (1 + 1/nu) e e') / N with e the
  // direction of log Z.
  const Tensor<double> inverse = inverse_hessian();
  const double truth[3] = {kM * kK, kK, 0.5 * std::log(2 * pi / kK) + kM * kM * kK / 2};
  for (size_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    const double error = std::sqrt((inverse[int64_t(i) * 4] - (i == 2 ? 2 : 0)) / kCount);
    CHECK(error < 0.05 * truth[i]);
    CHECK(std::abs(theta[i] - truth[i]) < 4 * error);
  }
  CHECK(theta[0] / theta[1] == doctest::Approx(kM).epsilon(0.02));
}

TEST_CASE("NCE is the cost of telling data from more noise, at any temperature") {
  const std::vector<double> at_data{-1.2, -0.4}, at_noise{-1, -1.5, -0.3, -2, -0.9, -1.1};
  const Tensor<double> data({2}, std::vector<double>{0.2, -0.7});
  const Tensor<double> noise({6}, std::vector<double>{1.1, 0.3, -0.4, 2, 0.9, 0.1});
  constexpr double kBeta = 1.3, kLogZ = 0.3, kRatio = 3;
  // The probability that y is data, where noise comes kRatio times as often.
  const auto is_data = [](double energy, double log_q) {
    const double model = std::exp(-kBeta * energy - kLogZ);
    return model / (model + kRatio * std::exp(log_q));
  };
  double expected = 0;
  for (int64_t i = 0; i < 2; ++i) expected -= std::log(is_data(data[i], at_data[i])) / 2;
  for (int64_t i = 0; i < 6; ++i) expected -= std::log(1 - is_data(noise[i], at_noise[i])) / 2;
  Tape<double> tape;
  const Var<double> loss = nce_loss(tape.constant(data), tape.constant(noise), tape.constant(kLogZ),
                                    at_data, at_noise, kBeta);
  CHECK(loss.item() == doctest::Approx(expected).epsilon(1e-12));
}

TEST_CASE("the sampled losses' gradients in the energies are those of differences") {
  const std::vector<double> at_data{-1, -2, -0.5}, at_noise{-1, -1.5};
  const std::vector<Tensor<double>> x{normals({3}, 31), normals({2}, 32), Tensor<double>({}, 0.4)};
  for (const Function& f : {
           Function([](Vars v) { return contrastive_loss(v[0], v[1], 1.3) + 0.0 * v[2]; }),
           Function(
               [&](Vars v) { return importance_nll_loss(v[0], v[1], at_noise, 1.3) + 0.0 * v[2]; }),
           Function([&](Vars v) { return nce_loss(v[0], v[1], v[2], at_data, at_noise, 1.3); }),
       }) {
    const GradcheckResult first = gradcheck(f, x), second = gradgradcheck(f, x);
    CHECK_MESSAGE(first.ok, first.worst);
    CHECK_MESSAGE(second.ok, second.worst);
  }
}

TEST_CASE("sampled losses refuse empty negatives and impossible densities") {
  Tape<double> tape;
  const Var<double> some = tape.full({3}, 1), none = tape.full({0}, 1), z = tape.constant(0.0);
  const std::vector<double> three(3, -1.0), two(2, -1.0);
  const std::vector<double> impossible{-1, -INFINITY, -1};
  CHECK_THROWS_WITH_AS(contrastive_loss(some, none), doctest::Contains("nothing to push up"),
                       Error);
  CHECK_THROWS_WITH_AS(contrastive_loss(none, some), doctest::Contains("one a sample"), Error);
  CHECK_THROWS_WITH_AS(contrastive_loss(some, some, NAN), doctest::Contains("beta is nan"), Error);
  CHECK_THROWS_WITH_AS(importance_nll_loss(some, some, two), doctest::Contains("2 log densities"),
                       Error);
  CHECK_THROWS_WITH_AS(nce_loss(some, some, z, three, impossible),
                       doctest::Contains("log density of sample 1"), Error);
  CHECK_THROWS_WITH_AS(nce_loss(some, some, some, three, three), doctest::Contains("one number"),
                       Error);
  const auto cd = contrastive_divergence<double>({.steps = 1});
  const Energy<double> energy = [](const auto& at) { return sum(square(at.y), -1); };
  CHECK_THROWS_WITH_AS(cd(energy, Tensor<double>({0, 2}), {}), doctest::Contains("at least one"),
                       Error);
}

}  // namespace
}  // namespace talweg::ebm
