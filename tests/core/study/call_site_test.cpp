#include "core/study/call_site.h"

#include <doctest/doctest.h>

#include "core/ops/elementwise.h"
#include "core/tape_observer.h"

using namespace talweg;

TEST_CASE("the line that called an op is found, however the op was inlined") {
  if (const std::string reason = why_no_call_sites(); !reason.empty()) {
    MESSAGE("skipped: " << reason);
    return;
  }
  struct Watch : TapeObserver<double> {
    std::vector<SourceLine> calls;
    void made(Var<double>) override { calls.push_back(call_site(capture_call_stack())); }
  } watch;
  Tape<double> tape;
  auto x = tape.variable(Tensor<double>({2}, 1.0));
  tape.observe(&watch);
  const int line = __LINE__ + 1;
  auto y = exp(x);
  y = relu(y);
  REQUIRE(watch.calls.size() == 2);
  CHECK(watch.calls[0].file.ends_with("tests/core/study/call_site_test.cpp"));
  CHECK(watch.calls[0].line == line);
  CHECK(watch.calls[1].line == line + 1);
}
