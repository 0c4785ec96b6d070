// Selection: gather reads elements by their flat index, scatter_add adds them up by it. Each is the
// other's derivative, and max, pooling and cross-entropy are built on the pair.
//
// An index is an int32_t, so a tensor that is selected from holds fewer than 2^31 elements. Indices
// are constants: no gradient flows to them. T is float or double.
#pragma once

#include <array>
#include <limits>
#include <span>
#include <vector>

#include "core/ops/common.h"
#include "core/ops/shape_ops.h"
#include "core/parallel.h"

namespace talweg {

/// Flat indices that stand in a tape's arena (Tape::keep), where rules may hold them without
/// another copy. Who makes one vouches that each index lies within the tensor selected from.
struct KeptIndices {
  std::span<const int32_t> at;
};

/// Throws unless every flat index of a tensor of this size fits an int32_t.
inline void check_indexable(const char* op, const Shape& shape) {
  expect(shape.size() <= std::numeric_limits<int32_t>::max(), "[", op, "] shape ", shape,
         " has more than 2^31 - 1 elements, too many for 32-bit indices; split it");
}

/// Throws unless every index lies in [0, limit).
inline void check_indices(const char* op, std::span<const int32_t> indices, int64_t limit) {
  for (std::size_t i = 0; i < indices.size(); ++i) {
    expect(0 <= indices[i] && indices[i] < limit, "[", op, "] index ", indices[i], " at position ",
           i, " is out of range; expected 0 <= index < ", limit);
  }
}

/// For the cards' benches: `count` indices below `limit`, scattered.
inline std::vector<int32_t> some_indices(int64_t count, int64_t limit) {
  std::vector<int32_t> indices(static_cast<std::size_t>(count));
  constexpr int64_t kStep = 7919;  // a prime, far from all sizes in use
  for (int64_t i = 0; i < count; ++i) indices[std::size_t(i)] = int32_t(i * kStep % limit);
  return indices;
}

// --- gather and scatter_add ---

template <class T> Var<T> scatter_add(Var<T> g, KeptIndices indices, const Shape& shape);

/// gather(x, indices, shape): y.flat[i] = x.flat[indices[i]], of the given shape.
/// Gradient: dx = scatter_add(dy, indices, shape of x), since x.flat[j] feeds each i with
/// indices[i] = j. Copies. Throws unless there is one index for each element of `shape`.
template <class T> Var<T> gather(Var<T> x, KeptIndices indices, const Shape& shape) {
  const std::span<const int32_t> at = indices.at;
  expect(int64_t(at.size()) == shape.size(), "[gather] shape ", shape, " needs ", shape.size(),
         " indices, found ", at.size());
  Var<T> y = x.tape().make("gather", shape);
  const T* from = x.data();
  T* to = y.data();
  parallel_for(y.size(), y.size() >= 1 << 15, [=](int64_t i) { to[i] = from[at[i]]; });
  const Shape back = x.shape();
  y.wrt(x, [=](Var<T> dy) { return scatter_add(dy, indices, back); });
  return y;
}

/// scatter_add(g, indices, shape): y = 0 of the given shape, then y.flat[indices[i]] += g.flat[i]
/// in the order of i. Gradient: dg = gather(dy, indices, shape of g), since g.flat[i] is added to
/// one element. Copies. Serial, since two elements may meet anywhere. Throws unless there is one
/// index for each element of g.
template <class T> Var<T> scatter_add(Var<T> g, KeptIndices indices, const Shape& shape) {
  const std::span<const int32_t> at = indices.at;
  expect(int64_t(at.size()) == g.size(), "[scatter_add] shape ", g.shape(), " needs ", g.size(),
         " indices, found ", at.size());
  Var<T> y = g.tape().make("scatter_add", shape);
  const T* from = g.data();
  T* to = y.data();
  std::fill_n(to, y.size(), T(0));
  for (std::size_t i = 0; i < at.size(); ++i) to[at[i]] += from[i];
  const Shape back = g.shape();
  y.wrt(g, [=](Var<T> dy) { return gather(dy, indices, back); });
  return y;
}

/// gather for indices that live elsewhere: checks them and copies them to the tape.
/// Throws, too, where an index leaves x.
template <class T> Var<T> gather(Var<T> x, std::span<const int32_t> indices, const Shape& shape) {
  check_indices("gather", indices, x.size());
  return gather(x, KeptIndices{x.tape().keep(indices)}, shape);
}

/// scatter_add for indices that live elsewhere: checks them and copies them to the tape.
/// Throws, too, where an index leaves `shape`.
template <class T>
Var<T> scatter_add(Var<T> g, std::span<const int32_t> indices, const Shape& shape) {
  check_indices("scatter_add", indices, shape.size());
  return scatter_add(g, KeptIndices{g.tape().keep(indices)}, shape);
}

TALWEG_OP_CARD(gather) {
  card.formula("y.flat[i] = x.flat[indices[i]]").rule("dx = scatter_add(dy, indices, shape of x)");
  card.shapes("one index for each element of the given shape").source("the adjoint of scatter_add");
  const auto f = [](std::vector<int32_t> indices, Shape shape) {
    return [=](auto x) { return gather(x[0], indices, shape); };
  };
  card.check("some twice", {{2, 3}}, f({5, 0, 0, 3}, {2, 2})).check("one", {{1}}, f({0}, {1}));
  card.check("nothing", {{3}}, f({}, {0})).check("empty", {{0}}, f({}, {0, 2}));
  card.point("order and repeats", {{1, 2, 3}}, f({2, 2, 0}, {3}), {3, 3, 1}, {{1, 0, 2}});
  card.rejects({{3}}, f({0, 1}, {3}), "needs 3 indices, found 2");
  card.rejects({{3}}, f({0, 3}, {2}), "index 3 at position 1 is out of range");
  card.rejects({{3}}, f({-1}, {1}), "out of range");
  card.bench({{1 << 18}}, f(some_indices(1 << 16, 1 << 18), {1 << 16}));
}

TALWEG_OP_CARD(scatter_add) {
  card.formula("y = 0; y.flat[indices[i]] += g.flat[i]");
  card.rule("dg = gather(dy, indices, shape of g)");
  card.shapes("one index for each element of g").source("the adjoint of gather");
  const auto f = [](std::vector<int32_t> indices, Shape shape) {
    return [=](auto x) { return scatter_add(x[0], indices, shape); };
  };
  card.check("some meet", {{2, 2}}, f({5, 0, 0, 3}, {2, 3})).check("one", {{1}}, f({0}, {1}));
  card.check("empty", {{0}}, f({}, {3}));
  card.point("two meet", {{1, 2, 3}}, f({2, 2, 0}, {4}), {3, 0, 3, 0}, {{1, 1, 1}});
  card.rejects({{3}}, f({0, 1}, {3}), "needs 3 indices, found 2");
  card.rejects({{2}}, f({0, 3}, {3}), "index 3 at position 1 is out of range");
  card.bench({{1 << 16}}, f(some_indices(1 << 16, 1 << 18), {1 << 18}));
}

// --- selection along an axis ---

/// take(x, axis, indices): the entries along `axis` in the order of `indices`, as often as they are
/// named; y[o,j,i] = x[o, indices[j], i], so that the axis has indices.size() entries.
/// Gradient: that of gather, each entry's the sum over its copies. Copies.
/// Throws where an index leaves the axis. As numpy.take.
template <class T> Var<T> take(Var<T> x, int axis, std::span<const int32_t> indices) {
  axis = resolve_axis("take", axis, x.shape().rank());
  const AxisSplit s = split_at(x.shape(), axis);
  check_indexable("take", x.shape());
  check_indices("take", indices, s.extent);
  const Shape shape = with_extent(x.shape(), axis, int64_t(indices.size()));
  const std::span<int32_t> flat = x.tape().template keep<int32_t>(shape.size());
  int32_t* next = flat.data();
  for (int64_t o = 0; o < s.outer; ++o) {
    for (int32_t j : indices) {
      for (int64_t i = 0; i < s.inner; ++i) *next++ = int32_t((o * s.extent + j) * s.inner + i);
    }
  }
  return gather(x, KeptIndices{flat}, shape);
}

TALWEG_OP_CARD(take) {
  card.formula("y[o,j,i] = x[o, indices[j], i]")
      .rule("dx[o,e,i] = sum of dy[o,j,i], indices[j] = e");
  card.shapes("the axis gets indices.size() entries").source("numpy.take");
  const auto f = [](int axis, std::vector<int32_t> indices) {
    return [=](auto x) { return take(x[0], axis, indices); };
  };
  card.check("rows", {{4, 3}}, f(0, {3, 1, 3})).check("middle axis", {{2, 3, 2}}, f(1, {2, 0}));
  card.check("last axis", {{2, 3}}, f(-1, {1, 1})).check("one", {{1}}, f(0, {0}));
  card.check("nothing", {{2, 3}}, f(1, {})).check("empty", {{2, 0}}, f(0, {1, 1, 0}));
  card.point("order and repeats", {{1, 2, 3}}, f(0, {2, 2, 0}), {3, 3, 1}, {{1, 0, 2}});
  card.point("columns of [2,3]", {{1, 2, 3, 4, 5, 6}},
             [](auto x) {
               return reshape(take(reshape(x[0], {2, 3}), 1, std::array{2, 0}), {4});
             },
             {3, 1, 6, 4}, {{1, 0, 1, 1, 0, 1}});
  card.rejects({{2, 3}}, f(1, {0, 3}), "index 3 at position 1 is out of range");
  card.rejects({{2, 3}}, f(2, {0}), "axis 2 is out of range");
  card.bench({{4096, 64}}, f(0, some_indices(2048, 4096)));
}

/// pick(x[rows,cols], columns): one element of each row, y[r] = x[r, columns[r]]: the
/// log-probability of the label in cross-entropy. Gradient: dx[r,c] = dy[r] where c = columns[r],
/// else 0. Copies. Throws unless x is a matrix and `columns` holds one of its columns for each row.
template <class T> Var<T> pick(Var<T> x, std::span<const int32_t> columns) {
  expect(x.shape().rank() == 2, "[pick] needs a matrix, the shape is ", x.shape(),
         "; bring it to [rows,cols] with reshape()");
  const int64_t rows = x.shape()[0], cols = x.shape()[1];
  expect(int64_t(columns.size()) == rows, "[pick] shape ", x.shape(), " needs ", rows,
         " columns, one a row, found ", columns.size());
  check_indexable("pick", x.shape());
  check_indices("pick", columns, cols);
  const std::span<int32_t> flat = x.tape().template keep<int32_t>(rows);
  for (int64_t r = 0; r < rows; ++r) flat[r] = int32_t(r * cols + columns[r]);
  return gather(x, KeptIndices{flat}, {rows});
}

TALWEG_OP_CARD(pick) {
  card.formula("y[r] = x[r, columns[r]]").rule("dx[r,c] = c == columns[r] ? dy[r] : 0");
  card.shapes("x[rows,cols], columns[rows] -> y[rows]").source("the labels of cross-entropy");
  const auto f = [](std::vector<int32_t> columns) {
    return [=](auto x) { return pick(x[0], columns); };
  };
  card.check("matrix", {{3, 4}}, f({3, 0, 3})).check("one", {{1, 1}}, f({0}));
  card.check("empty", {{0, 4}}, f({}));
  card.point("from [2,3]", {{1, 2, 3, 4, 5, 6}},
             [](auto x) {
               return pick(reshape(x[0], {2, 3}), std::array{2, 0});
             },
             {3, 4}, {{0, 0, 1, 1, 0, 0}});
  card.rejects({{3, 4}}, f({0, 1}), "needs 3 columns");
  card.rejects({{2, 4}}, f({0, 4}), "index 4 at position 1 is out of range");
  card.rejects({{4}}, f({0}), "needs a matrix");
  card.bench({{4096, 64}}, f(some_indices(4096, 64)));
}

}  // namespace talweg
