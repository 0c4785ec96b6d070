#include "ebm/losses/score_matching.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/gradcheck.h"
#include "core/ops.h"
#include "ebm/energies/gaussian_mixture.h"
#include "ebm/sampling/noise.h"

namespace talweg::ebm {
namespace {

using Vars = std::span<const Var<double>>;

Tensor<double> normals(const Shape& shape, uint64_t seed) {
  Tensor<double> z(shape);
  fill_normal(noise_of(seed, Purpose::corrupt, 0), z.values());
  return z;
}

/// E = sum_d k_d (y_d - m_d)^2 / 2 with m and k on the tape.
Energy<double> gaussian(Var<double> m, Var<double> k) {
  return [=](const Arguments<double>& at) { return 0.5 * sum(k * square(at.y - m), -1); };
}

/// A small network of y[N,D]: E = sum_j v_j tanh(y W + b)_j + |y|^2 / 4.
Energy<double> network(Vars p) {
  const std::vector<Var<double>> held(p.begin(), p.end());
  return [held](const Arguments<double>& at) {
    return sum(held[2] * tanh(matmul(at.y, held[0]) + held[1]), -1) + 0.25 * sum(square(at.y), -1);
  };
}
std::vector<Tensor<double>> network_parameters() {
  return {normals({2, 3}, 11), normals({3}, 12), normals({3}, 13)};
}

struct Moments {
  Tensor<double> mean, precision;
};
Moments moments_of(const Tensor<double>& y) {
  const int64_t n = y.shape()[0], d = y.shape()[1];
  Moments m{Tensor<double>({d}), Tensor<double>({d})};
  for (int64_t i = 0; i < y.size(); ++i) m.mean[i % d] += y[i] / double(n);
  for (int64_t i = 0; i < y.size(); ++i) {
    m.precision[i % d] += std::pow(y[i] - m.mean[i % d], 2) / double(n);
  }
  for (double& v : m.precision.values()) v = 1 / v;
  return m;
}

TEST_CASE("score matching is stationary exactly at a Gaussian sample's moments, for any beta") {
  Tensor<double> y = normals({50, 3}, 1);
  for (int64_t i = 0; i < y.size(); ++i) y[i] = 2 + y[i] * double(1 + i % 3);
  Moments at = moments_of(y);
  for (const double beta : {1.0, 2.5}) {
    for (double shift : {0.0, 0.1}) {
      Tape<double> tape;
      Tensor<double> k = at.precision;
      for (double& v : k.values()) v = v / beta + shift;
      const Var<double> mean = tape.variable(at.mean), precision = tape.variable(k);
      tape.backward(score_matching_loss(gaussian(mean, precision), {tape.variable(y)}, beta));
      const Tensor<double> mean_slope = mean.grad(), precision_slope = precision.grad();
      for (const double g : mean_slope.values()) CHECK(std::abs(g) < 1e-12);
      for (const double g : precision_slope.values()) {
        CAPTURE(g);
        CHECK((shift == 0 ? std::abs(g) < 1e-12 : g > 1e-3));
      }
    }
  }
}

TEST_CASE("the losses' gradients in the parameters are those of differences") {
  const Tensor<double> y = normals({4, 2}, 2), v = normals({4, 2}, 3);
  const auto check = [](auto loss) {
    const GradcheckResult r =
        gradcheck([&](Vars p) { return loss(network(p), p[0].tape()); }, network_parameters());
    CHECK_MESSAGE(r.ok, r.worst);
  };
  check([&](auto e, auto& t) { return score_matching_loss(e, {t.variable(y)}, 1.5); });
  check([&](auto e, auto& t) { return sliced_score_matching_loss(e, {t.variable(y)}, v, 1.5); });
  check([&](auto e, auto& t) {
    return sliced_score_matching_loss(e, {t.variable(y)}, v, 1.5, false);
  });
  check([&](auto e, auto& t) {
    return denoising_score_matching_loss(e, {t.constant(y)}, v, 0.7, 1.5);
  });
}

TEST_CASE(
    "score matching's value is -beta lap E + beta^2 |dE/dy|^2 / 2, of a mixture by differences") {
  Tensor<double> means({2, 2}, std::vector<double>{-1, 0, 1, 0.5});
  const GaussianMixture mixture({0.3, 0.7}, means, {0.5, 0.8});
  const Tensor<double> y = normals({5, 2}, 4);
  constexpr double kBeta = 1.7, kH = 1e-4;
  double expected = 0;
  for (int64_t i = 0; i < 5; ++i) {
    for (int64_t d = 0; d < 2; ++d) {
      std::vector<double> up{y[2 * i], y[2 * i + 1]}, down = up;
      up[d] += kH;
      down[d] -= kH;
      const double at = mixture.score(std::vector<double>{y[2 * i], y[2 * i + 1]})[d];
      expected += kBeta * (mixture.score(up)[d] - mixture.score(down)[d]) / (2 * kH) / 5;
      expected += kBeta * kBeta * at * at / 2 / 5;
    }
  }
  Tape<double> tape;
  const double found = score_matching_loss<double>(mixture, {tape.variable(y)}, kBeta).item();
  CHECK(found == doctest::Approx(expected).epsilon(1e-7));
}

TEST_CASE("sliced score matching is unbiased for the exact one, in both forms") {
  const Tensor<double> y = normals({3, 2}, 5);
  Tape<double> tape;
  std::vector<Var<double>> held;
  for (const auto& p : network_parameters()) held.push_back(tape.constant(p));
  const Energy<double> energy = network(held);
  const double exact = score_matching_loss(energy, {tape.variable(y)}).item();
  for (const Projection kind : {Projection::normal, Projection::rademacher}) {
    for (const bool reduced : {true, false}) {
      constexpr int kRuns = 4000;
      double mean = 0, square = 0;
      for (int run = 0; run < kRuns; ++run) {
        const TapeScope<double> scope(tape);
        const auto v = draw_projections<double>(y.shape(), kind, 6, uint64_t(run));
        const double loss =
            sliced_score_matching_loss(energy, {tape.variable(y)}, v, 1, reduced).item();
        mean += loss / kRuns;
        square += loss * loss / kRuns;
      }
      const double error = std::sqrt((square - mean * mean) / kRuns);
      CHECK(error > 0);
      CHECK(std::abs(mean - exact) < 4 * error);
    }
  }
}

TEST_CASE("with Rademacher directions a diagonal Hessian's trace is exact at once") {
  const Tensor<double> y = normals({10, 3}, 7);
  Tape<double> tape;
  const Energy<double> energy = gaussian(tape.constant(normals({3}, 8)), tape.full({3}, 1.5));
  const auto v = draw_projections<double>(y.shape(), Projection::rademacher, 9, 0);
  CHECK(sliced_score_matching_loss(energy, {tape.variable(y)}, v).item() ==
        doctest::Approx(score_matching_loss(energy, {tape.variable(y)}).item()).epsilon(1e-12));
}

TEST_CASE("denoising a Gaussian learns the smoothed precision 1 / (v + sigma^2), with a plus") {
  constexpr int64_t kMany = 200000;
  constexpr double kV = 0.5, kSigma = 0.6;
  Tensor<double> y = normals({kMany, 1}, 10);
  for (double& x : y.values()) x *= std::sqrt(kV);
  const Tensor<double> xi = normals({kMany, 1}, 20);
  // The loss is a parabola in k: its gradient at 0 and at 1 say where it is lowest.
  const auto slope = [&](double k) {
    Tape<double> tape;
    const Var<double> precision = tape.variable(Tensor<double>({1}, k));
    tape.backward(denoising_score_matching_loss(gaussian(tape.full({1}, 0), precision),
                                                {tape.constant(y)}, xi, kSigma));
    return precision.grad()[0];
  };
  const double at_zero = slope(0), best = at_zero / (at_zero - slope(1));
  CHECK(at_zero < 0);  // the energy must become a bowl, not a hill
  const double expected = 1 / (kV + kSigma * kSigma);
  // best = sum(xi noisy / sigma) / sum(noisy^2); its variance by the delta method.
  const double error = std::sqrt((1 / (kSigma * kSigma) - expected) * expected / double(kMany));
  CHECK(std::abs(best - expected) < 4 * error);
  CHECK(std::abs(best - 1 / kV) > 40 * error);
}

TEST_CASE("denoising a mixture is lowest at the smoothed mixture, not at the sharp one") {
  constexpr int64_t kMany = 100000;
  constexpr double kSigma = 0.5;
  const Tensor<double> means({2, 2}, std::vector<double>{-1, 0, 1.5, 0.5});
  const GaussianMixture sharp({0.4, 0.6}, means, {0.2, 0.3});
  Rng rng(1);
  const Tensor<double> y = sharp.sample(kMany, rng), xi = normals({kMany, 2}, 30);
  // E with every parameter on the tape: log weights, means and variances.
  const auto energy_of = [](Vars p) -> Energy<double> {
    const std::vector<Var<double>> held(p.begin(), p.end());
    return [held](const Arguments<double>& at) {
      std::vector<Var<double>> parts;
      for (int32_t k = 0; k < 2; ++k) {
        const Var<double> v = slice(held[2], 0, k, 1), m = slice(held[1], 0, k, 1);
        const Var<double> far = sum(square(at.y - m), -1, true);
        parts.push_back(slice(held[0], 0, k, 1) - log(v) - 0.5 * (far / v));
      }
      return -logsumexp(concat<double>(parts, 1));
    };
  };
  // z-scores of the loss's gradient: batches make the standard error.
  const auto deviations = [&](double variance_shift) {
    constexpr int64_t kBatches = 50, kRows = kMany / kBatches;
    std::vector<double> total(8), squares(8);
    for (int64_t b = 0; b < kBatches; ++b) {
      Tape<double> tape;
      const auto rows = [&](const Tensor<double>& from) {
        return Tensor<double>({kRows, 2}, from.values().subspan(size_t(b * kRows * 2), kRows * 2));
      };
      const std::vector<Var<double>> p{
          tape.variable(Tensor<double>({2}, std::vector<double>{std::log(0.4), std::log(0.6)})),
          tape.variable(means),
          tape.variable(Tensor<double>(
              {2}, std::vector<double>{0.2 + variance_shift, 0.3 + variance_shift}))};
      tape.backward(
          denoising_score_matching_loss(energy_of(p), {tape.constant(rows(y))}, rows(xi), kSigma));
      size_t i = 0;
      for (const Var<double>& v : p) {
        const Tensor<double> slope = v.grad();
        for (const double g : slope.values()) {
          total[i] += g / kBatches;
          squares[i++] += g * g / kBatches;
        }
      }
    }
    std::vector<double> z;
    for (size_t i = 0; i < 8; ++i) {
      z.push_back(total[i] / std::sqrt((squares[i] - total[i] * total[i]) / (kBatches - 1)));
    }
    return z;
  };
  for (const double z : deviations(kSigma * kSigma)) CHECK(std::abs(z) < 4);
  const std::vector<double> at_sharp = deviations(0);
  CHECK(at_sharp[6] < -20);  // both variances have to grow
  CHECK(at_sharp[7] < -20);
}

TEST_CASE("score matching refuses what it can't differentiate or average") {
  Tape<double> tape;
  const Energy<double> energy = gaussian(tape.full({2}, 0), tape.full({2}, 1));
  const Tensor<double> y({3, 2}), v({3, 1});
  CHECK_THROWS_WITH_AS(score_matching_loss(energy, {tape.constant(y)}),
                       doctest::Contains("tape.variable"), Error);
  CHECK_THROWS_WITH_AS(score_matching_loss(energy, {tape.variable(Tensor<double>({0, 2}))}),
                       doctest::Contains("at least one"), Error);
  CHECK_THROWS_WITH_AS(score_matching_loss(energy, {tape.variable(y)}, -1),
                       doctest::Contains("beta is -1"), Error);
  CHECK_THROWS_WITH_AS(sliced_score_matching_loss(energy, {tape.variable(y)}, v),
                       doctest::Contains("directions [3,1]"), Error);
  CHECK_THROWS_WITH_AS(denoising_score_matching_loss(energy, {tape.variable(y)}, y, 0),
                       doctest::Contains("sigma is 0"), Error);
}

}  // namespace
}  // namespace talweg::ebm
