// Softmax and its relatives, over the last axis: x is [rows, cols] to every function here, rows
// being the product of the leading axes.
//
// A row may hold infinities. p = softmax(x) is then the limit as they are approached together: a
// -inf entry has no mass, several +inf entries share it evenly, and a row of -inf has no mass at
// all (p is zero, not 0/0). So forbidden classes can be written as -inf and send no gradient back.
// Finite input never gives NaN: exp is only taken of x - max(x) <= 0. A NaN spoils its own row and
// no other.
#pragma once

#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "core/kernels/kernels.h"
#include "core/ops/common.h"
#include "core/ops/elementwise.h"
#include "core/ops/reduce.h"
#include "core/ops/shape_ops.h"
#include "core/parallel.h"

namespace talweg {

/// x seen as rows of its last axis.
struct LastAxis {
  int64_t rows, cols;
};

inline LastAxis last_axis(const char* op, const Shape& shape) {
  expect(shape.rank() >= 1, "[", op, "] runs over the last axis, but the input is a scalar; ",
         "reshape it to [1]");
  return {shape.size_between(0, shape.rank() - 1), shape.back()};
}

// --- softmax ---

/// softmax(x)[r,i] = exp(x[r,i]) / sum_j exp(x[r,j]), over the last axis; x's shape.
/// Gradient: dx = y (dy - sum_j dy_j y_j), from dy_i/dx_j = y_i ([i = j] - y_j).
/// -inf gives 0 and receives no gradient; see the top of this file. Throws for a scalar.
/// Source: Bridle 1990.
template <class T> Var<T> softmax(Var<T> x) {
  const LastAxis a = last_axis("softmax", x.shape());
  Var<T> y = x.tape().make("softmax", x.shape());
  kernels::table<T>().row_softmax(a.rows, a.cols, x.data(), y.data());
  y.wrt(x, [=](Var<T> dy) {
    if (dy.tape().recording()) {
      const Var<T> dot = sum(mul(dy, y), -1, true);
      return mul(y, sub(dy, dot));
    }
    Var<T> dx = dy.tape().make("softmax_gradient", y.shape());
    kernels::table<T>().row_softmax_vjp(a.rows, a.cols, y.data(), dy.data(), dx.data());
    return dx;
  });
  return y;
}

TALWEG_OP_CARD(softmax) {
  card.formula("y_i = e^x_i / sum_j e^x_j over the last axis").rule("dx = y (dy - sum_j dy_j y_j)");
  card.shapes("x [..., C] -> [..., C]").source("Bridle 1990");
  const auto f = [](auto x) { return softmax(x[0]); };
  card.check("matrix", {{3, 4}}, f).check("three axes", {{2, 3, 2}}, f).check("vector", {{5}}, f);
  card.check("one", {{1}}, f).check("no rows", {{0, 3}}, f).check("no columns", {{3, 0}}, f);
  const double inf = std::numeric_limits<double>::infinity();
  card.point("-inf has no mass", {{0, -inf, 0}}, f, {0.5, 0, 0.5}, {{0, 0, 0}});
  card.point("a row of -inf has no mass", {{-inf, -inf}}, f, {0, 0}, {{0, 0}});
  card.point("one +inf takes all", {{0, inf, -inf}}, f, {0, 1, 0}, {{0, 0, 0}});
  card.point("two +inf share", {{inf, inf, 1e30}}, f, {0.5, 0.5, 0}, {{0, 0, 0}});
  card.point("large finite input", {{1e30, -1e30}}, f, {1, 0}, {{0, 0}});
  card.rejects({{}}, f, "scalar");
  card.bench({{2048, 96}}, f);
}

// --- logsumexp ---

/// logsumexp(x)[r] = log sum_j exp(x[r,j]) = max + log sum_j exp(x[r,j] - max), over the last axis,
/// which it drops. Gradient: dx[r,j] = dy[r] softmax(x)[r,j].
/// A row of -inf, or an empty one, gives -inf and gradient 0; a row with +inf gives +inf and the
/// whole gradient there. Throws for a scalar. Source: Blanchard, Higham and Higham 2021,
/// "Accurately computing the log-sum-exp", eq. 1.3.
template <class T> Var<T> logsumexp(Var<T> x) {
  const LastAxis a = last_axis("logsumexp", x.shape());
  Shape out;
  for (int i = 0; i + 1 < x.shape().rank(); ++i) out.push_back(x.shape()[i]);
  Var<T> y = x.tape().make("logsumexp", out);
  kernels::table<T>().row_logsumexp(a.rows, a.cols, x.data(), y.data());
  y.wrt(x, [=](Var<T> dy) {
    if (dy.tape().recording())
      return mul(softmax(x), reshape(dy, with_extent(x.shape(), x.shape().rank() - 1, 1)));
    Var<T> dx = dy.tape().make("logsumexp_gradient", x.shape());
    const T* g = dy.data();
    T* to = dx.data();
    kernels::table<T>().row_softmax(a.rows, a.cols, x.data(), to);
    parallel_for(a.rows, x.size() >= 1 << 15, [=](int64_t r) {
      for (int64_t i = r * a.cols; i < (r + 1) * a.cols; ++i) to[i] *= g[r];
    });
    return dx;
  });
  return y;
}

TALWEG_OP_CARD(logsumexp) {
  card.formula("y = log sum_j e^x_j over the last axis").rule("dx = dy softmax(x)");
  card.shapes("x [..., C] -> [...]").source("Blanchard, Higham and Higham 2021, eq. 1.3");
  const auto f = [](auto x) { return logsumexp(x[0]); };
  card.check("matrix", {{3, 4}}, f).check("three axes", {{2, 3, 2}}, f).check("vector", {{5}}, f);
  card.check("one", {{1}}, f).check("no rows", {{0, 3}}, f).check("no columns", {{3, 0}}, f);
  const double inf = std::numeric_limits<double>::infinity();
  card.point("of all -inf is -inf and its gradient is zero", {{-inf, -inf}}, f, {-inf}, {{0, 0}});
  card.point("-inf entries add nothing", {{-inf, 3, -inf}}, f, {3}, {{0, 1, 0}});
  card.point("one +inf", {{0, inf, -inf}}, f, {inf}, {{0, 1, 0}});
  card.point("two +inf share the gradient", {{inf, inf}}, f, {inf}, {{0.5, 0.5}});
  card.point("no overflow", {{1000, 1000}}, f, {1000 + std::log(2.0)}, {{0.5, 0.5}});
  card.rejects({{}}, f, "scalar");
  card.bench({{2048, 96}}, f);
}

// --- log_softmax ---

/// log_softmax(x)[r,i] = x[r,i] - logsumexp(x)[r], over the last axis; x's shape.
/// Gradient: dx = dy - softmax(x) sum_j dy_j, from dy_i/dx_j = [i = j] - softmax(x)_j. It is taken
/// as it stands for -inf too: such an entry gives -inf and receives the cotangent of that output.
/// Throws for a scalar.
template <class T> Var<T> log_softmax(Var<T> x) {
  const LastAxis a = last_axis("log_softmax", x.shape());
  Var<T> y = x.tape().make("log_softmax", x.shape());
  kernels::table<T>().row_log_softmax(a.rows, a.cols, x.data(), y.data());
  y.wrt(x, [=](Var<T> dy) {
    if (dy.tape().recording()) {
      return sub(dy, mul(exp(y), sum(dy, -1, true)));
    }
    Var<T> dx = dy.tape().make("log_softmax_gradient", y.shape());
    kernels::table<T>().row_log_softmax_vjp(a.rows, a.cols, y.data(), dy.data(), dx.data());
    return dx;
  });
  return y;
}

TALWEG_OP_CARD(log_softmax) {
  card.formula("y_i = x_i - log sum_j e^x_j over the last axis");
  card.rule("dx = dy - softmax(x) sum_j dy_j").shapes("x [..., C] -> [..., C]");
  card.source("the logarithm of Bridle 1990");
  const auto f = [](auto x) { return log_softmax(x[0]); };
  card.check("matrix", {{3, 4}}, f).check("three axes", {{2, 3, 2}}, f).check("vector", {{5}}, f);
  card.check("one", {{1}}, f).check("no rows", {{0, 3}}, f).check("no columns", {{3, 0}}, f);
  const double inf = std::numeric_limits<double>::infinity();
  card.point("-inf stays", {{0, -inf}}, f, {0, -inf}, {{-1, 1}});
  card.point("a row of -inf stays", {{-inf, -inf}}, f, {-inf, -inf}, {{1, 1}});
  card.point("one +inf takes all", {{inf, 7}}, f, {0, -inf}, {{-1, 1}});
  card.point("small probabilities keep their digits", {{1e6, 0}}, f, {0, -1e6}, {{-1, 1}});
  card.rejects({{}}, f, "scalar");
  card.bench({{2048, 96}}, f);
}

// --- cross entropy ---

/// The label of a row that cross_entropy leaves out.
inline constexpr int32_t kIgnoredLabel = -1;

/// What every row counts in the mean: its weight over the sum of weights, 0 for an ignored row.
template <class T>
std::span<const T> mean_coefficients(Tape<T>& tape, LastAxis a, std::span<const int32_t> labels,
                                     std::span<const T> weights) {
  double total = 0;
  const std::span<T> coefficients = tape.template keep<T>(a.rows);
  for (int64_t r = 0; r < a.rows; ++r) {
    expect(labels[r] >= kIgnoredLabel && labels[r] < a.cols, "[cross_entropy] label ", labels[r],
           " of row ", r, " is not among the ", a.cols, " classes; use 0 ... ", a.cols - 1,
           ", or -1 to leave the row out");
    const T weight = weights.empty() ? T(1) : weights[r];
    expect(weight >= 0 && std::isfinite(weight), "[cross_entropy] weight ", weight, " of row ", r,
           " must be finite and not negative");
    coefficients[r] = labels[r] == kIgnoredLabel ? T(0) : weight;
    total += double(coefficients[r]);
  }
  for (T& c : coefficients) c = total > 0 ? T(double(c) / total) : T(0);
  return coefficients;
}

/// The gradient of cross_entropy written in ops: c_r dy (softmax(x)[r,j] - [j = label_r]).
template <class T>
Var<T> cross_entropy_gradient_recorded(Var<T> logits, std::span<const int32_t> labels,
                                       std::span<const T> coefficients, Var<T> dy) {
  Tape<T>& tape = dy.tape();
  const LastAxis a{logits.shape()[0], logits.shape()[1]};
  Var<T> column = tape.make("constant", {a.rows, 1});
  Var<T> target = tape.full(logits.shape(), T(0));
  for (int64_t r = 0; r < a.rows; ++r) {
    column.data()[r] = coefficients[r];
    if (labels[r] != kIgnoredLabel) target.data()[r * a.cols + labels[r]] = coefficients[r];
  }
  return mul(sub(mul(softmax(logits), column), target), dy);
}

/// The same in one pass.
template <class T>
Var<T> cross_entropy_gradient_fused(Var<T> logits, std::span<const int32_t> labels,
                                    std::span<const T> coefficients, Var<T> dy) {
  const LastAxis a{logits.shape()[0], logits.shape()[1]};
  Var<T> dx = dy.tape().make("cross_entropy_gradient", logits.shape());
  const Scratch<T> share(dy.tape(), a.rows);
  kernels::table<T>().scale(a.rows, dy.item(), coefficients.data(), share.data());
  kernels::table<T>().row_cross_entropy_vjp(a.rows, a.cols, logits.data(), labels.data(),
                                            share.data(), dx.data());
  return dx;
}

/// cross_entropy(logits[rows, classes], labels, weights) -> scalar, the mean negative
/// log-likelihood
///   y = -sum_r c_r log softmax(logits)[r, label_r],   c_r = weight_r / sum_s weight_s,
/// where r and s run over the rows with a label; weights default to 1, so the divisor is then the
/// number of rows that have a label. A row labelled -1 is left out of both sums and receives
/// gradient 0; so is a row of weight 0. If no row is left, y = 0.
///
/// Gradient: dlogits[r,j] = dy c_r (softmax(logits)[r,j] - [j = label_r]), by log_softmax's rule.
/// A label whose logit is -inf costs +inf. Copies labels and weights.
///
/// Throws where logits is not [rows, classes], a count differs, a label is no class, or a weight is
/// negative or not finite. Source: Bishop 2006, eq. 4.108 and 4.109.
template <class T>
Var<T> cross_entropy(Var<T> logits, std::span<const int32_t> labels,
                     std::span<const std::type_identity_t<T>> weights = {}) {
  const Shape& shape = logits.shape();
  expect(shape.rank() == 2, "[cross_entropy] logits must be [rows, classes], found ", shape,
         "; reshape all leading axes into one");
  const LastAxis a{shape[0], shape[1]};
  expect(int64_t(labels.size()) == a.rows, "[cross_entropy] logits ", shape, " need ", a.rows,
         " labels, found ", labels.size(), "; give one a row, -1 to leave a row out");
  expect(weights.empty() || int64_t(weights.size()) == a.rows, "[cross_entropy] logits ", shape,
         " need ", a.rows, " weights or none, found ", weights.size());
  Tape<T>& tape = logits.tape();
  Var<T> y = tape.make("cross_entropy", {});
  const auto coefficients = mean_coefficients<T>(tape, a, labels, weights);
  const auto kept_labels = tape.keep(labels);

  const Scratch<T> costs(tape, a.rows);
  kernels::table<T>().row_cross_entropy(a.rows, a.cols, logits.data(), kept_labels.data(),
                                        costs.data());
  double total = 0;  // in double and in order, so that long batches lose nothing
  for (int64_t r = 0; r < a.rows; ++r) {
    if (coefficients[r] != 0) total += double(coefficients[r]) * double(costs.data()[r]);
  }
  *y.data() = T(total);
  y.wrt(logits, [=](Var<T> dy) {
    return dy.tape().recording()
               ? cross_entropy_gradient_recorded(logits, kept_labels, coefficients, dy)
               : cross_entropy_gradient_fused(logits, kept_labels, coefficients, dy);
  });
  return y;
}

TALWEG_OP_CARD(cross_entropy) {
  card.formula("y = -sum_r c_r log softmax(x)[r, label_r], c_r = weight_r / sum of weights");
  card.rule("dx[r,j] = dy c_r (softmax(x)[r,j] - [j = label_r])");
  card.shapes("x [rows, classes], a label a row, -1 for none -> []")
      .source("Bishop 2006, eq. 4.108");
  const auto three = [](auto x) { return cross_entropy(x[0], std::array<int32_t, 3>{1, 0, 3}); };
  const auto one = [](auto x) { return cross_entropy(x[0], std::array<int32_t, 1>{0}); };
  const auto first_of_one_row = [](auto x) {
    return cross_entropy(reshape(x[0], {1, x[0].size()}), std::array<int32_t, 1>{0});
  };
  card.check("matrix", {{3, 4}}, three).check("one", {{1, 1}}, one);
  card.check("a row left out", {{3, 4}}, [](auto x) {
    return cross_entropy(x[0], std::array<int32_t, 3>{2, -1, 3});
  });
  card.check("weighted", {{3, 4}}, []<class T>(std::span<const Var<T>> x) {
    return cross_entropy(x[0], std::array<int32_t, 3>{1, 0, 3}, std::array<T, 3>{0.5, 0, 2});
  });
  card.check("all left out", {{2, 3}}, [](auto x) {
    return cross_entropy(x[0], std::array<int32_t, 2>{-1, -1});
  });
  card.check("no rows", {{0, 3}}, [](auto x) { return cross_entropy(x[0], {}); });
  const double inf = std::numeric_limits<double>::infinity();
  card.point("sure and right", {{1000, 0}}, first_of_one_row, {0}, {{0, 0}});
  card.point("sure and wrong is finite", {{0, 1000}}, first_of_one_row, {1000}, {{-1, 1}});
  card.point("a forbidden class", {{0, -inf, 0}}, first_of_one_row, {std::log(2.0)},
             {{-0.5, 0, 0.5}});
  card.point("a forbidden label costs +inf", {{-inf, 0}}, first_of_one_row, {inf}, {{-1, 1}});
  card.rejects({{3, 3}}, three, "label 3 of row 2");
  card.rejects({{2, 4}}, three, "need 2 labels, found 3");
  card.rejects({{3, 2, 2}}, three, "must be [rows, classes]");
  card.rejects(
      {{3, 4}},
      []<class T>(std::span<const Var<T>> x) {
        return cross_entropy(x[0], std::array<int32_t, 3>{1, 0, 3}, std::array<T, 3>{1, -1, 1});
      },
      "weight -1 of row 1");
  card.bench({{2048, 96}},
             [labels = some_indices(2048, 96)](auto x) { return cross_entropy(x[0], labels); });
}

}  // namespace talweg
