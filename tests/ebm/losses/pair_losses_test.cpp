#include "ebm/losses/pair_losses.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/gradcheck.h"
#include "core/ops/reduce.h"
#include "core/rng.h"
#include "ebm/losses/label_losses.h"
#include "ebm/losses/loss_plane.h"

using namespace talweg;
using namespace talweg::ebm;

namespace {

using V = Var<double>;

Tensor<double> vec(std::vector<double> values) {
  return Tensor<double>({std::ssize(values)}, values);
}

/// Energies away from every kink at margin and cap 1: at E = 0, Ebar = 1, E = Ebar, E = Ebar +- 1.
const std::vector<Tensor<double>> kPairs{vec({0.3, -0.4, 1.7, -2.1, 0.9}),
                                         vec({0.6, 1.5, 0.2, -1.4, 2.6})};

double one(V (*loss)(V, V), double good, double bad) {
  Tape<double> tape;
  return loss(tape.constant(vec({good})), tape.constant(vec({bad}))).item();
}

}  // namespace

TEST_CASE("each pair loss has the gradients that differences give, of both orders") {
  for (const PairLoss& l : pair_losses()) {
    const Function f = [&](std::span<const V> x) { return l.loss(x[0], x[1]); };
    const GradcheckResult first = gradcheck(f, kPairs);
    CHECK_MESSAGE(first.ok, l.name << ": " << first.worst);
    if (l.name == "energy") continue;  // linear: there is no second derivative to record
    const GradcheckResult second = gradgradcheck(f, kPairs);
    CHECK_MESSAGE(second.ok, l.name << ": " << second.worst);
  }
}

TEST_CASE("each pair loss has the value of its formula") {
  const double e = 0.7, w = 1.2;
  const auto at = [&](int i) { return one(pair_losses()[std::size_t(i)].loss, e, w); };
  CHECK(at(0) == e);
  CHECK(at(1) == doctest::Approx(0.5));
  CHECK(at(2) == doctest::Approx(std::log1p(std::exp(-0.5))));
  CHECK(at(3) == 0);
  CHECK(at(4) == doctest::Approx(1 / (1 + std::exp(0.5))));
  CHECK(at(5) == doctest::Approx(0.49));
  CHECK(at(6) == doctest::Approx(0.49));
  CHECK(at(7) == doctest::Approx(0.49 + std::exp(-1.2)));
  CHECK(at(8) == doctest::Approx(0.7));
  // On the side where all are violated.
  CHECK(one([](V a, V b) { return lvq2_loss(a, b, 0.25); }, 3, 1) == 0.25);
  CHECK(one([](V a, V b) { return hinge_loss(a, b, 2); }, 3, 1) == 4);
  CHECK(one([](V a, V b) { return simple_loss(a, b, 2); }, 3, 1) == 4);
  CHECK(one([](V a, V b) { return square_square_loss(a, b, 2); }, 3, 1) == 10);
  CHECK(one([](V a, V b) { return square_square_loss(a, b, 2); }, -3, 1) == 1);
  CHECK(one([](V a, V b) { return square_square_exact_loss(a, b, 2); }, -3, 1) == 10);
  CHECK(one([](V a, V b) { return square_exp_loss(a, b, 3); }, 0, 1) ==
        doctest::Approx(3 * std::exp(-1.0)));
  CHECK(one([](V a, V b) { return mce_loss(a, b, 2); }, 1, 1) == 0.5);
}

TEST_CASE("a hinge takes a margin for each sample") {
  Tape<double> tape;
  const V e = tape.variable(vec({1, 1})), w = tape.variable(vec({2, 2}));
  const std::vector<double> margins{0.5, 3};
  const V loss = hinge_loss(e, w, margins);
  CHECK(loss.data()[0] == 0);
  CHECK(loss.data()[1] == 2);
  tape.backward(sum(loss));
  CHECK(e.grad()[0] == 0);
  CHECK(e.grad()[1] == 1);
  CHECK(w.grad()[1] == -1);
}

