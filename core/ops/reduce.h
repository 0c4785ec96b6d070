// Reductions: sum, mean, max and min over all elements or along one axis.
//
// Negative axes count from the back; `keepdims` leaves an extent of 1 where the axis was, ready to
// broadcast. Every rule is written in ops, so that derivatives of any order follow.
// T is float or double.
#pragma once

#include <vector>

#include "core/ops/common.h"
#include "core/ops/elementwise.h"
#include "core/ops/select.h"
#include "core/ops/shape_ops.h"

namespace talweg {

/// `shape` after a reduction along `axis`: without it, or with extent 1 where `keepdims`.
inline Shape reduced_shape(const Shape& shape, int axis, bool keepdims) {
  if (keepdims) return with_extent(shape, axis, 1);
  Shape out;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i != axis) out.push_back(shape[i]);
  }
  return out;
}

// --- sum and mean ---

/// sum(x): the sum of all elements, a scalar; 0 if there are none.
/// Gradient: dx = dy everywhere, since each element enters once.
template <class T> Var<T> sum(Var<T> x) {
  Var<T> y = x.tape().make("sum", {});
  kernels::table<T>().row_sum(1, x.size(), x.data(), y.data());
  const Shape back = x.shape();
  y.wrt(x, [=](Var<T> dy) { return broadcast_to(dy, back); });
  return y;
}

/// sum(x, axis): y[o,i] = sum over e of x[o,e,i]; 0 along an axis of extent 0.
/// Gradient: dx[o,e,i] = dy[o,i], dy stretched along the axis.
template <class T> Var<T> sum(Var<T> x, int axis, bool keepdims = false) {
  axis = resolve_axis("sum", axis, x.shape().rank());
  const AxisSplit s = split_at(x.shape(), axis);
  Var<T> y = x.tape().make("sum", reduced_shape(x.shape(), axis, keepdims));
  if (s.inner == 1) {
    kernels::table<T>().row_sum(s.outer, s.extent, x.data(), y.data());
  } else {
    for (int64_t o = 0; o < s.outer; ++o) {
      kernels::table<T>().col_sum(s.extent, s.inner, x.data() + o * s.extent * s.inner,
                                  y.data() + o * s.inner);
    }
  }
  const Shape back = x.shape();
  y.wrt(x, [=](Var<T> dy) { return broadcast_to(reshape(dy, with_extent(back, axis, 1)), back); });
  return y;
}

TALWEG_OP_CARD(sum) {
  card.formula("y = sum of x over all elements or along an axis").rule("dx = dy, stretched");
  card.shapes("x -> [], or x without the axis (extent 1 if keepdims)").source("linearity");
  const auto all = [](auto x) { return sum(x[0]); };
  card.check("all", {{3, 4}}, all).check("all of a scalar", {{}}, all).check("one", {{1}}, all);
  card.check("all of nothing", {{0, 3}}, all);
  card.check("first axis", {{3, 4}}, [](auto x) { return sum(x[0], 0); });
  card.check("middle axis", {{2, 3, 4}}, [](auto x) { return sum(x[0], 1); });
  card.check("last axis", {{3, 4}}, [](auto x) { return sum(x[0], -1); });
  card.check("keepdims", {{2, 3, 4}}, [](auto x) { return sum(x[0], 1, true); });
  card.check("an empty axis", {{3, 0}}, [](auto x) { return sum(x[0], 1); });
  card.check("beside an empty axis", {{3, 0}}, [](auto x) { return sum(x[0], 0); });
  card.point("nothing sums to zero", {{}}, [](auto x) { return sum(x[0], 0, true); }, {0}, {{}});
  card.point("middle axis of [2,2,2]", {{1, 2, 3, 4, 5, 6, 7, 8}},
             [](auto x) {
               return reshape(sum(reshape(x[0], {2, 2, 2}), 1), {4});
             },
             {4, 6, 12, 14}, {{1, 1, 1, 1, 1, 1, 1, 1}});
  card.point("last axis of [2,3]", {{1, 2, 3, 4, 5, 6}},
             [](auto x) {
               return sum(reshape(x[0], {2, 3}), 1);
             },
             {6, 15}, {{1, 1, 1, 1, 1, 1}});
  card.rejects(
      {{2, 3}}, [](auto x) { return sum(x[0], 2); }, "axis 2 is out of range for rank 2");
  card.bench({{4096, 64}}, all);
}

