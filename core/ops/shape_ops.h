// Shape ops: the same numbers, arranged differently.
//
// reshape shows the elements in place; all others copy. All are linear, and every rule is written
// in the ops of this file, so that derivatives of any order follow. T is float or double.
#pragma once

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>

#include "core/ops/broadcast.h"
#include "core/ops/common.h"

namespace talweg {

/// A row-major tensor seen as x[outer, extent, inner] around one of its axes: the element at (o, e,
/// i) stands at (o * extent + e) * inner + i.
struct AxisSplit {
  int64_t outer, extent, inner;
};

/// The split of `shape` around `axis`, which is counted from the front.
inline AxisSplit split_at(const Shape& shape, int axis) {
  return {shape.size_between(0, axis), shape[axis], shape.size_between(axis + 1, shape.rank())};
}

/// `shape` with another extent along `axis`.
inline Shape with_extent(Shape shape, int axis, int64_t extent) {
  shape[axis] = extent;
  return shape;
}

// --- reshape ---

/// reshape(x, shape): x's elements in the same row-major order, seen as another shape of the same
/// size. A view: nothing is copied. Gradient: dx = reshape(dy, shape of x), since y.flat[i] =
/// x.flat[i]. Throws where the sizes differ.
template <class T> Var<T> reshape(Var<T> x, const Shape& shape) {
  if (x.shape() == shape) return x;
  Var<T> y = x.tape().view("reshape", x, shape);
  const Shape back = x.shape();
  y.wrt(x, [=](Var<T> dy) { return reshape(dy, back); });
  return y;
}

TALWEG_OP_CARD(reshape) {
  card.formula("y.flat[i] = x.flat[i]").rule("dx = reshape(dy, shape of x)");
  card.shapes("the given shape has x's size; a view").source("row-major order");
  card.check("flatten", {{2, 3, 4}}, [](auto x) { return reshape(x[0], {6, 4}); });
  card.check("same", {{2, 3}}, [](auto x) { return reshape(x[0], {2, 3}); });
  card.check("one", {{1}}, [](auto x) { return reshape(x[0], {}); });
  card.check("empty", {{0, 3}}, [](auto x) { return reshape(x[0], {5, 0}); });
  card.rejects(
      {{2, 3}},
      [](auto x) {
        return reshape(x[0], {4, 2});
      },
      "cannot be seen as");
  card.bench({{32, 16, 32, 16}}, [](auto x) { return reshape(x[0], {32, 512, 16}); });
}

// --- permute ---

/// permute(x, axes): y's axis i is x's axis axes[i]; y[j0, j1, ...] = x[k] with k[axes[i]] = ji.
/// Gradient: dx = permute(dy, inverse of axes), the same elements carried back. Copies.
/// Throws unless `axes` names each axis of x once; negative ones count from the back.
template <class T> Var<T> permute(Var<T> x, std::span<const int> axes) {
  const Shape from_shape = x.shape();
  const int rank = from_shape.rank();
  expect(int(axes.size()) == rank, "[permute] ", axes.size(), " axes were given for shape ",
         from_shape, "; name each of its ", rank, " axes once");
  const auto from_strides = broadcast_strides(from_shape, from_shape);
  std::array<int64_t, kMaxRank> strides{};
  std::array<int, kMaxRank> inverse;
  inverse.fill(-1);
  Shape shape;
  for (int i = 0; i < rank; ++i) {
    const int axis = resolve_axis("permute", axes[i], rank);
    expect(inverse[axis] < 0, "[permute] axis ", axes[i], " was given twice for shape ", from_shape,
           "; name each axis once");
    inverse[axis] = i;
    strides[i] = from_strides[axis];
    shape.push_back(from_shape[axis]);
  }
  Var<T> y = x.tape().make("permute", shape);
  const T* from = x.data();
  T* to = y.data();
  for_each_broadcast(shape, strides, strides,
                     [=](int64_t i, int64_t j, int64_t) { to[i] = from[j]; });
  y.wrt(x, [=](Var<T> dy) { return permute(dy, std::span<const int>(inverse).first(rank)); });
  return y;
}

/// permute(x, {2, 0, 1}): the same for axes written out.
template <class T> Var<T> permute(Var<T> x, std::initializer_list<int> axes) {
  return permute(x, std::span<const int>(axes.begin(), axes.size()));
}

TALWEG_OP_CARD(permute) {
  card.formula("y's axis i is x's axis axes[i]").rule("dx = permute(dy, inverse of axes)");
  card.shapes("axes name each axis of x once").source("numpy.transpose");
  const auto f = [](auto x) { return permute(x[0], {2, 0, 1}); };
  card.check("cycle", {{2, 3, 4}}, f).check("one", {{1, 1, 1}}, f).check("empty", {{2, 0, 3}}, f);
  card.check("swap the last two", {{2, 3, 4}}, [](auto x) { return permute(x[0], {0, -1, -2}); });
  card.check("scalar", {{}}, [](auto x) { return permute(x[0], {}); });
  card.point("a column read as a row", {{1, 2, 3, 4, 5, 6}},
             [](auto x) {
               return reshape(permute(reshape(x[0], {2, 3}), {1, 0}), {6});
             },
             {1, 4, 2, 5, 3, 6}, {{1, 1, 1, 1, 1, 1}});
  card.rejects({{2, 3}}, f, "axes were given");
  card.rejects(
      {{2, 3}},
      [](auto x) {
        return permute(x[0], {1, 1});
      },
      "given twice");
  card.rejects(
      {{2, 3}},
      [](auto x) {
        return permute(x[0], {0, 2});
      },
      "out of range");
  card.bench({{64, 64, 64}}, f);
}

/// transpose(x[m,n]) = y[n,m], y[j,i] = x[i,j]. Gradient: dx = transpose(dy). Copies; matmul reads
/// its operands transposed without a copy. Throws unless x is a matrix.
template <class T> Var<T> transpose(Var<T> x) {
  expect(x.shape().rank() == 2, "[transpose] needs a matrix, the shape is ", x.shape(),
         "; use permute() to reorder other axes");
  return permute(x, {1, 0});
}

TALWEG_OP_CARD(transpose) {
  card.formula("y[j,i] = x[i,j]").rule("dx = transpose(dy)").shapes("x[m,n] -> y[n,m]");
  card.source("permute with axes (1, 0)");
  const auto f = [](auto x) { return transpose(x[0]); };
  card.check("matrix", {{2, 3}}, f).check("one", {{1, 1}}, f).check("empty", {{0, 3}}, f);
  card.rejects({{2, 3, 4}}, f, "needs a matrix");
  card.bench({{512, 512}}, f);
}

// --- slice, pad, concat ---

template <class T> Var<T> pad(Var<T> x, int axis, int64_t before, int64_t after);

/// slice(x, axis, start, length): the `length` entries along `axis` that begin at `start`;
/// y[o,e,i] = x[o, start + e, i]. Gradient: dx = pad(dy) with zeros where nothing was read. Copies.
/// Throws where the slice leaves the axis.
template <class T> Var<T> slice(Var<T> x, int axis, int64_t start, int64_t length) {
  axis = resolve_axis("slice", axis, x.shape().rank());
  const AxisSplit s = split_at(x.shape(), axis);
  expect(0 <= start && 0 <= length && start <= s.extent && length <= s.extent - start,
         "[slice] start ", start, " and length ", length, " do not fit into extent ", s.extent,
         " of axis ", axis, " of shape ", x.shape());
  Var<T> y = x.tape().make("slice", with_extent(x.shape(), axis, length));
  const T* from = x.data();
  T* to = y.data();
  for (int64_t o = 0; o < s.outer; ++o) {
    std::copy_n(from + (o * s.extent + start) * s.inner, length * s.inner,
                to + o * length * s.inner);
  }
  const int64_t after = s.extent - start - length;
  y.wrt(x, [=](Var<T> dy) { return pad(dy, axis, start, after); });
  return y;
}

/// pad(x, axis, before, after): `before` zeros put in front of x along `axis` and `after` behind
/// it; y[o, before + e, i] = x[o,e,i]. Gradient: dx = slice(dy) of the part that is x. Copies.
/// Throws where a count is negative.
template <class T> Var<T> pad(Var<T> x, int axis, int64_t before, int64_t after) {
  axis = resolve_axis("pad", axis, x.shape().rank());
  expect(before >= 0 && after >= 0, "[pad] cannot put ", before, " and ", after,
         " zeros around axis ", axis, "; take entries away with slice()");
  const AxisSplit s = split_at(x.shape(), axis);
  const int64_t extent = before + s.extent + after;
  Var<T> y = x.tape().make("pad", with_extent(x.shape(), axis, extent));
  const T* from = x.data();
  T* to = y.data();
  for (int64_t o = 0; o < s.outer; ++o, from += s.extent * s.inner) {
    to = std::fill_n(to, before * s.inner, T(0));
    to = std::copy_n(from, s.extent * s.inner, to);
    to = std::fill_n(to, after * s.inner, T(0));
  }
  y.wrt(x, [=](Var<T> dy) { return slice(dy, axis, before, s.extent); });
  return y;
}

TALWEG_OP_CARD(slice) {
  card.formula("y[o,e,i] = x[o, start + e, i]").rule("dx = pad(dy)");
  card.shapes("start + length <= extent of the axis").source("the adjoint of pad");
  card.check("rows", {{5, 3}}, [](auto x) { return slice(x[0], 0, 1, 3); });
  card.check("middle axis", {{2, 4, 3}}, [](auto x) { return slice(x[0], 1, 2, 2); });
  card.check("last axis", {{2, 4}}, [](auto x) { return slice(x[0], -1, 0, 3); });
  card.check("one", {{1}}, [](auto x) { return slice(x[0], 0, 0, 1); });
  card.check("nothing taken", {{2, 3}}, [](auto x) { return slice(x[0], 1, 3, 0); });
  card.check("empty", {{2, 0}}, [](auto x) { return slice(x[0], 0, 1, 1); });
  card.point("columns of [2,3]", {{1, 2, 3, 4, 5, 6}},
             [](auto x) {
               return reshape(slice(reshape(x[0], {2, 3}), 1, 1, 2), {4});
             },
             {2, 3, 5, 6}, {{0, 1, 1, 0, 1, 1}});
  card.rejects(
      {{2, 3}}, [](auto x) { return slice(x[0], 1, 2, 2); }, "do not fit into extent 3");
  card.rejects(
      {{2, 3}}, [](auto x) { return slice(x[0], 1, -1, 2); }, "do not fit");
  card.rejects(
      {{2, 3}}, [](auto x) { return slice(x[0], 2, 0, 1); }, "out of range");
  card.bench({{32, 16, 32, 16}}, [](auto x) { return slice(x[0], 2, 8, 16); });
}

TALWEG_OP_CARD(pad) {
  card.formula("y[o, before + e, i] = x[o,e,i], else 0").rule("dx = slice(dy)");
  card.shapes("the axis grows by before + after").source("the adjoint of slice");
  card.check("rows", {{2, 3}}, [](auto x) { return pad(x[0], 0, 1, 2); });
  card.check("middle axis", {{2, 2, 3}}, [](auto x) { return pad(x[0], 1, 0, 1); });
  card.check("last axis", {{2, 3}}, [](auto x) { return pad(x[0], -1, 2, 0); });
  card.check("one", {{1}}, [](auto x) { return pad(x[0], 0, 1, 1); });
  card.check("empty", {{2, 0}}, [](auto x) { return pad(x[0], 1, 1, 1); });
  card.point("zeros around", {{5}}, [](auto x) { return pad(x[0], 0, 1, 2); }, {0, 5, 0, 0}, {{1}});
  card.rejects(
      {{2, 3}}, [](auto x) { return pad(x[0], 0, -1, 0); }, "take entries away");
  card.rejects(
      {{}}, [](auto x) { return pad(x[0], 0, 1, 0); }, "out of range");
  card.bench({{32, 16, 32, 16}}, [](auto x) { return pad(x[0], 2, 1, 1); });
}

/// The shape of concat(parts, axis); throws where the parts do not fit together.
template <class T> Shape concat_shape(std::span<const Var<T>> parts, int axis) {
  Shape shape = parts[0].shape();
  for (std::size_t p = 1; p < parts.size(); ++p) {
    const Shape& part = parts[p].shape();
    expect(part.rank() == shape.rank() && with_extent(part, axis, 0) == with_extent(shape, axis, 0),
           "[concat] part ", p, " has shape ", part, ", part 0 has ", parts[0].shape(),
           "; they may differ along axis ", axis, " only");
    shape[axis] += part[axis];
  }
  return shape;
}

/// concat(parts, axis): the parts one behind the other along `axis`. Gradient: each part's is the
/// slice of dy that the part fills. Copies. Throws where there is no part, or where two differ in
/// another axis.
template <class T> Var<T> concat(std::span<const Var<T>> parts, int axis) {
  expect(!parts.empty(), "[concat] needs at least one part");
  axis = resolve_axis("concat", axis, parts[0].shape().rank());
  const Shape shape = concat_shape(parts, axis);
  const AxisSplit s = split_at(shape, axis);
  Var<T> y = parts[0].tape().make("concat", shape);
  int64_t start = 0;
  for (Var<T> part : parts) {
    common_tape("concat", y, part);
    const int64_t length = part.shape()[axis];
    const T* from = part.data();
    T* to = y.data() + start * s.inner;
    for (int64_t o = 0; o < s.outer; ++o) {
      std::copy_n(from + o * length * s.inner, length * s.inner, to + o * s.extent * s.inner);
    }
    y.wrt(part, [=](Var<T> dy) { return slice(dy, axis, start, length); });
    start += length;
  }
  return y;
}

/// concat({a, b}, axis): the same for parts written out.
template <class T> Var<T> concat(std::initializer_list<Var<T>> parts, int axis) {
  return concat(std::span<const Var<T>>(parts.begin(), parts.size()), axis);
}

TALWEG_OP_CARD(concat) {
  card.formula("y = parts one behind the other").rule("dpart = the slice of dy that it fills");
  card.shapes("parts differ along the axis only").source("numpy.concatenate");
  const auto f = [](auto x) { return concat(x, 0); };
  const auto last = [](auto x) { return concat(x, -1); };
  card.check("rows", {{2, 3}, {1, 3}, {3, 3}}, f).check("last axis", {{2, 3}, {2, 1}}, last);
  card.check("middle axis", {{2, 1, 3}, {2, 2, 3}}, [](auto x) { return concat(x, 1); });
  card.check("twice the same", {{2, 3}}, [](auto x) { return concat({x[0], x[0]}, 1); });
  card.check("one", {{1}}, f).check("with an empty part", {{2}, {0}, {1}}, f);
  card.check("empty", {{0, 3}, {0, 3}}, f);
  card.point("order", {{1}, {2, 3}}, f, {1, 2, 3}, {{1}, {1, 1}});
  const auto columns = [](auto x) {
    return reshape(concat({reshape(x[0], {2, 1}), reshape(x[1], {2, 2})}, 1), {6});
  };
  card.point("columns", {{1, 2}, {3, 4, 5, 6}}, columns, {1, 3, 4, 2, 5, 6},
             {{1, 1}, {1, 1, 1, 1}});
  card.rejects({{2, 3}, {2, 4}}, f, "along axis 0 only");
  card.rejects({{2}, {2, 1}}, f, "along axis 0 only");
  card.rejects({}, f, "at least one part");
  card.bench({{4096, 32}, {4096, 32}}, last);
}

}  // namespace talweg
