#include <doctest/doctest.h>

#include <set>

#include "core/op_check.h"
#include "core/ops.h"

using namespace talweg;

TEST_CASE("every op passes the checks that its card asks for") {
  for (const OpCard& card : ops()) {
    const OpReport report = check_op(card);
    CAPTURE(card.name);
    for (const std::string& failure : report.failures) FAIL_CHECK(failure);
    CHECK(report.cases > 0);
  }
}

TEST_CASE(
    "every card says what the op computes, how it differentiates, on which shapes, and whence") {
  for (const OpCard& card : ops()) {
    CAPTURE(card.name);
    CHECK_FALSE(card.formula_text.empty());
    CHECK_FALSE(card.rule_text.empty());
    CHECK_FALSE(card.shapes_text.empty());
    CHECK_FALSE(card.source_text.empty());
  }
}

TEST_CASE("every card has an input with one element and one with none") {
  for (const OpCard& card : ops()) {
    std::set<int64_t> sizes;
    for (const OpCase& c : card.cases) {
      for (const OpInput& in : c.inputs) sizes.insert(in.shape.size());
    }
    for (const OpPoint& p : card.points) {
      for (const auto& in : p.inputs) sizes.insert(int64_t(in.size()));
    }
    CAPTURE(card.name);
    CHECK(sizes.count(1) == 1);
    CHECK(sizes.count(0) == 1);
  }
}

TEST_CASE("every card has a size to be timed at") {
  for (const OpCard& card : ops())
    CHECK_MESSAGE(!card.benches.empty(), card.name, " has no card.bench");
}

TEST_CASE("no two ops share a name") {
  std::set<std::string> names;
  for (const OpCard& card : ops()) CHECK_MESSAGE(names.insert(card.name).second, card.name);
}

namespace {

/// exp with a planted fault in its rule: what a card's checks are there to catch.
template <class T> Var<T> broken_exp(Var<T> x, T factor) {
  Var<T> y = x.tape().make("broken_exp", x.shape());
  for (int64_t i = 0; i < y.size(); ++i) y.data()[i] = std::exp(x.data()[i]);
  y.wrt(x, [=](Var<T> dy) { return scale(mul(dy, y), factor); });
  return y;
}

OpReport report_of_broken_exp(double factor) {
  OpCard card;
  card.name = "broken_exp";
  card.check("matrix", {{3, 4}}, [=](auto x) {
    return broken_exp(x[0], {static_cast<std::decay_t<decltype(x[0].item())>>(factor)});
  });
  return check_op(card);
}

}  // namespace

TEST_CASE("the checks catch a gradient with the wrong sign or one part in ten thousand off") {
  CHECK(report_of_broken_exp(1).failures.empty());
  CHECK_FALSE(report_of_broken_exp(-1).failures.empty());
  CHECK_FALSE(report_of_broken_exp(1.0001).failures.empty());
}

TEST_CASE("the checks catch shapes that should have been refused") {
  OpCard card;
  card.name = "add";
  card.rejects(
      {{2}, {2}}, [](auto x) { return add(x[0], x[1]); }, "do not broadcast");
  CHECK(check_op(card).failures.size() == 1);
}
