#include "nn/layers.h"

#include <doctest/doctest.h>

#include <cmath>

#include "nn/fold.h"
#include "tests/nn/toy.h"

namespace talweg::nn {
namespace {

using doctest::Approx;

template <class T> Tensor<T> random_tensor(const Shape& shape, Rng rng) {
  Tensor<T> x(shape);
  for (T& v : x.values()) v = T(rng.normal());
  return x;
}

/// layer(x) in inference mode.
template <class T>
Tensor<T> infer(const Layer<T>& layer, const Parameters<T>& parameters, const Tensor<T>& x) {
  Tape<T> tape;
  auto context = Context<T>::for_inference(tape, parameters);
  return layer.forward(context, tape.borrow(x, false)).to_tensor();
}

// --- affine layers ---

TEST_CASE("Linear multiplies by the transposed weight and adds the bias") {
  Parameters<double> p;
  Rng rng(1);
  const Linear<double> linear(p, "head", 2, 3, rng);
  p[p.find("head.weight")].value = Tensor<double>({3, 2}, std::array<double, 6>{1, 2, 3, 4, 5, 6});
  p[p.find("head.bias")].value = vec({10, 20, 30});
  const Tensor<double> y =
      infer<double>(linear, p, Tensor<double>({1, 2}, std::array<double, 2>{1, -1}));
  CHECK(y.shape() == Shape{1, 3});
  CHECK(y[0] == 9.0);
  CHECK(y[1] == 19.0);
  CHECK(y[2] == 29.0);
}

TEST_CASE("Conv2d adds its bias to every pixel of its channel") {
  Parameters<double> p;
  const Conv2d<double> conv(p, "c", {.in = 1, .out = 2, .kh = 1, .kw = 1},
                            Tensor<double>({2, 1, 1, 1}, std::array<double, 2>{2, -1}),
                            vec({10, 20}));
  const Tensor<double> y =
      infer<double>(conv, p, Tensor<double>({1, 1, 2, 1}, std::array<double, 2>{3, 4}));
  CHECK(y.shape() == Shape{1, 1, 2, 2});
  CHECK(y[0] == 16.0);
  CHECK(y[1] == 17.0);
  CHECK(y[2] == 18.0);
  CHECK(y[3] == 16.0);
}

TEST_CASE("Conv2d passes stride, padding and dilation on") {
  Parameters<float> p;
  Rng rng(1);
  const Conv2d<float> conv(p, "c",
                           {.in = 2,
                            .out = 5,
                            .kh = 3,
                            .kw = 2,
                            .stride_h = 2,
                            .stride_w = 3,
                            .pad_h = 1,
                            .pad_w = 2,
                            .dilation_h = 2,
                            .dilation_w = 1},
                           rng);
  // (9 + 2 - 2 * 2 - 1) / 2 + 1 = 4 rows; (10 + 4 - 1 - 1) / 3 + 1 = 5 columns.
  CHECK(infer<float>(conv, p, Tensor<float>({1, 9, 10, 2})).shape() == Shape{1, 4, 5, 5});
  CHECK(conv.describe() == "Conv2d 3x2 2->5 stride 2x3 pad 1x2 dilation 2x1 bias");
}

TEST_CASE("Conv2d refuses given values of the wrong shape") {
  Parameters<float> p;
  CHECK_THROWS_WITH_AS(
      Conv2d<float>(p, "c", {.in = 1, .out = 2}, Tensor<float>({2, 3, 1, 3}), Tensor<float>({2})),
      "[Conv2d] c: weight of shape [2,3,1,3] given, [2,3,3,1] expected", Error);
}

TEST_CASE("two layers can't share a name") {
  Parameters<float> p;
  Rng rng(1);
  const Linear<float> first(p, "head", 1, 1, rng);
  CHECK_THROWS_WITH_AS(Linear<float>(p, "head", 1, 1, rng),
                       "[parameters] the name head.weight is taken; give each layer its own name",
                       Error);
}

TEST_CASE("a layer used twice in a pass gets both gradients on one leaf") {
  Parameters<double> p;
  Rng rng(1);
  const Linear<double> twice(p, "w", 1, 1, rng, false);
  p[0].value[0] = 3;
  Tape<double> tape;
  auto context = Context<double>::for_training(tape, p, Rng(1));
  Var<double> x = tape.constant(Tensor<double>({1, 1}, 5.0));
  tape.backward(sum(twice.forward(context, twice.forward(context, x))));
  CHECK(context.gradient(0)[0] == Approx(2 * 3 * 5));  // d(w^2 x)/dw
}

// --- BatchNorm ---

TEST_CASE("BatchNorm's running averages follow the batch once the step is committed") {
  Parameters<double> p;
  const BatchNorm<double> norm(p, "n", 1, {.momentum = 0.25});
  const Tensor<double> x({4, 1}, std::array<double, 4>{1, 3, 5, 7});  // mean 4, unbiased var 20 / 3
  Tape<double> tape;
  auto context = Context<double>::for_training(tape, p, Rng(1));
  const Tensor<double>&mean = p[norm.running_mean()].value, &var = p[norm.running_var()].value;

  norm.forward(context, tape.borrow(x, false));
  CHECK(mean[0] == 0.0);
  CHECK(var[0] == 1.0);
  context.commit();
  CHECK(mean[0] == Approx(0.25 * 4));
  CHECK(var[0] == Approx(0.75 + 0.25 * 20 / 3));

  context.begin_step();
  norm.forward(context, tape.borrow(x, false));
  context.begin_step();  // a pass that is not committed leaves no trace
  context.commit();
  CHECK(mean[0] == Approx(0.25 * 4));
}

TEST_CASE(
    "BatchNorm normalises by the batch in training and by the running averages in inference") {
  Parameters<double> p;
  const BatchNorm<double> norm(p, "n", 1, {.epsilon = 1e-12});
  p[norm.running_mean()].value[0] = 10;
  p[norm.running_var()].value[0] = 4;
  p[norm.gamma()].value[0] = 3;
  p[norm.beta()].value[0] = 1;
  const Tensor<double> x({2, 1}, std::array<double, 2>{6, 8});
  Tape<double> tape;
  auto context = Context<double>::for_training(tape, p, Rng(1));
  const Tensor<double> trained = norm.forward(context, tape.borrow(x, false)).to_tensor();
  CHECK(trained[0] == Approx(-2));  // (6 - 7) / 1 * 3 + 1
  CHECK(trained[1] == Approx(4));
  const Tensor<double> used = infer<double>(norm, p, x);
  CHECK(used[0] == Approx(-5));  // (6 - 10) / 2 * 3 + 1
  CHECK(used[1] == Approx(-2));
}

// --- Dropout ---

TEST_CASE("dropout keeps the expectation and drops the stated share, within four standard errors") {
  const int64_t n = 20000;
  const double p = 0.3;
  Parameters<double> none;
  Tape<double> tape;
  auto context = Context<double>::for_training(tape, none, Rng(2));
  const Tensor<double> y =
      Dropout<double>(p).forward(context, tape.constant(Tensor<double>({n}, 1.0))).to_tensor();
  double total = 0, dropped = 0, other = 0;
  for (double v : y.values()) {
    total += v;
    dropped += v == 0;
    other += v != 0 && v != 1 / (1 - p);
  }
  CHECK(other == 0);
  // An element is 0 or 1 / (1 - p): variance p / (1 - p).
  CHECK(std::abs(total / n - 1) < 4 * std::sqrt(p / (1 - p) / n));
  CHECK(std::abs(dropped / n - p) < 4 * std::sqrt(p * (1 - p) / n));
}

TEST_CASE(
    "dropout is the same for a seed, another one in each pass and each layer, off in inference") {
  const Tensor<double> ones({64}, 1.0);
  const Dropout<double> drop(0.5);
  Parameters<double> none;
  const auto passes = [&] {
    Tape<double> tape;
    auto context = Context<double>::for_training(tape, none, Rng(2));
    std::vector<std::vector<double>> masks;
    for (int pass = 0; pass < 2; ++pass) {
      context.begin_step();
      for (int layer = 0; layer < 2; ++layer) {
        const auto y = drop.forward(context, tape.constant(ones));
        masks.emplace_back(y.values().begin(), y.values().end());
      }
    }
    return masks;
  };
  const auto masks = passes();
  CHECK(masks == passes());
  CHECK(masks[0] != masks[1]);
  CHECK(masks[0] != masks[2]);
  const Tensor<double> used = infer<double>(drop, none, ones);
  CHECK(std::equal(used.data(), used.data() + 64, ones.data()));
  CHECK_THROWS_AS(Dropout<double>(1.0), Error);
}

// --- shape layers and Sequential ---

TEST_CASE("pooling, ReLU and Flatten work one after another") {
  Parameters<double> none;
  const Tensor<double> x({1, 2, 4, 1}, std::array<double, 8>{-1, -2, 3, 4, -5, -6, 7, 8});
  Sequential<double> largest, average;
  largest.add(MaxPool<double>()).add(ReLU<double>()).add(Flatten<double>());
  average.add(AvgPool<double>()).add(ReLU<double>()).add(Flatten<double>());
  const Tensor<double> a = infer<double>(largest, none, x), b = infer<double>(average, none, x);
  CHECK(a.shape() == Shape{1, 2});
  CHECK(a[0] == 0.0);
  CHECK(a[1] == 8.0);
  CHECK(b[0] == 0.0);
  CHECK(b[1] == 5.5);
  CHECK(largest.describe() == "MaxPool 2x2 stride 2x2\nReLU\nFlatten");
}

TEST_CASE("a transferred network computes the same over parameters of its own") {
  BarNet<float> original(4);
  Parameters<float> copy;
  const LayerPtr<float> net = original.net.transfer(original.parameters, copy);
  const Tensor<float> x = random_tensor<float>({3, 8, 8, 1}, Rng(8));
  const Tensor<float> before = infer<float>(original.net, original.parameters, x);
  original.parameters[0].value.fill(0);
  const Tensor<float> after = infer<float>(*net, copy, x);
  CHECK(net->describe() == original.net.describe());
  CHECK(std::equal(before.data(), before.data() + before.size(), after.data()));
}

// --- residuals ---

TEST_CASE("a residual block adds its branch; begun with gamma = 0 it is nothing, and can learn") {
  Parameters<double> p;
  Rng rng(5);
  Sequential<double> branch;
  branch.add(Conv2d<double>(p, "c", {.in = 3, .out = 3, .pad_h = 1, .pad_w = 1}, rng));
  branch.add(BatchNorm<double>(p, "n", 3, {.gamma = 0}));
  const Residual<double> block(branch);
  const Tensor<double> x = random_tensor<double>({2, 4, 5, 3}, rng);
  Tape<double> tape;
  auto learning = Context<double>::for_training(tape, p, Rng(1));
  {
    const TapeScope<double> scope(tape);
    learning.begin_step();
    const Var<double> y = block.forward(learning, tape.borrow(x, false));
    CHECK(std::equal(x.data(), x.data() + x.size(), y.data()));
    tape.backward(sum(y * y));
    const std::span<const double> g = learning.leaf(p.find("n.gamma")).grad_view();
    REQUIRE(g.size() == 3);
    for (double one : g) CHECK(std::abs(one) > 1e-6);
  }
  for (double& v : p[p.find("n.gamma")].value.values()) v = 0.5;
  const Tensor<double> b = infer<double>(branch, p, x), y = infer<double>(block, p, x);
  for (int64_t i = 0; i < x.size(); ++i) CHECK(y[i] == Approx(x[i] + b[i]));
}

TEST_CASE("a branch that changes the shape is refused in one sentence") {
  Parameters<float> p;
  Rng rng(1);
  Sequential<float> branch;
  branch.add(Conv2d<float>(p, "c", {.in = 2, .out = 3}, rng));
  CHECK_THROWS_WITH_AS(
      infer<float>(Residual<float>(branch), p, random_tensor<float>({1, 4, 4, 2}, rng)),
      doctest::Contains("[Residual] the branch makes [1,2,2,3] of [1,4,4,2]"), Error);
}

// --- folding ---

/// The largest difference between a net and its folded form, relative to the largest output.
/// Running averages, scales and shifts are made anything but trivial.
template <class T> double folding_error() {
  Rng rng(21);
  Parameters<T> p;
  Sequential<T> inner, branch, net;
  inner.add(Conv2d<T>(p, "c2", {.in = 4, .out = 5, .kh = 2, .pad_w = 1}, rng));
  inner.add(BatchNorm<T>(p, "n2", 5)).add(ReLU<T>());
  net.add(Conv2d<T>(p, "c1", {.in = 2, .out = 4, .bias = false}, rng));
  net.add(BatchNorm<T>(p, "n1", 4, {.epsilon = 1e-3})).add(ReLU<T>());
  branch.add(Conv2d<T>(p, "c3", {.in = 4, .out = 4, .pad_h = 1, .pad_w = 1}, rng));
  branch.add(BatchNorm<T>(p, "n4", 4));
  net.add(Residual<T>(std::move(branch))).add(std::move(inner));
  net.add(BatchNorm<T>(p, "n3", 5)).add(Flatten<T>()).add(Dropout<T>(0.5));
  net.add(Linear<T>(p, "head", 3 * 4 * 5, 3, rng));
  for (int id = 0; id < p.size(); ++id) {
    for (T& v : p[id].value.values()) {
      v = p[id].name.ends_with("var") ? T(rng.uniform(0.2, 3)) : v + T(0.5 * rng.normal());
    }
  }
  const Tensor<T> x = random_tensor<T>({2, 6, 6, 2}, rng);
  const Network<T> folded = fold(net, p);
  const Tensor<T> a = infer<T>(net, p, x), b = infer<T>(folded.layers, folded.parameters, x);
  REQUIRE(a.shape() == b.shape());
  CHECK(folded.layers.layers().size() == net.layers().size() - 1);
  CHECK(folded.parameters.find("n2.gamma") == -1);
  CHECK(folded.parameters.find("n4.gamma") == -1);
  CHECK(folded.parameters.find("n3.gamma") >= 0);  // no convolution in front of it
  double largest = 0, difference = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(double(a[i])));
    difference = std::max(difference, std::abs(double(a[i]) - double(b[i])));
  }
  return difference / largest;
}

TEST_CASE("a folded network computes what the network computes in inference") {
  CHECK(folding_error<float>() < 1e-5);
  CHECK(folding_error<double>() < 1e-12);
}

TEST_CASE("folding a BatchNorm of other channels than its convolution is refused") {
  Parameters<float> p;
  Rng rng(1);
  Sequential<float> net;
  net.add(Conv2d<float>(p, "c1", {.out = 4}, rng)).add(BatchNorm<float>(p, "n1", 3));
  CHECK_THROWS_WITH_AS(fold(net, p), "[fold] c1 gives 4 channels, the BatchNorm behind it takes 3",
                       Error);
}

}  // namespace
}  // namespace talweg::nn