/// mean(x): the mean of all elements, a scalar. Gradient: dx = dy / n. Throws where x is empty.
template <class T> Var<T> mean(Var<T> x) {
  expect(x.size() > 0, "[mean] shape ", x.shape(), " has no elements to take the mean of");
  return scale(sum(x), T(1) / T(x.size()));
}

/// mean(x, axis): y[o,i] = (1/n) sum over e of x[o,e,i] for the axis' extent n.
/// Gradient: dx = dy / n, stretched along the axis. Throws where n is 0.
template <class T> Var<T> mean(Var<T> x, int axis, bool keepdims = false) {
  axis = resolve_axis("mean", axis, x.shape().rank());
  const int64_t n = x.shape()[axis];
  expect(n > 0, "[mean] axis ", axis, " of shape ", x.shape(),
         " has no entries to take the mean of");
  return scale(sum(x, axis, keepdims), T(1) / T(n));
}

TALWEG_OP_CARD(mean) {
  card.formula("y = (1/n) sum of x over all elements or along an axis")
      .rule("dx = dy / n, stretched");
  card.shapes("x -> [], or x without the axis (extent 1 if keepdims)").source("linearity");
  const auto all = [](auto x) { return mean(x[0]); };
  const auto last = [](auto x) { return mean(x[0], -1); };
  card.check("all", {{3, 4}}, all).check("one", {{1}}, all).check("last axis", {{3, 4}}, last);
  card.check("first axis", {{3, 4}}, [](auto x) { return mean(x[0], 0); });
  card.check("keepdims", {{2, 3, 4}}, [](auto x) { return mean(x[0], 1, true); });
  card.check("empty", {{0, 3}}, last);
  card.point("of four", {{1, 2, 3, 6}}, all, {3}, {{0.25, 0.25, 0.25, 0.25}});
  card.point("first axis of [2,2]", {{1, 2, 3, 6}},
             [](auto x) {
               return mean(reshape(x[0], {2, 2}), 0);
             },
             {2, 4}, {{0.5, 0.5, 0.5, 0.5}});
  card.rejects({{0}}, all, "no elements").rejects({{3, 0}}, last, "no entries");
  card.bench({{4096, 64}}, last);
}

// --- max and min ---

/// Says whether v goes before the best so far; the first NaN beats all, so that NaN is not lost.
struct Larger {
  template <class T> bool operator()(T v, T best) const {
    return v > best || (v != v && best == best);
  }
};
struct Smaller {
  template <class T> bool operator()(T v, T best) const {
    return v < best || (v != v && best == best);
  }
};

/// Flat index of the best element along `axis` (the first among equals) for each place of the
/// result. Writes to at[outer * inner]. Throws where the axis has extent 0.
template <class T, class Better>
void find_best(const char* op, Var<T> x, int axis, Better better, std::span<int32_t> at) {
  const AxisSplit s = split_at(x.shape(), axis);
  expect(s.extent > 0, "[", op, "] axis ", axis, " of shape ", x.shape(), " has no entries");
  check_indexable(op, x.shape());
  const T* v = x.data();
  for (int64_t o = 0; o < s.outer; ++o) {
    int32_t* best = at.data() + o * s.inner;
    int32_t j = int32_t(o * s.extent * s.inner);
    for (int64_t i = 0; i < s.inner; ++i) best[i] = j++;
    for (int64_t e = 1; e < s.extent; ++e) {  // row by row: memory is read in its order
      for (int64_t i = 0; i < s.inner; ++i, ++j) best[i] = better(v[j], v[best[i]]) ? j : best[i];
    }
  }
}

/// The best element along `axis`, as a gather of what find_best found.
template <class T, class Better>
Var<T> select_best(const char* op, Var<T> x, int axis, bool keepdims, Better better) {
  axis = resolve_axis(op, axis, x.shape().rank());
  const Shape shape = reduced_shape(x.shape(), axis, keepdims);
  const std::span<int32_t> at = x.tape().template keep<int32_t>(shape.size());
  find_best(op, x, axis, better, at);
  return gather(x, KeptIndices{at}, shape);
}

