#include <doctest/doctest.h>

#include <set>
#include <string>

#include "core/ops/elementwise.h"
#include "core/ops/in_place.h"
#include "core/study/wrong_engines/assignment.h"
#include "core/study/wrong_engines/checks.h"
#include "core/study/wrong_engines/no_order.h"
#include "core/study/wrong_engines/no_reduction.h"
#include "core/study/wrong_engines/recursion.h"
#include "core/study/wrong_engines/right.h"
#include "core/study/wrong_engines/stale.h"
#include "core/tape.h"

using namespace talweg;
using namespace talweg::wrong_engines;

namespace {

template <class Engine> std::set<std::string> failed() {
  std::set<std::string> names;
  for (const Check& check : checks<Engine>()) {
    const std::string what = check.run();
    if (!what.empty()) names.insert(check.name);
  }
  return names;
}

using Names = std::set<std::string>;

/// Our own tape, as an engine of the gallery.
class TapeEngine {
 public:
  using Value = Var<double>;
  Value variable(const Numbers& x) {
    const Shape shape = x.size() == 1 ? Shape{} : Shape{int64_t(x.size())};
    return tape_.variable(Tensor<double>(shape, std::span<const double>(x)));
  }
  Value add(Value a, Value b) { return talweg::add(a, b); }
  Value mul(Value a, Value b) { return talweg::mul(a, b); }
  Value exp(Value x) { return talweg::exp(x); }
  void backward(Value y) { tape_.backward(talweg::sum_to(y, {})); }
  Numbers gradient(Value x) const {
    const Tensor<double> g = x.grad();
    return {g.values().begin(), g.values().end()};
  }
  void overwrite(Value x, const Numbers& by) { add_(x, tape_.constant(by[0] - x.item())); }

 private:
  Tape<double> tape_;
};

}  // namespace

TEST_CASE("each mistake is found by the check made for it, and hardly by another") {
  CHECK(failed<RightEngine>() == Names{});
  CHECK(failed<AssigningEngine>() == Names{"used twice", "two ways"});
  CHECK(failed<UnorderedEngine>() == Names{"two ways"});
  CHECK(failed<UnsummedEngine>() == Names{"stretched"});
  CHECK(failed<RecursiveEngine>() == Names{"long chain"});
  CHECK(failed<StaleEngine>() == Names{"overwritten"});
}

TEST_CASE("the engine itself passes the checks of the gallery") {
  CHECK(failed<TapeEngine>() == Names{});
}

TEST_CASE("the checks say what was found and what should have been") {
  CHECK(check_used_twice<AssigningEngine>() == "found (6), expected (24)");
  CHECK(check_two_ways<UnorderedEngine>() == "found (1), expected (2.28403)");
  CHECK(check_stretched<UnsummedEngine>() == "found (1, 10, 100), expected (111)");
  CHECK(check_long_chain<RecursiveEngine>() == "the process was ended by signal 11");
  CHECK(check_overwritten<StaleEngine>() == "found (-1), expected (5)");
}
