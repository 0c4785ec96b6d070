#include "core/study/checkpoint.h"

#include <doctest/doctest.h>

#include <cmath>

#include "core/gradcheck.h"
#include "core/ops/elementwise.h"
#include "core/ops/in_place.h"
#include "core/ops/matmul.h"
#include "core/ops/reduce.h"
#include "core/rng.h"
#include "tests/core/study/support.h"

using namespace talweg;

namespace {

Tensor<double> random(const Shape& shape, uint64_t seed) {
  Tensor<double> t(shape);
  Rng rng(seed);
  for (int64_t i = 0; i < t.size(); ++i) t[i] = rng.normal();
  return t;
}

/// A segment of several values, of which one input is used twice.
const auto kSegment = [](std::span<const Var<double>> v) {
  return tanh(matmul(exp(scale(v[0], 0.3)), v[1])) * sigmoid(matmul(v[0], v[1]));
};

}  // namespace

TEST_CASE("a checkpointed segment has the first and second derivatives of the segment") {
  const std::vector<Tensor<double>> x{random({3, 4}, 1), random({4, 2}, 2)};
  const Function f = [](auto v) { return checkpoint<double>(kSegment, {v[0], v[1]}); };
  const auto first = gradcheck(f, x), second = gradgradcheck(f, x);
  CHECK_MESSAGE(first.ok, first.worst);
  CHECK_MESSAGE(second.ok, second.worst);
}

TEST_CASE("inputs that depend on one another get their own gradients only") {
  // v[1] = v[0]^2: the segment's gradient for v[0] must not flow through v[1] as well.
  const Function f = [](auto v) {
    return checkpoint<double>([](auto u) { return u[0] * exp(scale(u[1], -0.5)); },
                              {v[0], square(v[0])});
  };
  const auto first = gradcheck(f, {random({5}, 3)}), second = gradgradcheck(f, {random({5}, 3)});
  CHECK_MESSAGE(first.ok, first.worst);
  CHECK_MESSAGE(second.ok, second.worst);
}

TEST_CASE("checkpoints nest, skip constants and hand an input through") {
  const Function f = [](auto v) {
    const Var<double> c = v[0].tape().full({3}, 1.5);
    return checkpoint<double>(
        [](auto u) {
          const Var<double> inner =
              checkpoint<double>([](auto w) { return tanh(square(w[0])); }, {u[0] * u[1]});
          return checkpoint<double>([](auto w) { return w[0]; }, {inner});
        },
        {v[0], c});
  };
  const auto first = gradcheck(f, {random({3}, 4)}), second = gradgradcheck(f, {random({3}, 4)});
  CHECK_MESSAGE(first.ok, first.worst);
  CHECK_MESSAGE(second.ok, second.worst);
}

TEST_CASE("value and gradients are those of the plain segment, bit for bit") {
  const Tensor<double> a = random({16, 8}, 5), b = random({8, 8}, 6);
  const auto run = [&](bool checkpointed) {
    Tape<double> tape;
    const Var<double> x = tape.variable(a), w = tape.variable(b);
    const std::array in{x, w};
    const Var<double> y =
        checkpointed ? checkpoint<double>(kSegment, {x, w}) : kSegment(std::span(in));
    const Var<double> loss = sum(y * y);
    tape.backward(loss);
    std::vector<double> all{loss.item()};
    for (Var<double> v : in) all.insert(all.end(), v.grad_view().begin(), v.grad_view().end());
    return all;
  };
  CHECK(run(true) == run(false));
}

TEST_CASE("a chain holds one value a segment, and f runs once forward and once back") {
  static constexpr int64_t kLayers = 16, kSegments = 4, kSize = 1 << 12;
  const auto held = [&](bool checkpointed) {
    Tape<double> tape;
    Var<double> x = tape.variable(Tensor<double>({kSize}, 0.1));
    const std::size_t before = tape.pool().live_bytes();
    int calls = 0;
    for (int64_t s = 0; s < kSegments; ++s) {
      const auto layers = [&calls](std::span<const Var<double>> v) {
        ++calls;
        Var<double> h = v[0];
        for (int64_t i = 0; i < kLayers / kSegments; ++i) h = tanh(h);
        return h;
      };
      const std::array in{x};
      x = checkpointed ? checkpoint<double>(layers, {x}) : layers(std::span(in));
    }
    const std::size_t bytes = tape.pool().live_bytes() - before;
    tape.backward(sum(x));
    CHECK(calls == (checkpointed ? 2 : 1) * kSegments);
    return bytes;
  };
  CHECK(held(false) == kLayers * kSize * sizeof(double));
  CHECK(held(true) == kSegments * kSize * sizeof(double));
}

TEST_CASE("what a checkpoint cannot do right, it refuses") {
  Tape<double> tape;
  const Var<double> x = tape.variable(random({3}, 7)), hidden = tape.variable(random({3}, 8));
  CHECK(error_of([&] {
          checkpoint<double>([=](auto v) { return v[0] * hidden; }, {x});
        }).find("pass it as an input") != std::string::npos);

  int calls = 0;
  const Var<double> y =
      checkpoint<double>([&calls](auto v) { return scale(v[0], double(++calls)); }, {x});
  CHECK(error_of([&] { tape.backward(sum(y)); }).find("another result the second time") !=
        std::string::npos);

  CHECK(error_of([&] {
          checkpoint<double>([](auto v) { return v[0]; }, std::span<const Var<double>>());
        }).find("at least one input") != std::string::npos);
  Tape<double> other;
  const Var<double> far = other.constant(1.0);
  CHECK(error_of([&] {
          checkpoint<double>([=](auto) { return far; }, {x});
        }).find("another tape") != std::string::npos);
}

TEST_CASE("the result may be changed in place afterwards") {
  Tape<double> tape;
  const Var<double> x = tape.variable(Tensor<double>({2}, 0.5));
  const Var<double> y = checkpoint<double>([](auto v) { return exp(v[0]); }, {x});
  tape.backward(sum(scale_(y, 2.0)));
  CHECK(x.grad()[0] == doctest::Approx(2 * std::exp(0.5)).epsilon(1e-14));
}

TEST_CASE("without recording only the value is computed") {
  Tape<double> tape;
  const Var<double> x = tape.variable(Tensor<double>({2}, 0.5));
  const NoGrad<double> off(tape);
  const Var<double> y = checkpoint<double>([](auto v) { return exp(v[0]); }, {x});
  CHECK_FALSE(y.needs_grad());
  CHECK(y.data()[1] == std::exp(0.5));
}
