#include "core/study/op_profile.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "core/ops.h"
#include "core/study/checkpoint.h"
#include "core/study/op_flops.h"

using namespace talweg;

namespace {

const OpProfile<float>::Row* find(const std::vector<OpProfile<float>::Row>& rows,
                                  const std::string& op) {
  const auto at = std::ranges::find(rows, op, &OpProfile<float>::Row::op);
  return at == rows.end() ? nullptr : &*at;
}

}  // namespace

TEST_CASE("calls, bytes and operations, forward and in rules") {
  Tape<float> tape;
  const Var<float> x = tape.variable(Tensor<float>({2, 8, 8, 3}, 0.5f));
  const Var<float> w = tape.variable(Tensor<float>({4, 3, 3, 3}, 0.1f));
  const Var<float> m = tape.variable(Tensor<float>({4, 5}, 0.1f));
  OpProfile<float> profile(tape);
  const Var<float> h = conv_bias_relu(x, w, {});  // [2,6,6,4]
  const Var<float> y = matmul(reshape(h, {72, 4}), m);
  tape.backward(sum(y));
  const auto rows = profile.rows();
  const double conv = 2.0 * 2 * 6 * 6 * 4 * 27, product = 2.0 * 72 * 4 * 5;

  const auto* forward = find(rows, "conv_bias_relu");
  REQUIRE(forward);
  CHECK(forward->calls == 1);
  CHECK(forward->bytes == 2 * 6 * 6 * 4 * 4);
  CHECK(forward->flops == conv);
  CHECK(forward->forward > 0);
  for (const char* face : {"conv2d_backward_data", "conv2d_backward_weights"}) {
    const auto* row = find(rows, face);
    REQUIRE(row);
    CHECK(row->calls == 0);
    CHECK(row->runs == 1);
    CHECK(row->flops == conv);
    CHECK(row->run_seconds > 0);
  }
  const auto* matrix = find(rows, "matmul");
  REQUIRE(matrix);
  CHECK(matrix->calls == 1);
  CHECK(matrix->runs == 3);  // itself, and for each operand
  CHECK(matrix->flops == 3 * product);
  CHECK(matrix->backward > 0);
  const auto* sums = find(rows, "conv2d_sums");  // where the rules of the fused op stand
  REQUIRE(sums);
  CHECK(sums->backward > 0);

  double total = 0;
  for (const auto& r : rows) total += r.forward + r.backward;
  CHECK(profile.seconds() == doctest::Approx(total));
  const std::string text = profile.to_string(100);
  CHECK(text.find("conv2d_backward_weights") != std::string::npos);
  CHECK(text.find("% of peak") != std::string::npos);
}

TEST_CASE("what passes between steps counts to no op; a checkpoint's second run to its rules") {
  Tape<float> tape;
  OpProfile<float> profile(tape);
  const Var<float> x = tape.variable(Tensor<float>({64, 64}, 0.1f));
  const auto f = [](auto v) { return matmul(v[0], v[0]); };
  tape.backward(sum(checkpoint<float>(f, {x})));
  const auto rows = profile.rows();
  const auto* matrix = find(rows, "matmul");
  REQUIRE(matrix);
  CHECK(matrix->calls == 1);
  CHECK(matrix->runs == 4);  // forward, again, and for both of its inputs
  CHECK(matrix->flops == 4 * 2.0 * 64 * 64 * 64);
}

TEST_CASE("operations from shapes: the three faces agree, and every op counted has a card") {
  const Shape x{2, 9, 7, 3}, w{5, 3, 3, 3}, y{2, 7, 5, 5};
  const double n = 2.0 * 2 * 7 * 5 * 5 * 27;
  CHECK(op_flops("conv2d", std::array{x, w}, y) == n);
  CHECK(op_flops("conv_bias_relu_pool", std::array{x, w, Shape{5}}, y) == n);
  CHECK(op_flops("conv2d_backward_data", std::array{y, w}, x) == n);
  CHECK(op_flops("conv2d_backward_weights", std::array{x, y}, w) == n);
  const Shape depth{3, 3, 3}, out{2, 7, 5, 3};
  const double d = 2.0 * 2 * 7 * 5 * 3 * 9;
  CHECK(op_flops("depthwise_conv2d", std::array{x, depth}, out) == d);
  CHECK(op_flops("depthwise_conv2d_backward_data", std::array{out, depth}, x) == d);
  CHECK(op_flops("depthwise_conv2d_backward_weights", std::array{x, out}, depth) == d);
  CHECK(op_flops("matmul", std::array{Shape{6, 4, 3}, Shape{6, 3, 2}}, {6, 4, 2}) ==
        2.0 * 6 * 4 * 3 * 2);
  CHECK(op_flops("matmul", std::array{Shape{3, 4}, Shape{3, 2}}, {4, 2}) == 2.0 * 4 * 3 * 2);
  CHECK(op_flops("add", std::array{x, x}, x) == 0);
  for (const char* name :
       {"conv2d", "conv2d_backward_data", "conv2d_backward_weights", "conv_bias", "conv_bias_relu",
        "conv_bias_relu_pool", "depthwise_conv2d", "depthwise_conv2d_backward_data",
        "depthwise_conv2d_backward_weights", "matmul"}) {
    CHECK_MESSAGE(std::ranges::find(ops(), name, &OpCard::name) != ops().end(), name);
  }
}