/// max(x, axis): y[o,i] = the largest x[o,e,i] over e; NaN where one is NaN.
/// Gradient: dy to that element, the first one where several are equal; 0 to the others.
/// Throws where the axis has extent 0.
template <class T> Var<T> max(Var<T> x, int axis, bool keepdims = false) {
  return select_best("max", x, axis, keepdims, Larger{});
}

/// min(x, axis): y[o,i] = the smallest x[o,e,i] over e; all else as for max.
template <class T> Var<T> min(Var<T> x, int axis, bool keepdims = false) {
  return select_best("min", x, axis, keepdims, Smaller{});
}

/// argmax(x, axis): the position along `axis` of each element of max(x, axis), in row-major order.
/// Off the tape. Throws where the axis has extent 0.
template <class T> std::vector<int32_t> argmax(Var<T> x, int axis) {
  axis = resolve_axis("argmax", axis, x.shape().rank());
  const AxisSplit s = split_at(x.shape(), axis);
  std::vector<int32_t> at(std::size_t(s.outer * s.inner));
  find_best("argmax", x, axis, Larger{}, at);
  for (int32_t& flat : at) flat = int32_t(flat / s.inner % s.extent);
  return at;
}

TALWEG_OP_CARD(max) {
  card.formula("y[o,i] = max over e of x[o,e,i]").rule("dx = dy at the first largest, else 0");
  card.shapes("x without the axis (extent 1 if keepdims)")
      .source("subgradient; ties go to the first");
  const auto f = [](auto x) { return max(x[0], 0); };
  const auto last = [](auto x) { return max(x[0], -1); };
  const Domain d = Domain::distinct;
  card.check("first axis", {{{3, 4}, d}}, f).check("last axis", {{{3, 4}, d}}, last);
  card.check("keepdims", {{{2, 3, 2}, d}}, [](auto x) { return max(x[0], 1, true); });
  card.check("one", {{{1}, d}}, f).check("empty", {{0, 4}}, last);
  const double inf = std::numeric_limits<double>::infinity();
  card.point("first axis of [2,3]", {{1, 5, 3, 4, 2, 6}},
             [](auto x) {
               return max(reshape(x[0], {2, 3}), 0);
             },
             {4, 5, 6}, {{0, 1, 0, 1, 0, 1}});
  card.point("a tie goes to the first", {{1, 5, 5}}, f, {5}, {{0, 1, 0}});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  card.point("the first NaN is kept", {{1, nan, 2, nan}}, f, {nan}, {{0, 1, 0, 0}});
  card.point("all -inf", {{-inf, -inf}}, f, {-inf}, {{1, 0}});
  card.point("+inf", {{0, inf, 1}}, f, {inf}, {{0, 1, 0}});
  card.rejects({{0, 3}}, f, "has no entries").rejects({{}}, f, "axis 0 is out of range");
  card.bench({{4096, 64}}, last);
}

TALWEG_OP_CARD(min) {
  card.formula("y[o,i] = min over e of x[o,e,i]").rule("dx = dy at the first smallest, else 0");
  card.shapes("x without the axis (extent 1 if keepdims)")
      .source("subgradient; ties go to the first");
  const auto f = [](auto x) { return min(x[0], 0); };
  const auto last = [](auto x) { return min(x[0], -1); };
  const Domain d = Domain::distinct;
  card.check("first axis", {{{3, 4}, d}}, f).check("last axis", {{{3, 4}, d}}, last);
  card.check("keepdims", {{{2, 3, 2}, d}}, [](auto x) { return min(x[0], 1, true); });
  card.check("one", {{{1}, d}}, f).check("empty", {{0, 4}}, last);
  const double inf = std::numeric_limits<double>::infinity();
  card.point("a tie goes to the first", {{5, 1, 1}}, f, {1}, {{0, 1, 0}});
  card.point("-inf", {{0, -inf, 1}}, f, {-inf}, {{0, 1, 0}});
  card.rejects({{0, 3}}, f, "has no entries").rejects({{}}, f, "axis 0 is out of range");
  card.bench({{4096, 64}}, last);
}

}  // namespace talweg
