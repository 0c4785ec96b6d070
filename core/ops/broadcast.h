// Broadcasting: broadcast_to repeats a tensor along stretched axes and sum_to adds the repeats up
// again. Each is the other's derivative, and together they give every binary op NumPy's rule.
#pragma once

#include <algorithm>
#include <array>

#include "core/kernels/kernels.h"
#include "core/op_card.h"
#include "core/ops/common.h"
#include "core/parallel.h"

namespace talweg {

/// Row-major strides of `from`, aligned at the last axes of `to`; 0 along the axes that `from`
/// stretches.
inline std::array<int64_t, kMaxRank> broadcast_strides(const Shape& from, const Shape& to) {
  std::array<int64_t, kMaxRank> strides{};
  int64_t step = 1;
  for (int axis = from.rank() - 1; axis >= 0; --axis) {
    const int out = axis + to.rank() - from.rank();
    strides[out] = from[axis] == 1 && to[out] != 1 ? 0 : step;
    step *= from[axis];
  }
  return strides;
}

/// Calls visit(i, ja, jb) for each element i of `to`, in order, with the elements of two broadcast
/// operands that it reads. A loop over the last axis in an odometer over the others: no division
/// per element.
template <class Visit>
void for_each_broadcast(const Shape& to, const std::array<int64_t, kMaxRank>& a,
                        const std::array<int64_t, kMaxRank>& b, Visit visit) {
  std::array<int64_t, kMaxRank> at{};
  const int last = to.rank() - 1;
  const int64_t n = to.size(), run = last < 0 ? 1 : to[last];
  const int64_t step_a = last < 0 ? 0 : a[last], step_b = last < 0 ? 0 : b[last];
  int64_t ja = 0, jb = 0;
  for (int64_t i = 0; i < n; i += run) {
    for (int64_t k = 0; k < run; ++k) visit(i + k, ja + k * step_a, jb + k * step_b);
    for (int axis = last - 1; axis >= 0; --axis) {
      ja += a[axis];
      jb += b[axis];
      if (++at[axis] < to[axis]) break;
      at[axis] = 0;
      ja -= a[axis] * to[axis];
      jb -= b[axis] * to[axis];
    }
  }
}

/// True where `row` is the shape of the last axes of `full`, as a bias [C] is of [N,H,W,C].
inline bool is_trailing(const Shape& row, const Shape& full) {
  if (row.rank() > full.rank()) return false;
  for (int i = 1; i <= row.rank(); ++i) {
    if (row[row.rank() - i] != full[full.rank() - i]) return false;
  }
  return true;
}

template <class T> Var<T> sum_to(Var<T> x, const Shape& shape);

/// broadcast_to(x, shape): x repeated along its axes of extent 1 and along new leading axes.
/// Gradient: dx = sum_to(dy, x.shape), since each element of x feeds all its copies.
/// Copies. Throws where x's shape does not stretch to `shape`.
template <class T> Var<T> broadcast_to(Var<T> x, const Shape& shape) {
  if (x.shape() == shape) return x;
  expect(broadcast("broadcast_to", x.shape(), shape) == shape, "[broadcast_to] shape ", x.shape(),
         " does not stretch to ", shape);
  Var<T> y = x.tape().make("broadcast_to", shape);
  const T* from = x.data();
  T* to = y.data();
  const int64_t n = y.size(), cols = x.size();
  const bool worth_threads = n >= 1 << 15;
  if (n > 0 && cols == 1) {
    constexpr int64_t piece = 1 << 13;
    parallel_for((n + piece - 1) / piece, worth_threads, [=](int64_t i) {
      std::fill_n(to + i * piece, std::min(piece, n - i * piece), *from);
    });
  } else if (n > 0 && is_trailing(x.shape(), shape)) {
    parallel_for(n / cols, worth_threads,
                 [=](int64_t r) { std::copy_n(from, cols, to + r * cols); });
  } else {
    const auto strides = broadcast_strides(x.shape(), shape);
    for_each_broadcast(shape, strides, strides,
                       [=](int64_t i, int64_t j, int64_t) { to[i] = from[j]; });
  }
  const Shape back = x.shape();
  y.wrt(x, [=](Var<T> dy) { return sum_to(dy, back); });
  return y;
}

/// sum_to(x, shape): the sum over every axis along which `shape` would be stretched to x's shape.
/// Gradient: dx = broadcast_to(dy, x.shape). The inverse situation of broadcast_to, its adjoint.
template <class T> Var<T> sum_to(Var<T> x, const Shape& shape) {
  if (x.shape() == shape) return x;
  expect(broadcast("sum_to", x.shape(), shape) == x.shape(), "[sum_to] shape ", shape,
         " does not stretch to ", x.shape());
  Var<T> y = x.tape().make("sum_to", shape);
  const int64_t cols = shape.size();
  if (is_trailing(shape, x.shape())) {
    kernels::table<T>().col_sum(cols ? x.size() / cols : 0, cols, x.data(), y.data());
  } else if (Shape column = x.shape(); (column[column.rank() - 1] = 1, column == shape)) {
    kernels::table<T>().row_sum(cols, x.shape().back(), x.data(), y.data());
  } else {
    const T* from = x.data();
    T* to = y.data();
    std::fill_n(to, cols, T(0));
    const auto strides = broadcast_strides(shape, x.shape());
    for_each_broadcast(x.shape(), strides, strides,
                       [=](int64_t i, int64_t j, int64_t) { to[j] += from[i]; });
  }
  const Shape back = x.shape();
  y.wrt(x, [=](Var<T> dy) { return broadcast_to(dy, back); });
  return y;
}

TALWEG_OP_CARD(broadcast_to) {
  card.formula("y[i,j,...] = x with stretched axes repeated").rule("dx = sum_to(dy, shape of x)");
  card.shapes("x stretches to the given shape (NumPy)").source("NumPy broadcasting rules");
  card.check("column", {{3, 1}}, [](auto x) { return broadcast_to(x[0], {2, 3, 4}); });
  card.check("row", {{4}}, [](auto x) { return broadcast_to(x[0], {3, 4}); });
  card.check("scalar", {{}}, [](auto x) { return broadcast_to(x[0], {2, 2}); });
  card.check("one", {{1}}, [](auto x) { return broadcast_to(x[0], {1, 1}); });
  card.check("empty", {{0, 1}}, [](auto x) { return broadcast_to(x[0], {0, 3}); });
  card.rejects(
      {{2, 3}},
      [](auto x) {
        return broadcast_to(x[0], {2, 1});
      },
      "does not stretch");
  card.bench({{64}}, [](auto x) { return broadcast_to(x[0], {32, 8, 16, 64}); });
}

TALWEG_OP_CARD(sum_to) {
  card.formula("y = sum of x over the axes along which y's shape is stretched");
  card.rule("dx = broadcast_to(dy, shape of x)").shapes("the given shape stretches to x's");
  card.source("the adjoint of broadcast_to");
  card.check("column", {{2, 3, 4}}, [](auto x) { return sum_to(x[0], {3, 1}); });
  card.check("row", {{5, 3}}, [](auto x) { return sum_to(x[0], {3}); });
  card.check("scalar", {{3, 3}}, [](auto x) { return sum_to(x[0], {}); });
  card.check("one", {{1, 1}}, [](auto x) { return sum_to(x[0], {1}); });
  card.check("empty", {{0, 3}}, [](auto x) { return sum_to(x[0], {3}); });
  card.rejects(
      {{2, 3}}, [](auto x) { return sum_to(x[0], {2}); }, "do not broadcast");
  card.bench({{32, 8, 16, 64}}, [](auto x) { return sum_to(x[0], {64}); });
}

}  // namespace talweg
