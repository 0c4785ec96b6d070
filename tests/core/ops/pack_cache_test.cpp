#include "core/ops/pack_cache.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "core/ops/conv2d.h"
#include "core/rng.h"

using namespace talweg;

namespace {

Tensor<float> random_tensor(const Shape& shape, uint64_t seed) {
  Rng rng(seed);
  Tensor<float> t(shape);
  for (float& v : t.values()) v = float(rng.normal());
  return t;
}

const Shape kWeight{20, 3, 3, 5};
const Conv2dOptions kSame = Conv2dOptions::same(3, 3);

/// conv2d(x, w), where `packs` may be null.
std::vector<float> convolve(const Tensor<float>& x, const Tensor<float>& w,
                            PackCache<float>* packs) {
  Tape<float> tape;
  const Var<float> y = conv2d(tape.borrow(x, false), tape.borrow(w, false, packs), kSame);
  return {y.values().begin(), y.values().end()};
}

}  // namespace

TEST_CASE(
    "a pass with packed weights gives the bits of a pass without, and the next packs nothing") {
  const Tensor<float> w = random_tensor(kWeight, 1), x = random_tensor({2, 7, 9, 5}, 2);
  PackCache<float> packs;
  for (int pass = 0; pass < 3; ++pass) {
    CHECK(convolve(x, w, &packs) == convolve(x, w, nullptr));
    CHECK(packs.packs() == 1);
  }
  SUBCASE("nor for images of another size") {
    const Tensor<float> other = random_tensor({1, 3, 14, 5}, 3);
    CHECK(convolve(other, w, &packs) == convolve(other, w, nullptr));
    CHECK(packs.packs() == 1);
  }
}

TEST_CASE("once told that the weight changed, a cache packs it again") {
  Tensor<float> w = random_tensor(kWeight, 1);
  const Tensor<float> x = random_tensor({2, 7, 9, 5}, 2);
  PackCache<float> packs;
  const auto before = convolve(x, w, &packs);
  for (float& v : w.values()) v = -v;
  CHECK(convolve(x, w, &packs) == before);  // nobody told it
  packs.invalidate();
  const auto after = convolve(x, w, &packs);
  CHECK(after == convolve(x, w, nullptr));
  CHECK(after != before);
  CHECK(packs.packs() == 2);
}

TEST_CASE("faces and geometries are packed apart") {
  const Tensor<float> w = random_tensor(kWeight, 1);
  const Tensor<float> x = random_tensor({2, 7, 9, 5}, 2), g = random_tensor({2, 7, 9, 20}, 3);
  PackCache<float> packs;
  Tape<float> tape;
  const auto lent = tape.borrow(w, false, &packs), plain = tape.borrow(w, false);
  const auto in = tape.borrow(x, false), out = tape.borrow(g, false);
  const auto same = [](Var<float> a, Var<float> b) {
    return std::equal(a.values().begin(), a.values().end(), b.values().begin());
  };
  for (int pass = 0; pass < 2; ++pass) {
    CHECK(same(conv2d(in, lent, kSame), conv2d(in, plain, kSame)));
    CHECK(same(conv2d_backward_data(out, lent, 7, 9, kSame),
               conv2d_backward_data(out, plain, 7, 9, kSame)));
    const auto strided = Conv2dOptions::square(2, 1);
    const auto from = conv2d(in, plain, strided);
    CHECK(same(conv2d_backward_data(from, lent, 7, 9, strided),
               conv2d_backward_data(from, plain, 7, 9, strided)));
    CHECK(packs.packs() == 3);
  }
}

TEST_CASE("each instruction set finds its own packed form") {
  const Tensor<float> w = random_tensor(kWeight, 1), x = random_tensor({2, 7, 9, 5}, 2);
  auto isas = kernels::available_isas();
  isas.push_back("reference");
  PackCache<float> packs;
  for (int pass = 0; pass < 2; ++pass) {
    for (const std::string& isa : isas) {
      const kernels::ScopedIsa scope(isa);
      CAPTURE(isa);
      CHECK(convolve(x, w, &packs) == convolve(x, w, nullptr));
    }
  }
  CHECK(packs.packs() == int64_t(isas.size()));
}

TEST_CASE("threads that ask at once pack once and read the same") {
  const Tensor<float> w = random_tensor(kWeight, 1), x = random_tensor({1, 4, 4, 5}, 2);
  PackCache<float> packs;
  const auto expected = convolve(x, w, nullptr);
  std::vector<int> right(4);
  std::vector<std::thread> threads;
  for (int& count : right) {
    threads.emplace_back([&] {
      for (int pass = 0; pass < 20; ++pass) count += convolve(x, w, &packs) == expected;
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(right == std::vector<int>(4, 20));
  CHECK(packs.packs() == 1);
}

TEST_CASE("a copy of a cache is empty, and assignment forgets: they stand by other tensors") {
  const Tensor<float> w = random_tensor(kWeight, 1), other = random_tensor(kWeight, 4);
  const Tensor<float> x = random_tensor({1, 4, 4, 5}, 2);
  PackCache<float> packs, more;
  convolve(x, w, &packs);
  PackCache<float> copy = packs;
  CHECK(convolve(x, other, &copy) == convolve(x, other, nullptr));
  convolve(x, w, &more);
  more = copy;
  CHECK(convolve(x, other, &more) == convolve(x, other, nullptr));
}
