#include "core/study/hooks.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "core/ops/elementwise.h"

using namespace talweg;

namespace {

template <class Hook>
concept CanHook = requires(Var<double> x, Hook&& hook) {
  on_gradient(x, std::forward<Hook>(hook));
};

}  // namespace

TEST_CASE("a gradient hook sees all of the gradient, once, and may leave it as it is") {
  Tape<double> tape;
  std::vector<double> seen;
  const GradientHook<double> look = [&](Var<double> dy) {
    seen.push_back(dy.item());
    return Var<double>();
  };
  const auto x = tape.variable(Tensor<double>({}, 3.0));
  const auto h = on_gradient(x * x, look);
  tape.backward(h * h);  // used twice: 2 h arrives in two parts
  CHECK(seen == std::vector<double>{18});
  CHECK(x.grad()[0] == 4 * 27);
}

TEST_CASE("a gradient hook may put another in its place, recorded passes included") {
  Tape<double> tape;
  const GradientHook<double> reverse = [](Var<double> dy) { return scale(dy, -2.0); };
  const auto x = tape.variable(Tensor<double>({}, 3.0));
  const auto y = square(on_gradient(x, reverse));
  const Var<double> xs[] = {x};
  const auto first = tape.grad(y, xs, true)[0];
  CHECK(first.item() == -12);
  CHECK(tape.grad(first, xs)[0].item() == 8);  // the gradient of -2 dy, dy = 2 x, hooked once more
}

TEST_CASE("a gradient hook that changes the shape is refused") {
  Tape<double> tape;
  const GradientHook<double> sums = [](Var<double> dy) { return sum_to(dy, {}); };
  const auto x = tape.variable(Tensor<double>({2}, 3.0));
  const auto y = sum_to(on_gradient(x, sums), {});
  CHECK_THROWS_WITH_AS(tape.backward(y), doctest::Contains("returned a gradient of shape []"),
                       Error);
}

TEST_CASE("a hook that would be gone before the pass does not compile") {
  const auto lambda = [](Var<double> dy) { return dy; };
  static_assert(CanHook<const GradientHook<double>&>);
  static_assert(CanHook<GradientHook<double>&>);
  static_assert(!CanHook<GradientHook<double>>);
  static_assert(!CanHook<decltype(lambda)>);  // it would be turned into a temporary
}

TEST_CASE("on_value looks and passes on") {
  Tape<double> tape;
  double seen = 0;
  const auto x = tape.variable(Tensor<double>({}, 3.0));
  const auto y = square(on_value(x * x, [&](Var<double> v) { seen = v.item(); }));
  CHECK(seen == 9);
  CHECK(y.item() == 81);
}

TEST_CASE("a value hook sees every value of an op, in rules too, and none that is not written") {
  Tape<double> tape;
  std::vector<double> seen, all;
  const auto x = tape.variable(Tensor<double>({}, 2.0));
  {
    ValueHook<double> hook(tape, "exp", [&](Var<double> v) { seen.push_back(v.item()); });
    auto y = exp(log(x));
    hook.flush();
    CHECK(seen.size() == 1);
    y = exp(square(y));  // exp's own rule makes a mul, square's a mul and a scale
    tape.backward(y);
  }
  exp(x);
  REQUIRE(seen.size() == 2);
  CHECK(seen[0] == doctest::Approx(2));
  CHECK(seen[1] == doctest::Approx(std::exp(4.0)));
  {
    ValueHook<double> hook(tape, "mul", [&](Var<double> v) { all.push_back(v.item()); });
    const auto y = exp(scale(x, 3.0));
    tape.backward(y);
  }
  REQUIRE(all.size() == 1);  // dy y, inside the rule
  CHECK(all[0] == doctest::Approx(std::exp(6.0)));
}

TEST_CASE("a value hook outlives scopes, and gives the tape back to whoever watched") {
  struct Nobody : TapeObserver<double> {
  } nobody;
  Tape<double> tape;
  tape.observe(&nobody);
  int count = 0;
  {
    ValueHook<double> hook(tape, "", [&](Var<double>) { ++count; });
    {
      TapeScope<double> scope(tape);
      tape.constant(1.0);
      tape.constant(2.0);
    }
    tape.constant(3.0);
    hook.flush();
  }
  CHECK(count == 2);  // 2.0 went with its scope before anything could tell that it was written
  CHECK(tape.observe(nullptr) == &nobody);
}
