// Matrix multiplication. With a transpose flag for each operand the op is closed under
// differentiation: both of its rules are the op itself.
//
// Letters: y[m,n] is the result, k the inner extent, B a batch of independent products; a' is
// a transposed. T is float or double.
#pragma once

#include <algorithm>
#include <vector>

#include "core/ops/common.h"
#include "core/ops/shape_ops.h"

namespace talweg {

/// Extents of one product in a batch of products.
struct MatmulShape {
  int64_t batch, m, n, k;
};

/// Reads the extents off the operands' shapes; throws where they do not fit.
inline MatmulShape matmul_shape(const Shape& a, bool transpose_a, const Shape& b,
                                bool transpose_b) {
  const int rank = a.rank();
  expect(rank == b.rank() && (rank == 2 || rank == 3),
         "[matmul] needs two matrices or two batches [B,rows,cols]; the shapes are ", a, " and ", b,
         "; bring them there with reshape()");
  const int row = rank - 2, col = rank - 1;
  const int64_t batch = rank == 3 ? a[0] : 1;
  expect(rank == 2 || batch == b[0], "[matmul] batches of ", batch, " and ", b[0],
         " must be equal; the shapes are ", a, " and ", b);
  const int64_t inner_a = transpose_a ? a[row] : a[col], inner_b = transpose_b ? b[col] : b[row];
  expect(inner_a == inner_b, "[matmul] inner extents ", inner_a, " and ", inner_b,
         " must be equal; a is ", a, transpose_a ? " transposed" : "", ", b is ", b,
         transpose_b ? " transposed" : "", "; did you forget to transpose one?");
  return {batch, transpose_a ? a[col] : a[row], transpose_b ? b[row] : b[col], inner_a};
}

/// matmul(a, b): y[m,n] = sum over k of a[m,k] b[k,n]; with a leading batch axis, one product for
/// each entry: a[B,m,k], b[B,k,n] -> y[B,m,n]. A transposed operand is stored the other way around,
/// a[k,m] or b[n,k], and read in place. An inner extent of 0 gives zeros.
///
/// Gradient: for y = P Q, <dy, dP Q + P dQ> gives P the gradient dy Q' and Q the gradient P' dy.
/// Where a is stored as P', its gradient is transposed, (dy Q')' = Q dy'; likewise (P' dy)' = dy' P
/// for b. So, with a and b as stored,
///
///   product       da            db
///   y = a  b      dy b'         a' dy
///   y = a' b      b  dy'        a  dy
///   y = a  b'     dy b          dy' a
///   y = a' b'     b' dy'        dy' a'
///
/// and each of the eight is a matmul with flags. Throws where the shapes do not fit.
template <class T>
Var<T> matmul(Var<T> a, Var<T> b, bool transpose_a = false, bool transpose_b = false) {
  Tape<T>& tape = common_tape("matmul", a, b);
  const MatmulShape s = matmul_shape(a.shape(), transpose_a, b.shape(), transpose_b);
  Var<T> y =
      tape.make("matmul", a.shape().rank() == 3 ? Shape{s.batch, s.m, s.n} : Shape{s.m, s.n});
  if (s.k == 0) {
    std::fill_n(y.data(), y.size(), T(0));
  } else if (y.size() > 0) {
    const auto& kernel = kernels::table<T>();
    const Scratch<T> scratch(tape, kernel.matmul_scratch(s.m, s.n, s.k));
    for (int64_t i = 0; i < s.batch; ++i) {
      kernel.matmul(s.m, s.n, s.k, a.data() + i * s.m * s.k, transpose_a, b.data() + i * s.k * s.n,
                    transpose_b, y.data() + i * s.m * s.n, scratch.data());
    }
  }
  y.wrt(a, [=](Var<T> dy) {
    return transpose_a ? matmul(b, dy, transpose_b, true) : matmul(dy, b, false, !transpose_b);
  });
  y.wrt(b, [=](Var<T> dy) {
    return transpose_b ? matmul(dy, a, true, transpose_a) : matmul(a, dy, !transpose_a, false);
  });
  return y;
}

TALWEG_OP_CARD(matmul) {
  card.formula("y = a b, either operand transposed if asked");
  card.rule("da = dy b', db = a' dy; transposed where the operand is");
  card.shapes("a[m,k], b[k,n] -> y[m,n], with a batch axis in front of each or of none");
  card.source("product rule on <dy, a b>");
  const auto nn = [](auto x) { return matmul(x[0], x[1]); };
  const auto tn = [](auto x) { return matmul(x[0], x[1], true, false); };
  const auto nt = [](auto x) { return matmul(x[0], x[1], false, true); };
  const auto tt = [](auto x) { return matmul(x[0], x[1], true, true); };
  card.check("a b", {{2, 3}, {3, 4}}, nn).check("a' b", {{3, 2}, {3, 4}}, tn);
  card.check("a b'", {{2, 3}, {4, 3}}, nt).check("a' b'", {{3, 2}, {4, 3}}, tt);
  card.check("batch a b", {{2, 3, 2}, {2, 2, 4}}, nn);
  card.check("batch a' b'", {{2, 2, 3}, {2, 4, 2}}, tt);
  card.check("a a'", {{3, 2}}, [](auto x) { return matmul(x[0], x[0], false, true); });
  card.check("one", {{1, 1}, {1, 1}}, nn).check("no rows", {{0, 3}, {3, 2}}, nn);
  card.check("inner extent 0", {{2, 0}, {0, 3}}, nn).check("no batch", {{0, 2, 3}, {0, 3, 2}}, nn);
  const auto two_by_two = [](bool transpose_a, bool transpose_b) {
    return [=](auto x) {
      const auto a = reshape(x[0], {2, 2}), b = reshape(x[1], {2, 2});
      return reshape(matmul(a, b, transpose_a, transpose_b), {4});
    };
  };
  const std::vector<std::vector<double>> ab = {{1, 2, 3, 4}, {5, 6, 7, 8}};
  card.point("a b", ab, two_by_two(false, false), {19, 22, 43, 50},
             {{11, 15, 11, 15}, {4, 4, 6, 6}});
  card.point("a' b", ab, two_by_two(true, false), {26, 30, 38, 44},
             {{11, 11, 15, 15}, {3, 3, 7, 7}});
  card.point("a b'", ab, two_by_two(false, true), {17, 23, 39, 53},
             {{12, 14, 12, 14}, {4, 6, 4, 6}});
  card.point("a' b'", ab, two_by_two(true, true), {23, 31, 34, 46},
             {{12, 12, 14, 14}, {3, 7, 3, 7}});
  card.rejects({{2, 3}, {4, 3}}, nn, "inner extents 3 and 4 must be equal");
  card.rejects({{2, 3}, {3, 4}}, nt, "b is [3,4] transposed");
  card.rejects({{2, 3, 4}, {3, 4, 5}}, nn, "batches of 2 and 3");
  card.rejects({{2, 3, 4}, {4, 5}}, nn, "two matrices or two batches");
  card.bench({{1024, 256}, {256, 96}}, nn);
}

}  // namespace talweg
