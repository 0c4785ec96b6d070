#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "core/arena.h"
#include "core/ops/common.h"
#include "core/rng.h"
#include "core/tensor.h"

using namespace talweg;

TEST_CASE("the pool hands out aligned blocks that do not overlap, and takes them back") {
  Pool pool;
  std::vector<std::pair<char*, std::size_t>> blocks;
  for (std::size_t bytes = 0; bytes < 40'000; bytes = bytes * 5 / 4 + 1) {
    char* p = static_cast<char*>(pool.allocate(bytes));
    CHECK(reinterpret_cast<std::uintptr_t>(p) % kAlignment == 0);
    std::fill_n(p, bytes, char(blocks.size()));
    blocks.emplace_back(p, bytes);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto [p, bytes] = blocks[i];
    CHECK(std::all_of(p, p + bytes, [&](char c) { return c == char(i); }));
    pool.release(p, bytes);
  }
  CHECK(pool.live_bytes() == 0);
  const auto reserved = pool.reserved_bytes();
  for (auto [p, bytes] : blocks) pool.allocate(bytes);
  CHECK(pool.reserved_bytes() == reserved);
}

TEST_CASE("a pool block is at most a quarter, or one cache line, larger than asked for") {
  for (std::size_t bytes : {1u, 64u, 65u, 300u, 1000u, 12345u, 1u << 20, 5'000'000u}) {
    Pool pool;
    pool.allocate(bytes);
    CHECK(pool.live_bytes() >= bytes);
    CHECK(pool.live_bytes() <= bytes + bytes / 4 + 2 * kAlignment);
  }
}

TEST_CASE("an arena rewound to a mark gives the same memory again") {
  Arena arena;
  arena.allocate(100);
  const auto mark = arena.mark();
  void* first = arena.allocate(1000);
  arena.allocate(1 << 20);
  arena.rewind(mark);
  CHECK(arena.allocate(1000) == first);
}

TEST_CASE("shapes broadcast as NumPy's do and refuse with both shapes named") {
  CHECK(broadcast("op", {2, 1, 3}, {4, 1}) == Shape{2, 4, 3});
  CHECK(broadcast("op", {}, {5}) == Shape{5});
  CHECK(broadcast("op", {0, 3}, {1}) == Shape{0, 3});
  CHECK_THROWS_WITH_AS(
      broadcast("op", {2, 3}, {2}),
      "[op] shapes [2,3] and [2] do not broadcast: extents 3 and 2 differ and neither "
      "is 1; reshape one of them",
      Error);
}

TEST_CASE("a shape knows its size; a scalar has one element, an empty axis makes none") {
  CHECK(Shape{}.size() == 1);
  CHECK(Shape{3, 0, 2}.size() == 0);
  CHECK(Shape{2, 3}.to_string() == "[2,3]");
  CHECK_THROWS_AS(Shape({1, 1, 1, 1, 1, 1, 1}), Error);
  CHECK_THROWS_AS(Shape({-1}), Error);
}

TEST_CASE("a tensor copies its values and refuses a count that does not fit") {
  Tensor<float> a({2, 2}, 1.0f);
  Tensor<float> b = a;
  b[0] = 5;
  CHECK(a[0] == 1);
  const float three[] = {1, 2, 3};
  CHECK_THROWS_AS(Tensor<float>(Shape{2, 2}, std::span<const float>(three)), Error);
}

TEST_CASE(
    "random streams repeat for a seed, differ between splits, and resume from their two words") {
  Rng a(1), b(1), c(2);
  CHECK(a.next() == b.next());
  CHECK(a.next() != c.next());
  CHECK(a.split(0).next() != a.split(1).next());
  Rng resumed(a.key(), a.counter());
  CHECK(resumed.next() == a.next());
}

TEST_CASE("random numbers have the moments of their distributions within five standard errors") {
  Rng rng(3);
  const int n = 100'000;
  double sum = 0, square = 0, normal = 0, normal2 = 0;
  std::set<uint64_t> seen;
  for (int i = 0; i < n; ++i) {
    const double u = rng.uniform(), z = rng.normal();
    sum += u, square += u * u, normal += z, normal2 += z * z;
    seen.insert(rng.below(10));
  }
  CHECK(std::abs(sum / n - 0.5) < 5 * 0.2887 / std::sqrt(n));
  CHECK(std::abs(square / n - 1.0 / 3) < 5 * 0.2981 / std::sqrt(n));
  CHECK(std::abs(normal / n) < 5 / std::sqrt(n));
  CHECK(std::abs(normal2 / n - 1) < 5 * std::sqrt(2.0 / n));
  CHECK(seen.size() == 10);
}
