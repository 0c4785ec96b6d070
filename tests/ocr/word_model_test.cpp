#include "ocr/word_model.h"

#include <doctest/doctest.h>

#include "core/error.h"

using namespace talweg;
using namespace talweg::ocr;

TEST_CASE("an architecture comes back from its string") {
  for (const char* text : {"net/16p-32p-64v-96-c128", "net/1p-2-3v-c4-w5-w6/x2", "net/c7/plain",
                           "net/4p-c8-w8d3-r4-r4d16/x2", "net/8p-8p-8p-8p-8p-c9/x8/plain"}) {
    CAPTURE(text);
    CHECK(Architecture::parse(text).to_string() == text);
  }
  CHECK(Architecture().to_string() == "net/16p-32p-64v-96-c128");
}

TEST_CASE("the older way to write an architecture is understood") {
  CHECK(Architecture::parse("cnn/16-32-64-96-128") == Architecture());
  CHECK(Architecture::parse("cnn/1-2-3-4-5/plain").to_string() == "net/1p-2p-3v-4-c5/plain");
}

TEST_CASE("a string that is no architecture is refused, shown, and told why") {
  const std::pair<const char*, const char*> cases[] = {
      {"", "does not begin with net/"},
      {"rnn/1-2-3-4-5", "does not begin with net/"},
      {"cnn/", "five convolutions"},
      {"net/", "has no c block"},
      {"cnn/1-2-3-4", "five convolutions"},
      {"cnn/1-2-3-4-5-6", "five convolutions"},
      {"cnn/1-2-x-4-5", "no channels"},
      {"cnn/1-2-3-4-5-", "'-' is no block"},
      {"cnn/0-2-3-4-5", "no channels"},
      {"cnn/1-2-3-4-99999", "no channels"},
      {"net/8p-16", "has no c block"},
      {"net/8p-w8-c8", "before the c block"},
      {"net/8p-c8-8", "w and r blocks alone"},
      {"net/8p-c8-c8", "w and r blocks alone"},
      {"net/8p-8p-8p-8p-8p-8v-c8", "too often"},
      {"net/8p-r8-c8", "before the c block"},
      {"net/8p-c8-w8d0", "d is followed by a number"},
      {"net/8p-c8-r8d65", "d is followed by a number"},
      {"net/8p-8d2-c8", "'d2-c8' is no block"},
      {"net/8p-c8/x0", "number from 1 to 8"},
      {"net/8p-c8/y2", "behind the blocks"},
      {"net/8q-c8", "'q-c8' is no block"},
  };
  for (const auto& [text, why] : cases) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(Architecture::parse(text), doctest::Contains(why), Error);
    CHECK_THROWS_WITH_AS(Architecture::parse(text), doctest::Contains(text), Error);
  }
}

TEST_CASE("a network gives as many windows as its architecture promises") {
  const std::pair<const char*, double> cases[] = {{"net/4p-4p-4v-4-c4", 4},
                                                  {"net/4p-4p-4v-c4/x2", 2},
                                                  {"net/4p-4v-c4-w5-w3/x3", 2.0 / 3},
                                                  {"net/4p-4p-c4-w5d2-r3d4-r2", 4}};
  for (const auto& [text, stride] : cases) {
    const auto a = Architecture::parse(text);
    CHECK(a.window_stride() == doctest::Approx(stride));
    const auto network = make_network(a, 27, Rng(1));
    for (int width : {4, 17, 18, 19, 90}) {
      CAPTURE(width);
      Tape<float> tape;
      auto context = nn::Context<float>::for_inference(tape, network.parameters);
      const Tensor<float> x({2, kModelHeight, width, 1}, 0.5f);
      const Shape e = energies(a, network, context, tape.borrow(x, false)).shape();
      CHECK(e == Shape{2, a.windows(width), 27});
    }
  }
}

TEST_CASE("several windows of a position look at its left and its right") {
  // A bar that moves by half a position must move the energies by one window, in a trained network;
  // here, untrained, the two windows of a position at least have energies of their own.
  const auto a = Architecture::parse("net/4p-4p-4v-4-c4/x2");
  const auto network = make_network(a, 5, Rng(1));
  Tape<float> tape;
  auto context = nn::Context<float>::for_inference(tape, network.parameters);
  Tensor<float> x({1, kModelHeight, 16, 1});
  for (int64_t y = 0; y < kModelHeight; ++y) x.data()[y * 16 + 5] = 1;
  const Var<float> e = energies(a, network, context, tape.borrow(x, false));
  const float* values = e.data();
  CHECK_FALSE(std::equal(values, values + 5, values + 5));
}

