#include "ebm/losses/label_losses.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/gradcheck.h"
#include "core/ops/reduce.h"
#include "core/ops/softmax.h"
#include "core/rng.h"
#include "ebm/losses/negatives.h"

using namespace talweg;
using namespace talweg::ebm;

namespace {

using V = Var<double>;
using Labels = std::vector<int32_t>;

Tensor<double> random_energies(int64_t n, int64_t k, uint64_t seed, double spread = 1) {
  Rng rng(seed);
  Tensor<double> f({n, k});
  for (double& v : f.values()) v = spread * rng.normal();
  return f;
}

/// The energies that gradient descent with steps of size 1 on the mean loss finds from 0.
template <class Loss> Tensor<double> descend(int64_t n, int64_t k, int64_t steps, Loss loss) {
  Tensor<double> f({n, k});
  for (int64_t t = 0; t < steps; ++t) {
    Tape<double> tape;
    const V leaf = tape.borrow(f, true);
    tape.backward(sum(loss(leaf)));
    for (int64_t i = 0; i < f.size(); ++i) f[i] -= leaf.grad_view()[std::size_t(i)];
  }
  return f;
}

}  // namespace

TEST_CASE("each label loss has the gradients that differences give, of both orders") {
  const Labels labels{2, 0, 1};
  const Tensor<double> q = smoothed_labels<double>(labels, 4, 0.3);
  const auto check = [&](const char* name, const Function& f, bool smooth = true) {
    const Tensor<double> at = random_energies(3, 4, 5);
    const GradcheckResult first = gradcheck(f, {at});
    CHECK_MESSAGE(first.ok, name << ": " << first.worst);
    if (!smooth) return;
    const GradcheckResult second = gradgradcheck(f, {at});
    CHECK_MESSAGE(second.ok, name << ": " << second.worst);
  };
  check(
      "perceptron", [&](auto x) { return perceptron_loss(x[0], labels); }, false);
  check("nll", [&](auto x) { return nll_loss(x[0], labels, 0.7); });
  check("nll / beta", [&](auto x) { return nll_loss(x[0], labels, 3, NllUnit::energy); });
  check("soft nll", [&](auto x) { return soft_nll_loss(x[0], q, 2); });
  check("mee", [&](auto x) { return mee_loss(x[0], labels, 1.5); });
  check("info nce", [&](auto x) {
    return info_nce_loss(reshape(slice(x[0], 1, 0, 1), {3}), slice(x[0], 1, 1, 3), 2);
  });
}

TEST_CASE("the NLL's gradient is the exact expectation and sums to zero over the labels") {
  for (const double beta : {0.25, 1.0, 4.0}) {
    Tape<double> tape;
    const Tensor<double> f = random_energies(4, 6, 2);
    const V leaf = tape.borrow(f, true);
    const Labels labels{5, 0, 3, 3};
    const V loss = nll_loss(leaf, labels, beta, NllUnit::energy);
    const V g = tape.grad(sum(loss), {{leaf}})[0];
    for (int64_t r = 0; r < 4; ++r) {
      double z = 0, total = 0;
      for (int64_t k = 0; k < 6; ++k) z += std::exp(-beta * f[6 * r + k]);
      CHECK(loss.data()[r] ==
            doctest::Approx(f[6 * r + labels[std::size_t(r)]] + std::log(z) / beta));
      for (int64_t k = 0; k < 6; ++k) {
        const double p = std::exp(-beta * f[6 * r + k]) / z;
        const double expected = (k == labels[std::size_t(r)] ? 1 : 0) - p;
        CHECK(g.data()[6 * r + k] == doctest::Approx(expected).epsilon(1e-12));
        total += g.data()[6 * r + k];
      }
      CHECK(std::abs(total) <= 1e-14);
    }
  }
}

TEST_CASE("the NLL doesn't see a shift of all energies, and in nats it is beta times as much") {
  Tape<double> tape;
  const Tensor<double> f = random_energies(1, 5, 3);
  const V at = tape.constant(f);
  const double in_energy = nll_loss(at, Labels{1}, 3, NllUnit::energy).item();
  CHECK(nll_loss(at + 100.0, Labels{1}, 3, NllUnit::energy).item() == doctest::Approx(in_energy));
  CHECK(nll_loss(at, Labels{1}, 3).item() == doctest::Approx(3 * in_energy));
}

