#include "core/study/anomaly.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/ops.h"
#include "core/ops/elementwise.h"
#include "core/ops/reduce.h"
#include "core/rng.h"
#include "tests/core/study/support.h"

using namespace talweg;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("the op that makes the first infinity is named, with element, inputs and line") {
  Tape<double> tape;
  Anomaly<double> watch(tape);
  const int line = __LINE__ + 4;
  const std::string error = error_of([&] {
    const Var<double> x = tape.variable(vec({3, 2, 0, 1}));
    const Var<double> y = square(x);
    const Var<double> z = log(y);
    sum(z * y);
  });
  CHECK(has(error, "[anomaly] log"));
  CHECK(has(error, "made -inf at element 2 of [4]"));
  CHECK(has(error, "computed from square"));
  CHECK(has(error, ": 0"));
  if (why_no_call_sites().empty()) CHECK(has(error, message("anomaly_test.cpp:", line)));
}

TEST_CASE("what was made last is looked at by check(), a leaf is said to hold its NaN") {
  Tape<double> tape;
  Anomaly<double> watch(tape);
  tape.constant(1.0);
  watch.check();
  tape.constant(std::numeric_limits<double>::quiet_NaN());
  CHECK(has(error_of([&] { watch.check(); }), "holds nan"));
  CHECK(error_of([&] { watch.check(); }).empty());
}

TEST_CASE("an input that broadcasts is shown at the element it gave") {
  Tape<double> tape;
  Anomaly<double> watch(tape);
  const Var<double> a = tape.constant(Tensor<double>({2, 3}, 1.0)),
                    b = tape.constant(vec({5, 0, 7}));
  const std::string error = error_of([&] { a / b, watch.check(); });
  CHECK(has(error, "made inf at element 1 of [2,3]"));
  CHECK(has(error, ": 1, "));
  CHECK(has(error, ": 0"));
}

TEST_CASE("a rule that makes an infinity is named with its input") {
  Tape<double> tape;
  Anomaly<double> watch(tape);
  const Var<double> x = tape.variable(vec({4, 0, 1}));
  const int line = __LINE__ + 1;
  const Var<double> y = sqrt(x);
  const std::string error = error_of([&] { tape.backward(sum(y)); });
  CHECK(has(error, "the rule of sqrt"));
  CHECK(has(error, "for its input variable"));
  CHECK(has(error,
            "made inf at element 1 of [3]; there the input is 0, the output 0, the output's "
            "gradient 1; inside the rule, div"));
  if (why_no_call_sites().empty()) CHECK(has(error, message("anomaly_test.cpp:", line)));
}

TEST_CASE("second-order passes are watched: the first order is finite here, the second is not") {
  Tape<double> tape;
  Anomaly<double> watch(tape);
  const Var<double> x = tape.variable(vec({1e-160}));
  const Var<double> zero = tape.variable(vec({0.0}));
  const Var<double> y = relu(zero) * sqrt(zero + 1.0) + square(x);
  const std::array xs{zero, x};
  const std::vector<Var<double>> g = tape.grad(sum(y), xs, true);
  CHECK(std::isfinite(g[0].data()[0]));
  const Var<double> root = sqrt(g[0]);  // of a first derivative that is 0: differentiates to inf
  const std::string error = error_of([&] { tape.grad(sum(root), std::span(xs).first(1), true); });
  CHECK(has(error, "the rule of sqrt"));
  CHECK(has(error, "made inf"));
}

TEST_CASE("gradients that overflow only where they are added up") {
  Tape<double> tape;
  Anomaly<double> watch(tape);
  const Var<double> x = tape.variable(vec({0.0}));
  const Var<double> twice = scale(x, 1.0);
  const Var<double> y = scale(twice, 1.5e308) + scale(twice, 1.5e308);
  const std::string error = error_of([&] { tape.backward(sum(y)); });
  CHECK(has(error, "the sum overflowed"));
  CHECK(has(error, "the gradient of scale"));
}

TEST_CASE("a rule may meet an infinity if it does not hand it on") {
  Tape<double> tape;
  Anomaly<double> watch(tape);
  const Var<double> x = tape.variable(vec({2.0}));
  Var<double> y = tape.make("guarded", {1});
  y.data()[0] = 1;
  y.wrt(x, [](Var<double> dy) {
    const Var<double> infinite = dy / dy.tape().full(dy.shape(), 0.0);
    return dy / infinite;  // 0
  });
  CHECK(error_of([&] { tape.backward(sum(y)); }).empty());
  CHECK(x.grad()[0] == 0);
}

TEST_CASE("no op shows a value before it has written it, and finite cases stay finite") {
  for (const OpCard& card : ops()) {
    for (const OpCase& c : card.cases) {
      const auto none = [](const OpInput& in) { return in.shape.size() == 0; };
      if (std::ranges::any_of(c.inputs, none)) continue;  // the log of an empty sum is -inf
      Tape<double> tape;
      {  // memory that ops will get begins as NaN
        const TapeScope<double> scope(tape);
        for (int64_t n = 1; n <= 4096; n *= 2) {
          for (int i = 0; i < 16; ++i) tape.full({n}, std::numeric_limits<double>::quiet_NaN());
        }
      }
      Anomaly<double> watch(tape);
      Rng rng(7);
      const std::string error = error_of([&] {
        std::vector<Var<double>> x;
        for (const OpInput& in : c.inputs) {
          Tensor<double> t(in.shape);
          for (int64_t i = 0; i < t.size(); ++i) t[i] = rng.uniform(0.5, 0.9);
          x.push_back(tape.variable(t));
        }
        const Var<double> y = c.f.f64(x);
        watch.check();
        if (y.needs_grad()) tape.backward(sum(y));
      });
      CHECK_MESSAGE(error.empty(), card.name << ", " << c.name << ": " << error);
    }
  }
}