TEST_CASE("at its kinks a loss takes the slope 0") {
  const auto slope = [](V (*loss)(V, V), double good, double bad) {
    Tape<double> tape;
    const V e = tape.variable(vec({good}));
    tape.backward(loss(e, tape.variable(vec({bad}))));
    return e.grad()[0];
  };
  CHECK(slope([](V a, V b) { return hinge_loss(a, b, 1); }, 1, 2) == 0);
  CHECK(slope([](V a, V b) { return lvq2_loss(a, b, 1); }, 1, 1) == 0);
  CHECK(slope([](V a, V b) { return lvq2_loss(a, b, 1); }, 2, 1) == 0);
  CHECK(slope([](V a, V b) { return lvq2_loss(a, b, 1); }, 1.5, 1) == 1);
  CHECK(slope([](V a, V b) { return simple_loss(a, b, 1); }, 0, 1) == 0);
}

TEST_CASE("the plane of energies shows which losses keep a margin") {
  const double low = -4, high = 4, step = 0.125;
  const int n = 65;
  for (const PairLoss& l : pair_losses()) {
    const double kept = kept_margin(loss_plane(l.loss, low, high, n));
    INFO(l.name << " keeps " << kept);
    if (l.margin == "m") CHECK(std::abs(kept - 1) <= step);
    if (l.margin == "0") CHECK(std::abs(kept) <= step);
    if (l.margin == "none") CHECK(kept <= -1);
    if (l.margin == "> 0") CHECK(kept >= 3);  // as much as the grid has room for
  }
  // The losses over all labels, with two of them.
  const auto of_two = [](V a, V b) {
    return concat({reshape(a, {a.size(), 1}), reshape(b, {b.size(), 1})}, 1);
  };
  static const auto two = of_two;
  const auto zeros = [](V a) { return std::vector<int32_t>(std::size_t(a.size()), 0); };
  static const auto first = zeros;
  const auto margin = [&](PairLossFunction f) { return kept_margin(loss_plane(f, low, high, n)); };
  CHECK(std::abs(margin([](V a, V b) { return perceptron_loss(two(a, b), first(a)); })) <= step);
  CHECK(margin([](V a, V b) { return nll_loss(two(a, b), first(a)); }) >= 3);
  CHECK(margin([](V a, V b) { return mee_loss(two(a, b), first(a)); }) >= 3);
}

TEST_CASE("square-square with the misprinted minus is lowest on the wrong side") {
  const PairLossFunction misprint = [](V e, V w) {
    return square(e) - square(relu(1.0 * -w + 1.0));
  };
  const PairLossFunction right = [](V e, V w) { return square_square_exact_loss(e, w, 1); };
  const auto lowest = [](const LossPlane& p) {
    const auto at = std::min_element(p.loss.begin(), p.loss.end()) - p.loss.begin();
    const auto n = std::ssize(p.at);
    return std::pair(p.at[std::size_t(at / n)], p.at[std::size_t(at % n)]);
  };
  const LossPlane wrong_plane = loss_plane(misprint, -4, 4, 65);
  CHECK(kept_margin(wrong_plane) <= -1);
  CHECK(lowest(wrong_plane) == std::pair(0.0, -4.0));  // the wrong answer far below the right one
  const auto [e, w] = lowest(loss_plane(right, -4, 4, 65));
  CHECK(e == 0);
  CHECK(w >= 1);
}

TEST_CASE("only square-square and square-exp pull without a limit") {
  for (const PairLoss& l : pair_losses()) {
    const LossPlane plane = loss_plane(l.loss, -50, 50, 21);
    const auto largest = [](const std::vector<double>& v) {
      double m = 0;
      for (double g : v) m = std::max(m, std::abs(g));
      return m;
    };
    CHECK_MESSAGE((std::max(largest(plane.d_good), largest(plane.d_bad)) <= 1) == l.bounded,
                  l.name);
  }
}