TEST_CASE_TEMPLATE("the NLL of a sure label never rounds below zero", T, float, double) {
  Rng rng(7);
  for (int i = 0; i < 2000; ++i) {
    Tape<T> tape;
    Tensor<T> f({1, 5});
    for (T& v : f.values()) v = T(std::exp(rng.uniform(0, 14)) * rng.normal());
    f[2] = T(-1e7 * rng.uniform());
    CHECK(nll_loss(tape.constant(f), Labels{2}, 0.7).item() >= 0);
  }
}

TEST_CASE("the perceptron loss is the NLL's limit, at most log K / beta below") {
  const Tensor<double> f = random_energies(3, 7, 4);
  const Labels labels{1, 6, 2};
  Tape<double> tape;
  const V hard = perceptron_loss(tape.constant(f), labels);
  for (const double beta : {0.5, 5.0, 500.0}) {
    const V soft = nll_loss(tape.constant(f), labels, beta, NllUnit::energy);
    for (int i = 0; i < 3; ++i) {
      const double above = soft.data()[i] - hard.data()[i];
      CHECK(above >= 0);
      CHECK(above <= std::log(7.0) / beta);
    }
  }
}

TEST_CASE("with noisy labels the best energies are -(1/beta) log q, up to a shift") {
  const std::vector<double> q{0.5, 0.3, 0.15, 0.05};
  for (const double beta : {0.5, 2.0}) {
    const Tensor<double> f = descend(1, 4, 20000 / int64_t(beta * 2), [&](V leaf) {
      return soft_nll_loss(leaf, Tensor<double>({1, 4}, q), beta, NllUnit::energy);
    });
    for (int k = 1; k < 4; ++k) {
      CHECK(f[k] - f[0] ==
            doctest::Approx(-std::log(q[std::size_t(k)] / q[0]) / beta).epsilon(1e-6));
    }
    Tape<double> tape;  // and the loss there is q's entropy
    double entropy = 0;
    for (double v : q) entropy -= v * std::log(v);
    const V loss = soft_nll_loss(tape.constant(f), Tensor<double>({1, 4}, q), beta);
    CHECK(loss.item() == doctest::Approx(entropy));
  }
}

TEST_CASE("label smoothing stops at its finite gap, and a sure label does not") {
  const double epsilon = 0.1, beta = 2;
  const int64_t n = 5;
  const Labels labels{3};
  const Tensor<double> smooth = descend(1, n, 4000, [&](V leaf) {
    return soft_nll_loss(leaf, smoothed_labels<double>(labels, n, epsilon), beta, NllUnit::energy);
  });
  const double gap = std::log((1 - epsilon) * double(n - 1) / epsilon) / beta;
  for (const int k : {0, 1, 2, 4})
    CHECK(smooth[k] - smooth[3] == doctest::Approx(gap).epsilon(1e-8));
  // A sure label's gap still grows, by log(10) / beta a decade of steps.
  const auto sure = [&](V leaf) { return nll_loss(leaf, labels, beta, NllUnit::energy); };
  const Tensor<double> early = descend(1, n, 1000, sure), late = descend(1, n, 10000, sure);
  const double growth = (late[0] - late[3]) - (early[0] - early[3]);
  CHECK(growth == doctest::Approx(std::log(10.0) / beta).epsilon(0.02));
}

TEST_CASE("smoothed labels are probabilities with the given mass on the label") {
  const Tensor<double> q = smoothed_labels<double>(Labels{1, 0}, 3, 0.2);
  CHECK(q[1] == doctest::Approx(0.8));
  CHECK(q[0] == doctest::Approx(0.1));
  CHECK(q[3] == doctest::Approx(0.8));
  CHECK(smoothed_labels<double>(Labels{1}, 3, 0)[1] == 1);
}

