#include "ebm/graph/ops.h"

#include <doctest/doctest.h>

#include "core/op_check.h"

namespace talweg::ebm {
namespace {

TEST_CASE("every op of graphs passes the checks of its card") {
  REQUIRE(graph_ops().size() == 4);
  for (const OpCard& card : graph_ops()) {
    CHECK_MESSAGE(!card.benches.empty(), card.name, " has no card.bench");
    const OpReport report = check_op(card);
    CAPTURE(card.name);
    CHECK(report.cases > 0);
    for (const std::string& failure : report.failures) FAIL_CHECK(failure);
  }
}

}  // namespace
}  // namespace talweg::ebm
