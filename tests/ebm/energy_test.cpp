#include "ebm/energy.h"

#include <doctest/doctest.h>

#include "core/gradcheck.h"
#include "core/ops/reduce.h"
#include "nn/layers.h"

using namespace talweg;
using namespace talweg::ebm;

namespace {

// The two examples of energy.h.
struct Ring {
  double radius;
  template <class T> Var<T> operator()(const Arguments<T>& at) const {
    return square(sum(square(at.y), -1) - T(radius * radius));
  }
  double minimum() const { return 0; }
};

template <class T> class Bilinear : public LearnedEnergy<T> {
 public:
  Bilinear(nn::Parameters<T>& parameters, int64_t size, Rng& rng)
      : layer_(parameters, "bilinear", size, size, rng, false) {}
  Var<T> operator()(nn::Context<T>& context, const Arguments<T>& at) const override {
    return -sum(at.x * layer_.forward(context, at.y), -1);
  }

 private:
  nn::Linear<T> layer_;
};

Tensor<double> matrix(const Shape& shape, std::vector<double> values) {
  return Tensor<double>(shape, values);
}

}  // namespace

TEST_CASE_TEMPLATE("an energy written as a struct gives value and slope in float and double", T,
                   float, double) {
  Tape<T> tape;
  Var<T> y = tape.variable(Tensor<T>({2, 2}, std::vector<T>{2, 0, 1, 2}));
  Energy<T> ring = Ring{2};
  Var<T> e = ring({y});
  CHECK(e.data()[0] == 0);  // on the ring
  CHECK(e.data()[1] == 1);  // (5 - 4)^2
  Var<T> slope = energy_gradient(ring, {y}, y);
  CHECK(slope.data()[0] == 0);
  CHECK(slope.data()[2] == doctest::Approx(4));  // 4 (|y|^2 - r^2) y
  CHECK(slope.data()[3] == doctest::Approx(8));
}

TEST_CASE("a generic lambda is an energy, and so is one that captures") {
  const double weight = 3;
  Energy<double> bowl = [=](const auto& at) { return weight * sum(square(at.y), -1); };
  CHECK(evaluate(bowl, matrix({2, 2}, {1, 1, 0, 2})).values()[1] == 12);
  Energy<double> distance = [](const auto& at) { return sum(square(at.y - at.x), -1); };
  const Tensor<double> y = matrix({2, 1}, {1, 2}), x = matrix({2, 1}, {3, 2});
  CHECK(evaluate(distance, y, x)[0] == 4);
  CHECK(evaluate(distance, y, x)[1] == 0);
}

TEST_CASE("all_energies pairs every sample with every candidate") {
  Tape<double> tape;
  Energy<double> difference = [](const auto& at) { return sum(at.y - 10.0 * at.x, -1); };
  const Var<double> f = all_energies(difference, tape.constant(matrix({2, 1}, {1, 2})),
                                     tape.constant(matrix({3, 1}, {5, 6, 7})));
  CHECK(f.shape() == Shape{2, 3});
  CHECK(f.data()[2] == -3);   // y = 7, x = 1
  CHECK(f.data()[3] == -15);  // y = 5, x = 2
}

TEST_CASE("an energy's gradient can be differentiated again") {
  const Function f = [](std::span<const Var<double>> in) {
    return sum(square(energy_gradient<double>(Ring{1}, {in[0]}, in[0], true)));
  };
  const auto r = gradcheck(f, {matrix({2, 2}, {0.3, 0.4, -1.1, 0.2})});
  CHECK_MESSAGE(r.ok, r.worst);
}

TEST_CASE("a learned energy sends gradients to its parameters in training and none when frozen") {
  nn::Parameters<double> parameters;
  Rng rng(1);
  const Bilinear<double> energy(parameters, 2, rng);
  parameters[0].value = matrix({2, 2}, {1, 2, 3, 4});
  Tape<double> tape;
  auto context = nn::Context<double>::for_training(tape, parameters, Rng(2));
  const Var<double> y = tape.variable(matrix({1, 2}, {1, 10}));
  const Var<double> x = tape.constant(matrix({1, 2}, {1, 1}));
  const Var<double> e = energy.in(context)({y, x});
  CHECK(e.data()[0] == -64);  // -(1, 1) . (21, 43)
  tape.backward(sum(e));
  CHECK(context.gradient(0)[1] == -10);  // -x_0 y_1

  Tape<double> other;
  const Var<double> y2 = other.variable(matrix({1, 2}, {1, 10}));
  const Energy<double> frozen = energy.frozen(parameters);
  for (int step = 0; step < 2; ++step) {  // scopes come and go; the leaves are borrowed afresh
    TapeScope<double> scope(other);
    const Arguments<double> at{y2, other.constant(matrix({1, 2}, {1, 1}))};
    CHECK(frozen(at).data()[0] == -64);
    CHECK(energy_gradient(frozen, at, y2).data()[0] == -4);  // -(W^T x)_0
  }
  parameters[0].value.fill(0);
  TapeScope<double> scope(other);
  CHECK(frozen({y2, other.constant(matrix({1, 2}, {1, 1}))}).data()[0] == 0);
}

TEST_CASE("an energy asked wrongly says what was wrong") {
  Tape<double> tape;
  const Energy<double> bowl = [](const auto& at) { return sum(square(at.y), -1); };
  const Energy<double> scalar = [](const auto& at) { return sum(at.y); };
  const Var<double> y = tape.constant(Tensor<double>({3, 2}));
  CHECK_THROWS_WITH_AS(Energy<double>()({y}), doctest::Contains("holds no function"), Error);
  CHECK_THROWS_WITH_AS(bowl({}), doctest::Contains("y is missing"), Error);
  CHECK_THROWS_WITH_AS(bowl({tape.constant(1.0)}), doctest::Contains("y is a scalar"), Error);
  CHECK_THROWS_WITH_AS(bowl({y, tape.constant(Tensor<double>({2, 2}))}),
                       doctest::Contains("y has 3 rows but x has shape"), Error);
  CHECK_THROWS_WITH_AS(bowl({y, {}, tape.constant(1.0)}), doctest::Contains("but z has shape []"),
                       Error);
  CHECK_THROWS_WITH_AS(scalar({y}), doctest::Contains("returned shape [] for 3 samples"), Error);
}