TEST_CASE("the MEE loss is the chance of a wrong answer and keeps its digits near 0") {
  Tape<double> tape;
  const V f = tape.constant(Tensor<double>({1, 3}, std::vector<double>{-50, 0, 1}));
  CHECK(mee_loss(f, Labels{0}).item() ==
        doctest::Approx(std::exp(-50.0) * (1 + std::exp(-1.0))).epsilon(1e-12));
}

TEST_CASE("InfoNCE with every wrong label is the NLL, and of equal energies costs log(K + 1)") {
  Tape<double> tape;
  const V f = tape.constant(random_energies(3, 5, 8));
  const Labels labels{4, 0, 2};
  const V nce = info_nce_loss(pick(f, labels), wrong_energies(f, labels), 1.7);
  const V nll = nll_loss(f, labels, 1.7);
  for (int i = 0; i < 3; ++i) CHECK(nce.data()[i] == doctest::Approx(nll.data()[i]).epsilon(1e-12));
  const V flat =
      info_nce_loss(tape.constant(Tensor<double>({1})), tape.constant(Tensor<double>({1, 8})));
  CHECK(flat.item() == doctest::Approx(std::log(9.0)));
}

TEST_CASE("InfoNCE's bound on the mutual information is below it and below log(K + 1)") {
  // x, y in {0, 1}, equal with probability 0.9: I(x;y) is known, and the optimal energies are
  // -log p(y|x)/p(y).
  Rng rng(9);
  const double same = 0.9;
  const double information = same * std::log(same / 0.5) + (1 - same) * std::log((1 - same) / 0.5);
  const auto energy = [&](int x, int y) { return -std::log((x == y ? same : 1 - same) / 0.5); };
  for (const int64_t k : {1, 7, 63}) {
    const int64_t n = 4000;
    Tensor<double> good({n}), bad({n, k});
    for (int64_t i = 0; i < n; ++i) {
      const int x = int(rng.below(2)), y = rng.uniform() < same ? x : 1 - x;
      good[i] = energy(x, y);
      for (int64_t j = 0; j < k; ++j) bad[i * k + j] = energy(x, int(rng.below(2)));
    }
    Tape<double> tape;
    const V loss = info_nce_loss(tape.constant(good), tape.constant(bad));
    double mean = 0, square = 0;
    for (const double l : loss.values()) mean += l / double(n);
    for (const double l : loss.values()) square += (l - mean) * (l - mean) / double(n - 1);
    const double bound = std::log(double(k + 1)) - mean, error = std::sqrt(square / double(n));
    CHECK(bound <= information + 4 * error);
    CHECK(bound <= std::log(double(k + 1)));
    if (k == 63) CHECK(bound >= information - 4 * error - 0.01);  // tight with many negatives
    if (k == 1) CHECK(bound < information - 0.05);                // and loose with one
  }
}

TEST_CASE("negatives: all, sampled, most offending") {
  Tape<double> tape;
  const V f = tape.constant(Tensor<double>({2, 4}, std::vector<double>{3, 1, 2, 0, 5, 5, 4, 6}));
  const Labels labels{3, 2};
  CHECK(most_offending(f, labels) == Labels{1, 0});  // the first among equals
  const V wrong = wrong_energies(f, labels);
  CHECK(wrong.shape() == Shape{2, 3});
  CHECK(wrong.data()[2] == 2);
  CHECK(wrong.data()[5] == 6);
  Rng rng(1);
  std::vector<int> counts(4, 0);
  const Labels drawn = sample_wrong_labels(labels, 4, 3000, rng);
  for (std::size_t i = 0; i < 3000; ++i) {
    CHECK(drawn[i] != 3);
    CHECK(drawn[3000 + i] != 2);
    ++counts[std::size_t(drawn[i])];
  }
  for (int k = 0; k < 3; ++k) CHECK(std::abs(counts[std::size_t(k)] - 1000) <= 4 * 26);
  CHECK(energies_of(f, Labels{0, 1, 3, 2}).data()[2] == 6);
  CHECK(energies_of(f, Labels{0, 1, 3, 2}).shape() == Shape{2, 2});
}

