#include "core/parallel.h"

#include <doctest/doctest.h>

#include <vector>

namespace talweg {
namespace {

class Threads {
 public:
  explicit Threads(int count) : before_(omp_get_max_threads()) { omp_set_num_threads(count); }
  ~Threads() { omp_set_num_threads(before_); }

 private:
  int before_;
};

TEST_CASE("a shared loop does every item once, for any number of items and threads") {
  for (const int threads : {1, 2, 3, 70}) {
    const Threads set(threads);
    for (const int64_t n : {0, 1, 2, 3, 31, 32, 33, 1000}) {
      CAPTURE(threads);
      CAPTURE(n);
      std::vector<int> done(n, 0);
      parallel_for(n, true, [&](int64_t i) { ++done[i]; });
      CHECK(done == std::vector<int>(n, 1));
    }
  }
}

TEST_CASE("a shared loop whose first items take long does every item once") {
  const Threads set(3);
  std::vector<double> sums(300, 0);
  parallel_for(300, true, [&](int64_t i) {
    for (int64_t k = 0; k < (i < 30 ? 100'000 : 10); ++k) sums[i] += 1;
  });
  for (int64_t i = 0; i < 300; ++i) CHECK(sums[i] == (i < 30 ? 100'000 : 10));
}

TEST_CASE(
    "a shared loop goes in order, by one thread, where it is not worth more or inside another") {
  const Threads set(2);
  std::vector<int64_t> order;
  parallel_for(5, false, [&](int64_t i) { order.push_back(i); });
  CHECK(order == std::vector<int64_t>{0, 1, 2, 3, 4});
  std::vector<std::vector<int64_t>> orders(4);
  parallel_for(4, true, [&](int64_t outer) {
    parallel_for(3, true, [&](int64_t i) { orders[outer].push_back(i); });
  });
  for (const auto& inner : orders) CHECK(inner == std::vector<int64_t>{0, 1, 2});
}

}  // namespace
}  // namespace talweg