TEST_CASE("the log loss is the NLL of two labels, and within log 2 / beta of the hinge at 0") {
  Rng rng(1);
  double widest = 0;
  for (int i = 0; i < 300; ++i) {
    const double beta = std::exp(rng.uniform(-3, 3));
    Tape<double> tape;
    const V e = tape.variable(vec({3 * rng.normal()})), w = tape.variable(vec({3 * rng.normal()}));
    const V soft = log_loss(e, w, beta);
    const V both = concat({reshape(e, {1, 1}), reshape(w, {1, 1})}, 1);
    const V nll = nll_loss(both, std::vector<int32_t>{0}, beta, NllUnit::energy);
    CHECK(soft.item() == doctest::Approx(nll.item()).epsilon(1e-12));
    const auto a = tape.grad(sum(soft), {{e, w}}), b = tape.grad(sum(nll), {{e, w}});
    CHECK(a[0].item() == doctest::Approx(b[0].item()).epsilon(1e-10));
    CHECK(a[1].item() == doctest::Approx(b[1].item()).epsilon(1e-10));
    const double above = soft.item() - std::max(0.0, e.item() - w.item());
    CHECK(above >= -1e-12);
    CHECK(above <= std::log(2.0) / beta + 1e-12);
    widest = std::max(widest, above * beta);
  }
  CHECK(widest > 0.6);  // the bound is met where E = Ebar
}

TEST_CASE_TEMPLATE("the pair losses give in float what they give in double", T, float, double) {
  Tape<T> tape;
  const Var<T> e = tape.constant(Tensor<T>({1}, T(0.7))), w = tape.constant(Tensor<T>({1}, T(1.2)));
  CHECK(double(hinge_loss(e, w, 1).item()) == doctest::Approx(0.5));
  CHECK(double(log_loss(e, w).item()) == doctest::Approx(std::log1p(std::exp(-0.5))));
  CHECK(double(square_exp_loss(e, w).item()) == doctest::Approx(0.49 + std::exp(-1.2)));
}

TEST_CASE("a pair loss refuses what would collapse or makes no sense") {
  Tape<double> tape;
  const V e = tape.constant(vec({1, 2})), w = tape.constant(vec({3, 4}));
  for (const double m : {0.0, -1.0, std::nan(""), double(INFINITY)}) {
    CHECK_THROWS_WITH_AS(hinge_loss(e, w, m), doctest::Contains("energy collapses"), Error);
    CHECK_THROWS_WITH_AS(simple_loss(e, w, m), doctest::Contains("energy collapses"), Error);
    CHECK_THROWS_WITH_AS(square_square_loss(e, w, m), doctest::Contains("collapses"), Error);
    CHECK_THROWS_WITH_AS(square_square_exact_loss(e, w, m), doctest::Contains("collapses"), Error);
    CHECK_THROWS_WITH_AS(lvq2_loss(e, w, m), doctest::Contains("the cap is"), Error);
    CHECK_THROWS_WITH_AS(square_exp_loss(e, w, m), doctest::Contains("gamma is"), Error);
    CHECK_THROWS_WITH_AS(log_loss(e, w, m), doctest::Contains("beta is"), Error);
    CHECK_THROWS_WITH_AS(mce_loss(e, w, m), doctest::Contains("beta is"), Error);
    CHECK_THROWS_WITH_AS(hinge_loss(e, w, std::vector<double>{1, m}),
                         doctest::Contains("energy collapses"), Error);
  }
  CHECK_THROWS_WITH_AS(hinge_loss(e, w, std::vector<double>{1}), doctest::Contains("found 1"),
                       Error);
  CHECK_THROWS_WITH_AS(log_loss(e, tape.constant(vec({1}))),
                       doctest::Contains("have shapes [2] and [1]"), Error);
  CHECK_THROWS_WITH_AS(energy_loss(tape.constant(1.0)), doctest::Contains("both must be [N]"),
                       Error);
  CHECK_THROWS_AS(loss_plane(pair_losses()[0].loss, 1, 1, 5), Error);
}

TEST_CASE("with a margin of 0 the collapsed energy would cost nothing: why it is refused") {
  // [m + E - Ebar]+ at E = Ebar, by hand, for m = 0 and for m = 1.
  const auto hinge = [](double m, double e, double w) { return std::max(0.0, m + e - w); };
  CHECK(hinge(0, 0, 0) == 0);
  CHECK(one([](V a, V b) { return hinge_loss(a, b, 1); }, 0, 0) == 1);
  CHECK(one([](V a, V b) { return simple_loss(a, b, 1); }, 0, 0) == 1);
  CHECK(one([](V a, V b) { return square_square_loss(a, b, 1); }, 0, 0) == 1);
}
