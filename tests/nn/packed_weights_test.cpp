// A network's parameters keep their packed forms from pass to pass, and never one too long.
#include <doctest/doctest.h>

#include <thread>

#include "nn/checkpoint.h"
#include "tests/nn/toy.h"

namespace talweg::nn {
namespace {

/// One convolution and its input.
struct OneConv {
  explicit OneConv(uint64_t seed = 1) {
    Rng rng(seed);
    net.add(Conv2d<float>(parameters, "conv", {.in = 3, .out = 20, .pad_h = 1, .pad_w = 1}, rng));
    for (float& v : x.values()) v = float(rng.normal());
  }
  std::vector<float> infer() const {
    Tape<float> tape;
    auto context = Context<float>::for_inference(tape, parameters);
    const Var<float> y = net.forward(context, tape.borrow(x, false));
    return {y.values().begin(), y.values().end()};
  }
  const Tensor<float>& weight() const { return std::as_const(parameters)[0].value; }
  int64_t packs() const { return std::as_const(parameters)[0].packs.packs(); }
  /// What infer() must give: the same parameters, copied, and so without anything packed.
  std::vector<float> expected() const { return OneConv(*this).infer(); }

  Parameters<float> parameters;
  Sequential<float> net;
  Tensor<float> x{{1, 5, 6, 3}};
};

TEST_CASE("passes in inference pack a weight once") {
  const OneConv conv;
  const auto first = conv.infer();
  for (int pass = 0; pass < 5; ++pass) CHECK(conv.infer() == first);
  CHECK(conv.packs() == 1);
}

TEST_CASE("copies of parameters share nothing that is packed") {
  OneConv conv;
  const auto before = conv.infer();
  OneConv copy = conv;
  CHECK(copy.packs() == 0);
  copy.parameters[0].value[0] += 1;
  CHECK(copy.infer() != before);
  CHECK(conv.infer() == before);
  CHECK(conv.packs() == 1);
}

TEST_CASE("a weight changed through operator[] counts in the next pass") {
  OneConv conv;
  const auto before = conv.infer();
  conv.parameters[0].value[7] += 1;
  CHECK(conv.infer() == conv.expected());
  CHECK(conv.infer() != before);
}

TEST_CASE("a weight moved by an optimiser counts in the next pass") {
  OneConv conv;
  Tape<float> tape;
  auto context = Context<float>::for_training(tape, conv.parameters, Rng(1));
  Sgd<float> sgd(conv.parameters);
  for (int step = 0; step < 3; ++step) {
    const auto before = conv.infer();
    TapeScope<float> scope(tape);
    context.begin_step();
    tape.backward(sum(conv.net.forward(context, tape.borrow(conv.x, false))));
    sgd.step(context, 0.1);
    CHECK(conv.infer() == conv.expected());
    CHECK(conv.infer() != before);
  }
}

TEST_CASE("a weight moved by hand after a training pass counts, whatever reference moved it") {
  OneConv conv;
  Tensor<float>& weight = conv.parameters[0].value;
  Tape<float> tape;
  auto context = Context<float>::for_training(tape, conv.parameters, Rng(1));
  for (int step = 0; step < 3; ++step) {
    conv.infer();
    TapeScope<float> scope(tape);
    context.begin_step();
    tape.backward(sum(conv.net.forward(context, tape.borrow(conv.x, false))));
    const auto g = context.gradient(0);
    for (int64_t i = 0; i < weight.size(); ++i) weight[i] -= 0.1f * g[std::size_t(i)];
    CHECK(conv.infer() == conv.expected());
  }
}

TEST_CASE("a weight restored from a checkpoint counts in the next pass") {
  OneConv conv(1);
  const OneConv other(2);
  Checkpoint checkpoint;
  checkpoint.store(other.parameters);
  const auto before = conv.infer();
  checkpoint.restore(conv.parameters);
  CHECK(conv.infer() == conv.expected());
  CHECK(conv.infer() != before);
}

TEST_CASE("threads that share a network pack each weight once and read the same") {
  const OneConv conv;
  const auto expected = conv.expected();
  std::vector<int> right(2);
  std::vector<std::thread> threads;
  for (int& count : right) {
    threads.emplace_back([&] {
      for (int pass = 0; pass < 50; ++pass) count += conv.infer() == expected;
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(right == std::vector<int>(2, 50));
  CHECK(conv.packs() == 1);
}

}  // namespace
}  // namespace talweg::nn
