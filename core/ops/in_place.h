// Ops that change a value where it stands, for memory's sake. Their names end in an underscore.
//
// The old value is gone then. A rule that was recorded before and still needs it would compute a
// wrong gradient from the new one; here it throws, and names the op and the line that overwrote it:
//
//   Var<double> y = square(x);          // its rule reads x
//   x = add_(x, one);                   // takes x's memory over
//   tape.backward(sum(y));              // [variable] the value of node 0 was overwritten in place by
//                                       // add_ at study.cpp:12 (main)
//
// Values lent with borrow() belong to somebody else and are refused.
#pragma once

#include "core/ops/elementwise.h"

namespace talweg {

/// The node that takes x's memory over. From here on, reading x or a view of it throws, and the
/// message names `op` and `at`. Looks at every node of the tape. Throws for a lent value.
template <class T> Var<T> overwrite(const char* op, Var<T> x, Site at) {
  Tape<T>& tape = x.tape();
  const T *first = x.data(), *last = first + x.size();
  const int64_t count = tape.node_count();
  const auto shares = [=](Var<T> v) {
    return v.readable() && v.data() < last && first < v.data() + v.size();
  };
  for (int64_t i = 0; i < count; ++i) {
    expect(!shares(tape.at(i)) || std::string_view(tape.at(i).op()) != "borrow", "[", op, "] node ",
           x.index(), " (", x.op(), ") shows a tensor that was lent with borrow(); ",
           "copy it with variable() or constant() before changing it in place");
  }
  Var<T> y = tape.view(op, x, x.shape());
  for (int64_t i = 0; i < count; ++i) {
    if (shares(tape.at(i))) tape.end(tape.at(i), "overwritten in place by ", op, at);
  }
  return y;
}

/// add_(x, b): x becomes x + b; b stretches to x's shape. Gradient: dx = dy, db = dy summed over
/// stretched axes. Throws where b does not stretch to x's shape.
template <class T> Var<T> add_(Var<T> x, Var<T> b, Site at = Site::here()) {
  common_tape("add_", x, b);
  expect(broadcast("add_", x.shape(), b.shape()) == x.shape(), "[add_] shape ", b.shape(),
         " does not stretch to ", x.shape());
  const T* addend = broadcast_to(b.detach(), x.shape()).data();  // x's own memory, where b is x
  Var<T> y = overwrite("add_", x, at);
  kernels::table<T>().add(y.size(), y.data(), addend, y.data());
  const Shape back = b.shape();
  y.wrt(x, [=](Var<T> dy) { return dy; });
  y.wrt(b, [=](Var<T> dy) { return sum_to(dy, back); });
  return y;
}

TALWEG_OP_CARD(add_) {
  card.formula("x <- x + b").rule("dx = dy, db = dy, summed over stretched axes");
  card.shapes("b stretches to x's shape (NumPy); x's memory is taken over").source("sum rule");
  const auto f = [](auto x) { return add_(scale(x[0], {2}), x[1]); };
  card.check("same", {{3, 4}, {3, 4}}, f).check("row", {{3, 4}, {4}}, f);
  card.check("one", {{1}, {1}}, f).check("empty", {{0, 3}, {3}}, f);
  card.check("to itself", {{5}}, [](auto x) {
    const auto twice = scale(x[0], {2});
    return add_(twice, twice);
  });
  card.rejects({{4}, {3, 4}}, f, "does not stretch");
  card.bench({{32, 16, 32, 16}, {32, 16, 32, 16}}, f);
}

/// scale_(x, c): x becomes c x. Gradient: dx = c dy.
template <class T> Var<T> scale_(Var<T> x, T c, Site at = Site::here()) {
  Var<T> y = overwrite("scale_", x, at);
  kernels::table<T>().scale(y.size(), c, y.data(), y.data());
  y.wrt(x, [=](Var<T> dy) { return scale(dy, c); });
  return y;
}

TALWEG_OP_CARD(scale_) {
  card.formula("x <- c x").rule("dx = c dy").shapes("any x, number c; x's memory is taken over");
  card.source("linearity");
  const auto f = [](auto x) { return scale_(scale(x[0], {2}), {-2.5}); };
  card.check("matrix", {{3, 4}}, f).check("one", {{1}}, f).check("empty", {{0}}, f);
  card.bench({{32, 16, 32, 16}}, f);
}

/// exp_(x): x becomes e^x. Gradient: dx = dy y, which needs the new value only.
template <class T> Var<T> exp_(Var<T> x, Site at = Site::here()) {
  Var<T> y = overwrite("exp_", x, at);
  kernels::table<T>().exp(y.size(), y.data(), y.data());
  y.wrt(x, [=](Var<T> dy) { return mul(dy, y); });
  return y;
}

TALWEG_OP_CARD(exp_) {
  card.formula("x <- e^x").rule("dx = dy y").shapes("any; x's memory is taken over");
  card.source("(e^x)' = e^x, read from the result");
  const auto f = [](auto x) { return exp_(scale(x[0], {2})); };
  card.check("matrix", {{3, 4}}, f).check("one", {{1}}, f).check("empty", {{0}}, f);
  card.bench({{32, 16, 32, 16}}, f);
}

/// relu_(x): x becomes max(x, 0). Gradient: dx = dy where y > 0, which needs the new value only.
template <class T> Var<T> relu_(Var<T> x, Site at = Site::here()) {
  Var<T> y = overwrite("relu_", x, at);
  kernels::table<T>().relu(y.size(), y.data(), y.data());
  y.wrt(x, [=](Var<T> dy) { return mask_positive(y.detach(), dy); });
  return y;
}

TALWEG_OP_CARD(relu_) {
  card.formula("x <- max(x, 0)")
      .rule("dx = y > 0 ? dy : 0")
      .shapes("any; x's memory is taken over");
  card.source("the derivative of max(x, 0), with 0 at 0");
  const auto f = [](auto x) { return relu_(scale(x[0], {2})); };
  card.check("matrix", {{{3, 4}, Domain::distinct}}, f).check("one", {{{1}, Domain::distinct}}, f);
  card.check("empty", {{0}}, f);
  card.bench({{32, 16, 32, 16}}, f);
}

}  // namespace talweg