TEST_CASE("an architecture extends another by r blocks behind its own, and begins as that does") {
  const auto base = Architecture::parse("net/4p-4v-c6-w5/x2");
  const auto more = Architecture::parse("net/4p-4v-c6-w5-r3d2-r4d7/x2");
  CHECK(base.extends(base));
  CHECK(more.extends(base));
  CHECK_FALSE(base.extends(more));
  for (const char* other : {"net/4p-4v-c6-w5-r3", "net/4p-4v-c6-r3-w5/x2", "net/4p-4v-c6-w6-r3/x2",
                            "net/4p-4v-c6-w5-w5/x2", "net/4p-4v-c6-w5-r3/x2/plain"}) {
    CAPTURE(other);
    CHECK_FALSE(Architecture::parse(other).extends(base));
  }
  // The same draws of the same blocks; the blocks behind are the identity until they learn, but for
  // the last layer, drawn after them.
  const auto one = make_network(base, 3, Rng(1)), two = make_network(more, 3, Rng(1));
  auto grown = make_blank_network(more, 3);
  for (int id = 0; id < grown.parameters.size(); ++id) {
    const int its = one.parameters.find(grown.parameters[id].name);
    grown.parameters[id].value = its < 0 ? two.parameters[id].value : one.parameters[its].value;
  }
  Tensor<float> x({1, kModelHeight, 24, 1});
  Rng rng(2);
  for (float& v : x.values()) v = float(rng.uniform());
  Tape<float> tape;
  auto a = nn::Context<float>::for_inference(tape, one.parameters);
  auto b = nn::Context<float>::for_inference(tape, grown.parameters);
  const Tensor<float> ea = energies(base, one, a, tape.borrow(x, false)).to_tensor();
  const Tensor<float> eb = energies(more, grown, b, tape.borrow(x, false)).to_tensor();
  for (int64_t i = 0; i < ea.size(); ++i) CHECK(eb[i] == doctest::Approx(ea[i]).epsilon(1e-5));
}

TEST_CASE("a blank network has the tensors of a drawn one, its convolutions 0") {
  const auto a = Architecture::parse("net/4p-4v-c6-w5-r3d2/x2");
  const auto blank = make_blank_network(a, 3), drawn = make_network(a, 3, Rng(1));
  REQUIRE(blank.parameters.size() == drawn.parameters.size());
  for (int id = 0; id < blank.parameters.size(); ++id) {
    CHECK(blank.parameters[id].name == drawn.parameters[id].name);
    CHECK(blank.parameters[id].value.shape() == drawn.parameters[id].value.shape());
    if (!blank.parameters[id].name.ends_with("conv.weight")) continue;
    for (float w : blank.parameters[id].value.values()) CHECK(w == 0);
  }
}

TEST_CASE("parameters are counted as they are made") {
  for (const char* text :
       {"net/4p-4v-c6-w5-r3d2/x2", "net/4p-4v-c6-w5-r3d2/x2/plain", "cnn/2-3-4-5-6", "net/3-c7"}) {
    CAPTURE(text);
    const auto a = Architecture::parse(text);
    int64_t made = 0;
    for (const auto& p : make_blank_network(a, 5).parameters) made += p.value.size();
    CHECK(parameter_count(a, 5) == made);
  }
  CHECK(parameter_count(Architecture::parse("net/4096-4096-c4096"), 3) > 1'000'000'000);
}

TEST_CASE("images of another height, or too narrow for a window, are refused") {
  const auto a = Architecture::parse("net/4p-4p-4v-4-c4");
  const auto network = make_network(a, 27, Rng(1));
  Tape<float> tape;
  auto context = nn::Context<float>::for_inference(tape, network.parameters);
  const Tensor<float> low({1, 16, 40, 1}), narrow({1, kModelHeight, 3, 1});
  CHECK_THROWS_AS(energies(a, network, context, tape.borrow(low, false)), Error);
  CHECK_THROWS_AS(energies(a, network, context, tape.borrow(narrow, false)), Error);
}
