#include "ocr/word_model.h"

#include <doctest/doctest.h>

#include "core/error.h"

using namespace talweg;
using namespace talweg::ocr;

TEST_CASE("an architecture comes back from its string") {
  Architecture a;
  a.channels = {1, 2, 3, 4, 5};
  a.normalise = false;
  CHECK(a.to_string() == "cnn/1-2-3-4-5/plain");
  const Architecture b = Architecture::parse(a.to_string());
  CHECK(b.channels == a.channels);
  CHECK_FALSE(b.normalise);
  CHECK(Architecture::parse(Architecture().to_string()).normalise);
}

TEST_CASE("a string that is no architecture is refused and shown") {
  for (const char* text :
       {"", "cnn/", "cnn/1-2-3-4", "cnn/1-2-3-4-5-6", "rnn/1-2-3-4-5", "cnn/1-2-x-4-5",
        "cnn/1-2-3-4-5-", "cnn/0-2-3-4-5", "cnn/1-2-3-4-99999"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(Architecture::parse(text), doctest::Contains("is not known"), Error);
  }
}

TEST_CASE("the network gives as many windows as window_count promises") {
  const Architecture small{{4, 4, 4, 4, 4}, true};
  const auto network = make_network(small, 27, Rng(1));
  for (int width : {4, 17, 18, 19, 90}) {
    Tape<float> tape;
    auto context = nn::Context<float>::for_inference(tape, network.parameters);
    const Tensor<float> x({2, kModelHeight, width, 1}, 0.5f);
    const Shape e = energies(network, context, tape.borrow(x, false)).shape();
    CHECK(e == Shape{2, window_count(width), 27});
  }
}

TEST_CASE("images of another height, or too narrow for a window, are refused") {
  const auto network = make_network({{4, 4, 4, 4, 4}, true}, 27, Rng(1));
  Tape<float> tape;
  auto context = nn::Context<float>::for_inference(tape, network.parameters);
  const Tensor<float> low({1, 16, 40, 1}), narrow({1, kModelHeight, 3, 1});
  CHECK_THROWS_AS(energies(network, context, tape.borrow(low, false)), Error);
  CHECK_THROWS_AS(energies(network, context, tape.borrow(narrow, false)), Error);
}