TEST_CASE("negatives that are points: uniform, and the most offending outside a distance") {
  const Energy<double> bowl = [](const auto& at) { return sum(square(at.y), -1); };
  Rng rng(2);
  const Tensor<double> y({3, 2}, 0.1), none;
  const Tensor<double> anywhere = uniform_negatives<double>(-1, 2, rng)(bowl, y, none);
  CHECK(anywhere.shape() == y.shape());
  for (const double v : anywhere.values()) CHECK((v >= -1 && v < 2));
  const Tensor<double> candidates({3, 2}, std::vector<double>{0, 0, 1, 1, 3, 0});
  const auto worst = offending_negatives<double>(candidates, 0.5);
  CHECK(worst(bowl, y, none)[0] == 1);  // (0,0) is lower but too near
  // With x the energies differ from row to row.
  const Energy<double> apart = [](const auto& at) { return sum(square(at.y - at.x), -1); };
  const Tensor<double> x({3, 2}, std::vector<double>{3, 0, 0, 0, 1, 1});
  const Tensor<double> found = worst(apart, y, x);
  CHECK(found[0] == 3);
  CHECK(found[2] == 1);
  CHECK(found[4] == 1);
}

TEST_CASE("losses over labels refuse bad input with the reason") {
  Tape<double> tape;
  const V f = tape.constant(Tensor<double>({2, 3})), one = tape.constant(Tensor<double>({2, 1}));
  const Labels labels{0, 1};
  for (const double beta : {0.0, -2.0, std::nan(""), double(INFINITY)}) {
    CHECK_THROWS_WITH_AS(nll_loss(f, labels, beta), doctest::Contains("beta is"), Error);
    CHECK_THROWS_WITH_AS(mee_loss(f, labels, beta), doctest::Contains("beta is"), Error);
  }
  CHECK_THROWS_WITH_AS(nll_loss(f, Labels{0}), doctest::Contains("need 2 labels, found 1"), Error);
  CHECK_THROWS_WITH_AS(nll_loss(f, Labels{0, 3}), doctest::Contains("index 3"), Error);
  CHECK_THROWS_WITH_AS(nll_loss(tape.constant(Tensor<double>({3})), labels),
                       doctest::Contains("must be [N,K]"), Error);
  CHECK_THROWS_WITH_AS(soft_nll_loss(f, Tensor<double>({2, 3}, 0.5)),
                       doctest::Contains("sum to 1.5"), Error);
  CHECK_THROWS_WITH_AS(soft_nll_loss(f, Tensor<double>({2, 3}, -1.0)),
                       doctest::Contains("no probability"), Error);
  CHECK_THROWS_WITH_AS(smoothed_labels<double>(labels, 3, 1), doctest::Contains("epsilon is 1"),
                       Error);
  const V good = tape.constant(Tensor<double>({2}));
  CHECK_THROWS_WITH_AS(info_nce_loss(good, tape.constant(Tensor<double>({2, 0}))),
                       doctest::Contains("no negatives"), Error);
  CHECK_THROWS_WITH_AS(wrong_energies(one, Labels{0, 0}), doctest::Contains("no negatives"), Error);
  CHECK_THROWS_WITH_AS(most_offending(one, Labels{0, 0}), doctest::Contains("no negatives"), Error);
  CHECK_THROWS_WITH_AS(energies_of(f, {}), doctest::Contains("no negatives"), Error);
  Rng rng(1);
  CHECK_THROWS_WITH_AS(sample_wrong_labels(labels, 3, 0, rng), doctest::Contains("no negatives"),
                       Error);
  const Energy<double> bowl = [](const auto& at) { return sum(square(at.y), -1); };
  CHECK_THROWS_WITH_AS(
      offending_negatives<double>(Tensor<double>({1, 2}), 1)(bowl, Tensor<double>({2, 2}), {}),
      doctest::Contains("has no negatives"), Error);
  CHECK_THROWS_WITH_AS(offending_negatives<double>(Tensor<double>({0, 2}), 1),
                       doctest::Contains("no negatives"), Error);
}
