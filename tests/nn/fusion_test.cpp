// Sequential computes a convolution and what follows it at once; layer by layer it is the same.
#include <doctest/doctest.h>

#include <cmath>

#include "core/kernels/conv2d_algo.h"
#include "nn/conv_report.h"
#include "nn/fold.h"
#include "tests/nn/toy.h"

namespace talweg::nn {
namespace {

/// What a training pass over a net gives: its output, and the gradients of <u, output> for the
/// input and the parameters, with the op that came last.
template <class T> struct Pass {
  std::string op;
  Shape shape;
  std::vector<std::vector<T>> values;
};

template <class T, class Run>
Pass<T> pass_of(Parameters<T>& parameters, const Tensor<T>& x, const Run& run) {
  Tape<T> tape;
  auto context = Context<T>::for_training(tape, parameters, Rng(1));
  const Var<T> in = tape.variable(x);
  const Var<T> y = run(context, in);
  Pass<T> pass{y.op(), y.shape(), {{y.values().begin(), y.values().end()}}};
  Tensor<T> u(y.shape());
  Rng rng(5);
  for (T& v : u.values()) v = T(rng.normal());
  tape.backward(sum(y * tape.constant(u)));
  const auto keep = [&](std::span<const T> g) { pass.values.emplace_back(g.begin(), g.end()); };
  keep(in.grad_view());
  for (int id = 0; id < parameters.size(); ++id) keep(context.gradient(id));
  return pass;
}

/// The largest difference between two passes, each array relative to its largest element.
template <class T> double difference(const Pass<T>& a, const Pass<T>& b) {
  REQUIRE(a.shape == b.shape);
  REQUIRE(a.values.size() == b.values.size());
  double worst = 0;
  for (std::size_t k = 0; k < a.values.size(); ++k) {
    REQUIRE(a.values[k].size() == b.values[k].size());
    double largest = 1e-30, off = 0;
    for (std::size_t i = 0; i < a.values[k].size(); ++i) {
      largest = std::max(largest, std::abs(double(b.values[k][i])));
      off = std::max(off, std::abs(double(a.values[k][i]) - double(b.values[k][i])));
    }
    worst = std::max(worst, off / largest);
  }
  return worst;
}

template <class T> struct Net {
  Parameters<T> parameters;
  Sequential<T> layers;
  Rng rng{9};

  Net& conv(Conv2dConfig config) {
    layers.add(Conv2d<T>(parameters, message("conv", parameters.size()), config, rng));
    for (int id = 0; id < parameters.size(); ++id) {  // biases, too, are not zero
      for (T& v : parameters[id].value.values()) v += T(0.1 * rng.normal());
    }
    return *this;
  }
  template <class L> Net& add(L layer) {
    layers.add(std::move(layer));
    return *this;
  }
  Pass<T> whole(const Tensor<T>& x) {
    return pass_of(parameters, x,
                   [&](auto& context, Var<T> v) { return layers.forward(context, v); });
  }
  Pass<T> one_by_one(const Tensor<T>& x) {
    return pass_of(parameters, x, [&](auto& context, Var<T> v) {
      for (const auto& layer : layers.layers()) v = layer->forward(context, v);
      return v;
    });
  }
};

PoolConfig pool(int64_t kh, int64_t kw) { return {kh, kw, kh, kw}; }

template <class T> Tensor<T> image(const Shape& shape) {
  Tensor<T> x(shape);
  Rng rng(3);
  for (T& v : x.values()) v = T(rng.normal());
  return x;
}

/// Builds a net for T, checks that its last op is `op`, and that it computes what its layers do.
template <class Build> void check_net(const std::string& op, const Build& build) {
  const auto check = [&]<class T>(T tolerance) {
    Net<T> net;
    build(net);
    const Tensor<T> x = image<T>({2, 7, 10, 3});
    const Pass<T> fused = net.whole(x);
    CHECK(fused.op == op);
    CHECK(difference(fused, net.one_by_one(x)) <= double(tolerance));
  };
  check(2e-6f);
  check(1e-13);
}

const Conv2dConfig kConv{.in = 3, .out = 20, .pad_h = 1, .pad_w = 1};

TEST_CASE("a convolution, ReLU and a pool of small windows are one op with the layers' results") {
  for (const auto& [kh, kw] : {std::pair{2, 2}, {2, 1}, {1, 2}}) {
    CAPTURE(kh);
    CAPTURE(kw);
    check_net("conv_bias_relu_pool", [&](auto& net) {
      using T = std::remove_reference_t<decltype(net.parameters[0].value[0])>;
      net.conv(kConv).add(ReLU<T>()).add(MaxPool<T>(pool(kh, kw)));
    });
  }
}

TEST_CASE("a convolution with what fits behind it is fused, the rest stays layers") {
  Conv2dConfig strided = kConv, unbiased = kConv;
  strided.stride_h = strided.dilation_w = 2;
  unbiased.bias = false;
  check_net("conv_bias", [&](auto& net) { net.conv(strided); });
  check_net("conv_bias", [&](auto& net) { net.conv(unbiased); });
  check_net("conv_bias_relu", [&](auto& net) {
    using T = std::remove_reference_t<decltype(net.parameters[0].value[0])>;
    net.conv(strided).add(ReLU<T>());
  });
  check_net("conv_bias_relu", [&](auto& net) {
    using T = std::remove_reference_t<decltype(net.parameters[0].value[0])>;
    net.conv(unbiased).add(ReLU<T>());
  });
  check_net("max_pool2d", [&](auto& net) {  // windows that overlap
    using T = std::remove_reference_t<decltype(net.parameters[0].value[0])>;
    net.conv(kConv).add(ReLU<T>()).add(MaxPool<T>({2, 2, 1, 1}));
  });
  check_net("max_pool2d", [&](auto& net) {  // windows too large
    using T = std::remove_reference_t<decltype(net.parameters[0].value[0])>;
    net.conv(kConv).add(ReLU<T>()).add(MaxPool<T>(pool(3, 2)));
  });
  check_net("max_pool2d", [&](auto& net) {
    using T = std::remove_reference_t<decltype(net.parameters[0].value[0])>;
    net.conv(kConv).add(MaxPool<T>());
  });
  check_net("relu", [&](auto& net) {
    using T = std::remove_reference_t<decltype(net.parameters[0].value[0])>;
    net.conv(kConv).add(BatchNorm<T>(net.parameters, "norm", 20)).add(ReLU<T>());
  });
}

TEST_CASE("blocks one after another") {
  check_net("conv_bias_relu_pool", [&](auto& net) {
    using T = std::remove_reference_t<decltype(net.parameters[0].value[0])>;
    net.conv(kConv).add(ReLU<T>()).add(MaxPool<T>(pool(2, 2)));
    net.conv({.in = 20, .out = 5, .kh = 1, .kw = 2}).add(ReLU<T>());
    net.conv({.in = 5, .out = 6, .pad_h = 1}).add(ReLU<T>()).add(MaxPool<T>(pool(1, 2)));
  });
}

TEST_CASE("a folded network is fused, and is still described layer by layer") {
  Net<float> net;
  net.conv(kConv).add(BatchNorm<float>(net.parameters, "norm", 20)).add(ReLU<float>());
  net.add(MaxPool<float>());
  const Network<float> folded = fold(net.layers, net.parameters);
  CHECK(folded.layers.describe() == "Conv2d 3x3 3->20 pad 1x1 bias\nReLU\nMaxPool 2x2 stride 2x2");
  const Tensor<float> x = image<float>({2, 7, 10, 3});
  Tape<float> tape;
  auto plain = Context<float>::for_inference(tape, net.parameters);
  auto fused = Context<float>::for_inference(tape, folded.parameters);
  const Var<float> a = net.layers.forward(plain, tape.borrow(x, false));
  const int64_t before = tape.node_count();
  const Var<float> b = folded.layers.forward(fused, tape.borrow(x, false));
  CHECK(std::string(a.op()) == "max_pool2d");
  CHECK(std::string(b.op()) == "conv_bias_relu_pool");
  CHECK(tape.node_count() - before <= 5);  // x, weight, bias, the place of the sums, y
  for (int64_t i = 0; i < a.size(); ++i) {
    CHECK(b.data()[i] == doctest::Approx(double(a.data()[i])).epsilon(1e-5));
  }
}

TEST_CASE("a pool that does not fit behind a convolution is refused in one sentence") {
  Net<float> net;
  net.conv({.in = 3, .out = 2, .kh = 7, .kw = 7}).add(ReLU<float>()).add(MaxPool<float>());
  CHECK_THROWS_WITH_AS(net.whole(image<float>({1, 7, 8, 3})),
                       "[conv_bias_relu_pool] a pool of 2x2 does not fit the convolution's output "
                       "[1,1,2,2]; pool less or pad more",
                       Error);
}

// --- which algorithm ---

TEST_CASE("a context's algorithm is used where a layer can, a layer's own before it") {
  Net<float> net;
  net.conv(kConv).add(ReLU<float>());
  net.conv({.in = 20, .out = 4, .kh = 1, .kw = 3});
  Conv2dConfig own = kConv;
  own.in = 4;
  own.algo = ConvAlgo::direct;
  net.conv(own);
  using kernels::Conv2dAlgo;
  const auto choices = conv_choices(net.layers, net.parameters, {2, 7, 10, 3}, ConvAlgo::wino4);
  REQUIRE(choices.size() == 3);
  for (const auto face :
       {&ConvChoice::forward, &ConvChoice::backward_data, &ConvChoice::backward_weights}) {
    CHECK(choices[0].*face == Conv2dAlgo::wino4);
    CHECK(choices[1].*face == Conv2dAlgo::direct);
    CHECK(choices[2].*face == Conv2dAlgo::direct);
  }
  CHECK(choices[0].input == Shape{2, 7, 10, 3});
  CHECK(choices[2].input == Shape{2, 7, 8, 4});
  CHECK(choices[0].note.empty());
  CHECK(choices[2].note.empty());
  CHECK(to_string({choices[1]}) ==
        "conv2  Conv2d 1x3 20->4 bias, input [2,7,10,20]: forward direct, data direct, weights "
        "direct; wino4 is for 3x3 kernels with stride 1\n");
}

TEST_CASE("auto chooses by kernels::best_algo, face by face") {
  Net<float> net;
  net.conv(kConv);
  const auto choices = conv_choices(net.layers, net.parameters, {1, 8, 18, 3}, ConvAlgo::automatic);
  const kernels::Conv2dShape s{
      .n = 1, .h = 8, .w = 18, .c = 3, .k = 20, .kh = 3, .kw = 3, .pad_h = 1, .pad_w = 1};
  CHECK(choices.at(0).forward == kernels::best_algo(s, kernels::Conv2dFace::forward));
  CHECK(choices.at(0).backward_data == kernels::best_algo(s, kernels::Conv2dFace::backward_data));
  CHECK(choices.at(0).backward_weights ==
        kernels::best_algo(s, kernels::Conv2dFace::backward_weights));
}

TEST_CASE("every algorithm trains with the gradients of direct, up to rounding") {
  const Tensor<float> x = image<float>({2, 7, 10, 3});
  const auto pass = [&](ConvAlgo algo) {
    Net<float> net;
    net.conv(kConv).add(ReLU<float>());
    return pass_of(net.parameters, x, [&](Context<float>& context, Var<float> v) {
      context.set_conv_algo(algo);
      return net.layers.forward(context, v);
    });
  };
  const Pass<float> direct = pass(ConvAlgo::direct);
  for (const auto& [name, algo] : kConvAlgos) {
    CAPTURE(std::string(name));
    CHECK(difference(pass(algo), direct) < 2e-4);
  }
}

TEST_CASE("an algorithm that a layer insists on and can't have is refused") {
  Net<float> net;
  net.conv({.in = 3, .out = 2, .kh = 1, .kw = 3, .algo = ConvAlgo::wino2});
  CHECK_THROWS_WITH_AS(
      net.whole(image<float>({1, 7, 8, 3})),
      "[conv_bias] wino2 computes 3x3 kernels with stride and dilation 1, but the kernel is 1x3, "
      "stride 1x1, dilation 1x1; leave the algorithm to automatic",
      Error);
}

TEST_CASE("algorithms have the names that users write") {
  for (const auto& [name, algo] : kConvAlgos) {
    CHECK(parse_conv_algo(name) == algo);
    CHECK(conv_algo_name(algo) == name);
  }
  CHECK_THROWS_WITH_AS(parse_conv_algo("fft"),
                       "'fft' is no algorithm of convolution; use auto, direct, wino2 or wino4",
                       Error);
}

}  // namespace
}  // namespace talweg::nn
