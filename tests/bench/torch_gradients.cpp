// Writes values and gradients of every op that PyTorch has too, and of the nets of the benchmarks, as
// JSON, for torch_gradients.py to compare. Each op comes with what it is in PyTorch.
// usage: torch_gradients FILE
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "bench/nets.h"
#include "core/op_check.h"
#include "core/ops.h"
#include "core/rng.h"

namespace talweg {
namespace {

using nlohmann::json;

/// An op, and the same in Python: x is the list of inputs, F is torch.nn.functional, first(x) moves
/// the channels of images to the front and last(y) back, kernel(w) is [K,KH,KW,C] as torch has it.
struct SharedOp {
  std::string op, torch;
  OpCase inputs_and_f;
};

class SharedOps {
 public:
  template <class F> void add(std::string op, std::vector<OpInput> inputs, F f, std::string torch) {
    ops_.push_back({std::move(op), std::move(torch), {"", std::move(inputs), {f, f}}});
  }
  const std::vector<SharedOp>& all() const { return ops_; }

 private:
  std::vector<SharedOp> ops_;
};

constexpr Domain kDistinct = Domain::distinct, kPositive = Domain::positive;

void add_elementwise(SharedOps& ops) {
  const std::vector<OpInput> two = {{3, 4}, {4}}, one = {{3, 4}};
  const std::vector<OpInput> apart = {{{3, 4}, kDistinct}}, positive = {{{3, 4}, kPositive}};
  ops.add(
      "add", two, [](auto x) { return add(x[0], x[1]); }, "x[0] + x[1]");
  ops.add(
      "sub", two, [](auto x) { return sub(x[0], x[1]); }, "x[0] - x[1]");
  ops.add(
      "mul", two, [](auto x) { return mul(x[0], x[1]); }, "x[0] * x[1]");
  ops.add(
      "div", {{3, 1}, {{4}, kPositive}}, [](auto x) { return div(x[0], x[1]); }, "x[0] / x[1]");
  ops.add(
      "scale", one, [](auto x) { return scale(x[0], {-2.5}); }, "-2.5 * x[0]");
  ops.add(
      "add_scalar", one, [](auto x) { return add_scalar(x[0], {0.75}); }, "x[0] + 0.75");
  ops.add(
      "exp", one, [](auto x) { return exp(x[0]); }, "torch.exp(x[0])");
  ops.add(
      "log", positive, [](auto x) { return log(x[0]); }, "torch.log(x[0])");
  ops.add(
      "tanh", one, [](auto x) { return tanh(x[0]); }, "torch.tanh(x[0])");
  ops.add(
      "sigmoid", one, [](auto x) { return sigmoid(x[0]); }, "torch.sigmoid(x[0])");
  ops.add(
      "softplus", one, [](auto x) { return softplus(x[0]); }, "F.softplus(x[0])");
  ops.add(
      "sqrt", positive, [](auto x) { return sqrt(x[0]); }, "torch.sqrt(x[0])");
  ops.add(
      "square", one, [](auto x) { return square(x[0]); }, "x[0] ** 2");
  ops.add(
      "relu", apart, [](auto x) { return relu(x[0]); }, "F.relu(x[0])");
  ops.add(
      "abs", apart, [](auto x) { return abs(x[0]); }, "torch.abs(x[0])");
  ops.add(
      "sign", apart, [](auto x) { return sign(x[0]); }, "torch.sign(x[0])");
  ops.add(
      "maximum", {{{3, 4}, kDistinct}, {4}}, [](auto x) { return maximum(x[0], x[1]); },
      "torch.maximum(x[0], x[1])");
  ops.add(
      "greater_equal", {{{3, 4}, kDistinct}, {4}}, [](auto x) { return greater_equal(x[0], x[1]); },
      "(x[0] >= x[1]).to(x[0].dtype)");
  ops.add(
      "mask_positive", {{{3, 4}, kDistinct}, {3, 4}},
      [](auto x) { return mask_positive(x[0], x[1]); }, "x[1] * (x[0] > 0)");
  ops.add(
      "add_", two, [](auto x) { return add_(scale(x[0], {2}), x[1]); }, "(2 * x[0]).add_(x[1])");
  ops.add(
      "scale_", one, [](auto x) { return scale_(scale(x[0], {2}), {-2.5}); },
      "(2 * x[0]).mul_(-2.5)");
  ops.add(
      "exp_", one, [](auto x) { return exp_(scale(x[0], {2})); }, "(2 * x[0]).exp_()");
  ops.add(
      "relu_", apart, [](auto x) { return relu_(scale(x[0], {2})); }, "(2 * x[0]).relu_()");
}

void add_shapes(SharedOps& ops) {
  static const std::vector<int32_t> twice = {3, 1, 3}, column = {2, 0, 1, 2}, flat = {5, 0, 5, 11};
  const std::vector<OpInput> matrix = {{4, 3}}, cube = {{2, 3, 4}};
  ops.add(
      "reshape", cube,
      [](auto x) {
        return reshape(x[0], {6, 4});
      },
      "x[0].reshape(6, 4)");
  ops.add(
      "permute", cube,
      [](auto x) {
        return permute(x[0], {2, 0, 1});
      },
      "x[0].permute(2, 0, 1)");
  ops.add(
      "transpose", matrix, [](auto x) { return transpose(x[0]); }, "x[0].T");
  ops.add(
      "slice", cube, [](auto x) { return slice(x[0], 1, 1, 2); }, "x[0][:, 1:3]");
  ops.add(
      "pad", cube, [](auto x) { return pad(x[0], 2, 1, 2); }, "F.pad(x[0], (1, 2))");
  ops.add(
      "concat", {{2, 3}, {2, 1}},
      [](auto x) {
        return concat({x[0], x[1]}, 1);
      },
      "torch.cat((x[0], x[1]), 1)");
  ops.add(
      "broadcast_to", {{3, 1}},
      [](auto x) {
        return broadcast_to(x[0], {2, 3, 4});
      },
      "x[0].expand(2, 3, 4)");
  ops.add(
      "sum_to", cube,
      [](auto x) {
        return sum_to(x[0], {3, 1});
      },
      "x[0].sum_to_size(3, 1)");
  ops.add(
      "take", matrix, [](auto x) { return take(x[0], 0, twice); }, "x[0][torch.tensor([3, 1, 3])]");
  ops.add(
      "pick", matrix, [](auto x) { return pick(x[0], column); },
      "x[0].gather(1, torch.tensor([[2], [0], [1], [2]]))[:, 0]");
  ops.add(
      "gather", matrix,
      [](auto x) {
        return gather(x[0], flat, {2, 2});
      },
      "x[0].take(torch.tensor([[5, 0], [5, 11]]))");
  ops.add(
      "scatter_add", {{4}},
      [](auto x) {
        return scatter_add(x[0], flat, {4, 3});
      },
      "torch.zeros(12, dtype=x[0].dtype).scatter_add(0, torch.tensor([5, 0, 5, 11]), x[0])"
      ".reshape(4, 3)");
}

void add_reductions(SharedOps& ops) {
  static const std::vector<int32_t> labels = {2, 0, -1, 1};
  const std::vector<OpInput> cube = {{2, 3, 4}}, apart = {{{2, 3, 4}, kDistinct}};
  ops.add(
      "sum", cube, [](auto x) { return sum(x[0], 1); }, "x[0].sum(1)");
  ops.add(
      "mean", cube, [](auto x) { return mean(x[0], -1, true); }, "x[0].mean(-1, True)");
  ops.add(
      "max", apart, [](auto x) { return max(x[0], 1); }, "x[0].max(1).values");
  ops.add(
      "min", apart, [](auto x) { return min(x[0], -1); }, "x[0].min(-1).values");
  ops.add(
      "softmax", cube, [](auto x) { return softmax(x[0]); }, "torch.softmax(x[0], -1)");
  ops.add(
      "logsumexp", cube, [](auto x) { return logsumexp(x[0]); }, "torch.logsumexp(x[0], -1)");
  ops.add(
      "log_softmax", cube, [](auto x) { return log_softmax(x[0]); }, "torch.log_softmax(x[0], -1)");
  ops.add(
      "cross_entropy", {{4, 3}}, [](auto x) { return cross_entropy(x[0], labels); },
      "F.cross_entropy(x[0], torch.tensor([2, 0, -1, 1]), ignore_index=-1)");
  ops.add(
      "matmul", {{3, 4}, {4, 5}}, [](auto x) { return matmul(x[0], x[1]); }, "x[0] @ x[1]");
  ops.add(
      "matmul", {{4, 3}, {5, 4}}, [](auto x) { return matmul(x[0], x[1], true, true); },
      "x[0].T @ x[1].T");
  ops.add(
      "batch_norm", {{6, 3}, {3}, {3}}, [](auto x) { return batch_norm(x[0], x[1], x[2]).y; },
      "F.batch_norm(x[0], None, None, x[1], x[2], True)");
  ops.add(
      "layer_norm", {{4, 6}, {6}, {6}}, [](auto x) { return layer_norm(x[0], x[1], x[2]); },
      "F.layer_norm(x[0], (6,), x[1], x[2])");
  ops.add(
      "normalize_with", {{4, 3}, {3}, {{3}, kPositive}, {3}, {3}},
      [](auto x) { return normalize_with(x[0], x[1], x[2], x[3], x[4]); },
      "(x[0] - x[1]) / torch.sqrt(x[2] + 1e-5) * x[3] + x[4]");
  ops.add(
      "channel_affine", {{4, 3}, {3}, {3}}, [](auto x) { return channel_affine(x[0], x[1], x[2]); },
      "x[0] * x[1] + x[2]");
}

void add_convolutions(SharedOps& ops) {
  [[maybe_unused]] static const Conv2dOptions odd{
      .stride_h = 2, .pad_h = 1, .pad_w = 2, .dilation_w = 2};
  const std::string torch_odd = "stride=(2, 1), padding=(1, 2), dilation=(1, 2)";
  ops.add(
      "conv2d", {{2, 6, 7, 3}, {5, 3, 3, 3}}, [](auto x) { return conv2d(x[0], x[1], odd); },
      "last(F.conv2d(first(x[0]), kernel(x[1]), " + torch_odd + "))");
  ops.add(
      "conv2d_backward_data", {{2, 6, 7, 5}, {5, 3, 3, 3}},
      [](auto x) { return conv2d_backward_data(x[0], x[1], 6, 7, Conv2dOptions::same(3, 3)); },
      "last(F.conv_transpose2d(first(x[0]), kernel(x[1]), padding=1))");
  ops.add(
      "conv2d_backward_weights", {{2, 6, 7, 3}, {2, 4, 5, 5}},
      [](auto x) { return conv2d_backward_weights(x[0], x[1], 3, 3); },
      "F.conv2d(x[0].permute(3, 0, 1, 2), x[1].permute(3, 0, 1, 2)).permute(1, 2, 3, 0)");
  ops.add(
      "conv_bias", {{2, 6, 7, 3}, {5, 3, 3, 3}, {5}},
      [](auto x) { return conv_bias(x[0], x[1], x[2], odd); },
      "last(F.conv2d(first(x[0]), kernel(x[1]), x[2], " + torch_odd + "))");
  ops.add(
      "conv_bias_relu", {{2, 6, 7, 3}, {5, 3, 3, 3}, {5}},
      [](auto x) { return conv_bias_relu(x[0], x[1], x[2], odd); },
      "last(F.relu(F.conv2d(first(x[0]), kernel(x[1]), x[2], " + torch_odd + ")))");
  ops.add(
      "conv_bias_relu_pool", {{2, 6, 8, 3}, {5, 3, 3, 3}, {5}},
      [](auto x) { return conv_bias_relu_pool(x[0], x[1], x[2], Conv2dOptions::same(3, 3), 2, 2); },
      "last(F.max_pool2d(F.relu(F.conv2d(first(x[0]), kernel(x[1]), x[2], padding=1)), 2))");
  ops.add(
      "depthwise_conv2d", {{2, 6, 7, 3}, {3, 3, 3}},
      [](auto x) { return depthwise_conv2d(x[0], x[1]); },
      "last(F.conv2d(first(x[0]), x[1].permute(2, 0, 1)[:, None], groups=3))");
  ops.add(
      "depthwise_conv2d_backward_data", {{2, 4, 5, 3}, {3, 3, 3}},
      [](auto x) { return depthwise_conv2d_backward_data(x[0], x[1], 6, 7); },
      "last(F.conv_transpose2d(first(x[0]), x[1].permute(2, 0, 1)[:, None], groups=3))");
  ops.add(
      "depthwise_conv2d_backward_weights", {{1, 6, 7, 3}, {1, 4, 5, 3}},
      [](auto x) { return depthwise_conv2d_backward_weights(x[0], x[1], 3, 3); },
      "F.conv2d(first(x[0]), first(x[1]).permute(1, 0, 2, 3), groups=3)[0].permute(1, 2, 0)");
  ops.add(
      "max_pool2d", {{{2, 6, 7, 3}, kDistinct}},
      [](auto x) { return max_pool2d(x[0], 3, 3, 2, 2, 1); },
      "last(F.max_pool2d(first(x[0]), 3, 2, 1))");
  ops.add(
      "avg_pool2d", {{2, 6, 8, 3}}, [](auto x) { return avg_pool2d(x[0], 2, 2, 2, 2); },
      "last(F.avg_pool2d(first(x[0]), 2))");
}

/// Ops of core that PyTorch does not have in this form, though it has the ops whose derivatives
/// they are.
const std::set<std::string> kOwn = {
    "pool_scatter", "pool_gather",  // the first and second derivative of max_pool2d
    "avg_pool2d_backward",          // the rule of avg_pool2d
};

template <class T> json numbers_of(const Shape& shape, std::span<const T> values) {
  std::vector<int64_t> extents;
  for (int i = 0; i < shape.rank(); ++i) extents.push_back(shape[i]);
  return {{"shape", extents}, {"values", std::vector<double>(values.begin(), values.end())}};
}
template <class T> json numbers_of(Var<T> x) {
  return numbers_of(x.shape(), std::span<const T>(x.values()));
}
template <class T> json numbers_of(const Tensor<T>& x) { return numbers_of(x.shape(), x.values()); }

template <class T> Tensor<T> fixed_normals(const Shape& shape, uint64_t seed) {
  Rng rng(seed);
  Tensor<T> t(shape);
  for (T& v : t.values()) v = T(float(rng.normal()));
  return t;
}

/// Value, gradients of <u, f(x)>, and, where `second`, gradients of the sum over k of <v_k, grad_k>.
template <class T>
json derivatives(const std::function<Var<T>(std::span<const Var<T>>)>& f,
                 const std::vector<Tensor<double>>& x, bool second) {
  Tape<T> tape;
  std::vector<Var<T>> in;
  for (const Tensor<double>& t : x) {
    Tensor<T> converted(t.shape());
    std::copy(t.values().begin(), t.values().end(), converted.data());
    in.push_back(tape.variable(converted));
  }
  const Var<T> y = f(in);
  json result = {{"value", numbers_of(y)}};
  const Var<T> u = tape.constant(fixed_normals<T>(y.shape(), 7));
  result["cotangent"] = numbers_of(u);
  const std::vector<Var<T>> gradients = tape.grad(y, in, second, u);
  Var<T> along = tape.constant(T(0));
  for (std::size_t k = 0; k < in.size(); ++k) {
    result["gradients"].push_back(numbers_of(gradients[k]));
    if (!second) continue;
    const Var<T> v = tape.constant(fixed_normals<T>(in[k].shape(), 8 + k));
    result["directions"].push_back(numbers_of(v));
    along = along + sum(mul(gradients[k], v));
  }
  for (std::size_t k = 0; second && k < in.size(); ++k) {
    result["second"].push_back(numbers_of(tape.grad(along, in)[k]));
  }
  return result;
}

json op_cases() {
  SharedOps shared;
  add_elementwise(shared);
  add_shapes(shared);
  add_reductions(shared);
  add_convolutions(shared);
  std::set<std::string> covered = kOwn;
  json cases = json::array();
  for (const SharedOp& op : shared.all()) {
    covered.insert(op.op);
    const std::vector<Tensor<double>> x = draw_inputs(op.inputs_and_f, 3);
    json inputs = json::array();
    for (const Tensor<double>& t : x) inputs.push_back(numbers_of(t));
    cases.push_back({{"op", op.op},
                     {"torch", op.torch},
                     {"inputs", inputs},
                     {"double", derivatives<double>(op.inputs_and_f.f.f64, x, true)},
                     {"float", derivatives<float>(op.inputs_and_f.f.f32, x, false)}});
  }
  for (const OpCard& card : ops()) {
    expect(covered.contains(card.name), "[torch_gradients] the op ", card.name,
           " is compared with nothing; say in this file what it is in PyTorch");
  }
  return cases;
}

json net_case(const std::string& name, int64_t batch) {
  bench::Net net(name, batch);
  const bench::NetGradients found = net.gradients();
  json parameters = json::object(), gradients = json::object();
  int id = 0;
  for (const auto& p : net.parameters()) {
    parameters[p.name] = numbers_of(p.value);
    gradients[p.name] = numbers_of(found.by_parameter[std::size_t(id++)]);
  }
  return {{"name", name},       {"images", numbers_of(net.images())}, {"answers", found.answers},
          {"loss", found.loss}, {"parameters", parameters},           {"gradients", gradients}};
}

}  // namespace
}  // namespace talweg

int main(int count, char** arguments) {
  using namespace talweg;
  if (count != 2) return 2;
  const json all = {{"ops", op_cases()}, {"nets", {net_case("tiny", 8), net_case("crnn", 4)}}};
  std::ofstream(arguments[1]) << all;
}
