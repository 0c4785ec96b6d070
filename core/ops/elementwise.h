// Elementwise ops: one number in, or two that broadcast, one number out.
//
// Every function here copies; every rule is written in the ops of this file, so that derivatives of
// any order follow. T is float or double; shapes are any, the binary ops broadcast as NumPy does.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include "core/kernels/kernels.h"
#include "core/ops/broadcast.h"
#include "core/ops/common.h"
#include "core/parallel.h"

namespace talweg {

/// y[i] = f(x[i]), by a kernel of the table.
template <class T> Var<T> map(const char* op, Var<T> x, void (*kernel)(int64_t, const T*, T*)) {
  Var<T> y = x.tape().make(op, x.shape());
  kernel(y.size(), x.data(), y.data());
  return y;
}

/// Where the table has the kernels of a binary op: for equal shapes, and for a row b, such as a bias,
/// against every row of a. Null where there is none.
template <class T> struct Kernels2 {
  void (*kernels::KernelTable<T>::*same)(int64_t n, const T* a, const T* b, T* y) = nullptr;
  void (*kernels::KernelTable<T>::*row)(int64_t rows, int64_t cols, const T* a, const T* b,
                                        T* y) = nullptr;
};

/// y = f(a, b) with broadcasting: a kernel where one fits, `f` element by element elsewhere. Shapes
/// that are equal, as most are, need no broadcasting, and up to kFew elements are not worth a call.
template <class T, class F>
Var<T> map2(const char* op, Var<T> a, Var<T> b, std::type_identity_t<Kernels2<T>> kernel, F f) {
  constexpr int64_t kFew = 8;
  Tape<T>& tape = common_tape(op, a, b);
  const Shape &sa = a.shape(), &sb = b.shape();
  const bool same = sa == sb;
  const Var<T> y = same ? tape.make(op, sa) : tape.make(op, broadcast(op, sa, sb));
  const T *pa = a.data(), *pb = b.data();
  T* to = y.data();
  const int64_t n = y.size();
  if (same && n <= kFew) {
    for (int64_t i = 0; i < n; ++i) to[i] = f(pa[i], pb[i]);
  } else if (same && kernel.same) {
    (kernels::table<T>().*kernel.same)(n, pa, pb, to);
  } else if (kernel.row && is_trailing(sb, sa) && n > 0) {
    (kernels::table<T>().*kernel.row)(n / b.size(), b.size(), pa, pb, to);
  } else {
    for_each_broadcast(y.shape(), broadcast_strides(sa, y.shape()),
                       broadcast_strides(sb, y.shape()),
                       [=](int64_t i, int64_t ja, int64_t jb) { to[i] = f(pa[ja], pb[jb]); });
  }
  return y;
}

// --- a + b, a - b, a * b, a / b ---

/// add(a, b) = a + b, broadcasting. Gradient: dy to both, summed over stretched axes.
template <class T> Var<T> add(Var<T> a, Var<T> b) {
  Var<T> y = map2("add", a, b, {&kernels::KernelTable<T>::add, &kernels::KernelTable<T>::col_add},
                  [](T p, T q) { return p + q; });
  y.wrt(a, [=](Var<T> dy) { return sum_to(dy, a.shape()); });
  y.wrt(b, [=](Var<T> dy) { return sum_to(dy, b.shape()); });
  return y;
}

TALWEG_OP_CARD(add) {
  card.formula("y = a + b").rule("da = dy, db = dy, summed over stretched axes");
  card.shapes("a, b broadcast (NumPy)").source("sum rule");
  const auto f = [](auto x) { return add(x[0], x[1]); };
  card.check("same", {{3, 4}, {3, 4}}, f).check("row", {{3, 4}, {4}}, f);
  card.check("outer", {{3, 1}, {4}}, f).check("scalar", {{}, {2, 3}}, f);
  card.check("one", {{1}, {1}}, f).check("empty", {{0, 3}, {3}}, f);
  card.check("twice the same", {{5}}, [](auto x) { return add(x[0], x[0]); });
  card.rejects({{2, 3}, {4}}, f, "do not broadcast");
  card.bench({{32, 16, 32, 16}, {32, 16, 32, 16}}, f);
}

/// scale(x, c) = c x for a number c. Gradient: dx = c dy.
template <class T> Var<T> scale(Var<T> x, T c) {
  Var<T> y = x.tape().make("scale", x.shape());
  kernels::table<T>().scale(y.size(), c, x.data(), y.data());
  y.wrt(x, [=](Var<T> dy) { return scale(dy, c); });
  return y;
}

TALWEG_OP_CARD(scale) {
  card.formula("y = c x").rule("dx = c dy").shapes("any x, number c").source("linearity");
  const auto f = [](auto x) { return scale(x[0], {-2.5}); };
  card.check("matrix", {{3, 4}}, f).check("one", {{1}}, f).check("empty", {{0}}, f);
  card.bench({{32, 16, 32, 16}}, f);
}

/// sub(a, b) = a - b, broadcasting. Gradient: da = dy, db = -dy, summed over stretched axes.
template <class T> Var<T> sub(Var<T> a, Var<T> b) {
  Var<T> y = map2("sub", a, b, {&kernels::KernelTable<T>::sub, &kernels::KernelTable<T>::col_sub},
                  [](T p, T q) { return p - q; });
  y.wrt(a, [=](Var<T> dy) { return sum_to(dy, a.shape()); });
  y.wrt(b, [=](Var<T> dy) { return scale(sum_to(dy, b.shape()), T(-1)); });
  return y;
}

TALWEG_OP_CARD(sub) {
  card.formula("y = a - b").rule("da = dy, db = -dy, summed over stretched axes");
  card.shapes("a, b broadcast (NumPy)").source("sum rule");
  const auto f = [](auto x) { return sub(x[0], x[1]); };
  card.check("same", {{3, 4}, {3, 4}}, f).check("row", {{3, 4}, {4}}, f);
  card.check("stretched first", {{4}, {3, 4}}, f).check("one", {{1}, {1}}, f);
  card.check("empty", {{0}, {0}}, f);
  card.rejects({{2}, {3}}, f, "do not broadcast");
  card.bench({{32, 16, 32, 16}, {32, 16, 32, 16}}, f);
}

/// mul(a, b) = a b elementwise, broadcasting. Gradient: da = dy b, db = dy a.
template <class T> Var<T> mul(Var<T> a, Var<T> b) {
  Var<T> y = map2("mul", a, b, {&kernels::KernelTable<T>::mul, &kernels::KernelTable<T>::col_mul},
                  [](T p, T q) { return p * q; });
  y.wrt(a, [=](Var<T> dy) { return sum_to(mul(dy, b), a.shape()); });
  y.wrt(b, [=](Var<T> dy) { return sum_to(mul(dy, a), b.shape()); });
  return y;
}

TALWEG_OP_CARD(mul) {
  card.formula("y = a b").rule("da = dy b, db = dy a, summed over stretched axes");
  card.shapes("a, b broadcast (NumPy)").source("product rule");
  const auto f = [](auto x) { return mul(x[0], x[1]); };
  card.check("same", {{3, 4}, {3, 4}}, f).check("row", {{2, 3, 4}, {4}}, f);
  card.check("outer", {{3, 1}, {1, 4}}, f).check("scalar", {{2, 3}, {}}, f);
  card.check("one", {{1}, {1}}, f).check("empty", {{2, 0}, {0}}, f);
  card.check("square", {{5}}, [](auto x) { return mul(x[0], x[0]); });
  card.rejects({{2, 3}, {3, 2}}, f, "do not broadcast");
  card.bench({{32, 16, 32, 16}, {32, 16, 32, 16}}, f);
}

/// div(a, b) = a / b elementwise, broadcasting. Gradient: da = dy / b, db = -dy y / b.
template <class T> Var<T> div(Var<T> a, Var<T> b) {
  Var<T> y = map2("div", a, b, {&kernels::KernelTable<T>::div, &kernels::KernelTable<T>::col_div},
                  [](T p, T q) { return p / q; });
  y.wrt(a, [=](Var<T> dy) { return sum_to(div(dy, b), a.shape()); });
  y.wrt(b, [=](Var<T> dy) { return scale(sum_to(mul(dy, div(y, b)), b.shape()), T(-1)); });
  return y;
}

TALWEG_OP_CARD(div) {
  card.formula("y = a / b").rule("da = dy / b, db = -dy y / b, summed over stretched axes");
  card.shapes("a, b broadcast (NumPy)").source("quotient rule");
  const auto f = [](auto x) { return div(x[0], x[1]); };
  const Domain p = Domain::positive;
  card.check("same", {{3, 4}, {{3, 4}, p}}, f).check("row", {{3, 4}, {{4}, p}}, f);
  card.check("outer", {{3, 1}, {{4}, p}}, f).check("one", {{1}, {{1}, p}}, f);
  card.check("empty", {{0}, {{0}, p}}, f);
  card.point("by zero is infinite", {{1, -1}, {0, 0}}, f,
             {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()},
             {});
  card.rejects({{2}, {3}}, f, "do not broadcast");
  card.bench({{32, 16, 32, 16}, {{32, 16, 32, 16}, p}}, f);
}

/// add_scalar(x, c) = x + c for a number c. Gradient: dx = dy.
template <class T> Var<T> add_scalar(Var<T> x, T c) {
  Var<T> y = x.tape().make("add_scalar", x.shape());
  kernels::table<T>().add_scalar(y.size(), c, x.data(), y.data());
  y.wrt(x, [](Var<T> dy) { return dy; });
  return y;
}

TALWEG_OP_CARD(add_scalar) {
  card.formula("y = x + c").rule("dx = dy").shapes("any x, number c").source("linearity");
  const auto f = [](auto x) { return add_scalar(x[0], {0.75}); };
  card.check("matrix", {{3, 4}}, f).check("one", {{1}}, f).check("empty", {{0}}, f);
  card.bench({{32, 16, 32, 16}}, f);
}

// --- functions of one number ---

/// exp(x) = e^x. Gradient: dx = dy y.
template <class T> Var<T> exp(Var<T> x) {
  Var<T> y = map("exp", x, kernels::table<T>().exp);
  y.wrt(x, [=](Var<T> dy) { return mul(dy, y); });
  return y;
}

TALWEG_OP_CARD(exp) {
  card.formula("y = e^x").rule("dx = dy y").shapes("any").source("d e^x = e^x dx");
  const auto f = [](auto x) { return exp(x[0]); };
  card.check("matrix", {{3, 4}}, f).check("one", {{1}}, f).check("empty", {{0}}, f);
  const double inf = std::numeric_limits<double>::infinity();
  card.point("at the infinities", {{-inf, inf, 0}}, f, {0, inf, 1}, {{0, inf, 1}});
  card.bench({{32, 16, 32, 16}}, f);
}

/// log(x), natural. Gradient: dx = dy / x. log(0) = -inf, log of a negative number is NaN.
template <class T> Var<T> log(Var<T> x) {
  Var<T> y = map("log", x, kernels::table<T>().log);
  y.wrt(x, [=](Var<T> dy) { return div(dy, x); });
  return y;
}

TALWEG_OP_CARD(log) {
  card.formula("y = ln x").rule("dx = dy / x").shapes("any").source("d ln x = dx / x");
  const auto f = [](auto x) { return log(x[0]); };
  card.check("matrix", {{{3, 4}, Domain::positive}}, f).check("one", {{{1}, Domain::positive}}, f);
  card.check("empty", {{0}}, f);
  const double inf = std::numeric_limits<double>::infinity();
  card.point("at zero and infinity", {{0, inf, 1}}, f, {-inf, inf, 0}, {{inf, 0, 1}});
  card.bench({{{32, 16, 32, 16}, Domain::positive}}, f);
}

/// tanh(x). Gradient: dx = dy (1 - y^2).
template <class T> Var<T> tanh(Var<T> x) {
  Var<T> y = map("tanh", x, kernels::table<T>().tanh);
  y.wrt(x, [=](Var<T> dy) { return sub(dy, mul(dy, mul(y, y))); });
  return y;
}

TALWEG_OP_CARD(tanh) {
  card.formula("y = tanh x").rule("dx = dy (1 - y^2)").shapes("any").source("d tanh = sech^2");
  const auto f = [](auto x) { return tanh(x[0]); };
  card.check("matrix", {{3, 4}}, f).check("one", {{1}}, f).check("empty", {{0}}, f);
  const double inf = std::numeric_limits<double>::infinity();
  card.point("saturates", {{-inf, inf}}, f, {-1, 1}, {{0, 0}});
  card.bench({{32, 16, 32, 16}}, f);
}

/// sigmoid(x) = 1 / (1 + e^-x), without overflow for either sign. Gradient: dx = dy y (1 - y).
template <class T> Var<T> sigmoid(Var<T> x) {
  Var<T> y = map("sigmoid", x, kernels::table<T>().sigmoid);
  y.wrt(x, [=](Var<T> dy) { return mul(dy, sub(y, mul(y, y))); });
  return y;
}

TALWEG_OP_CARD(sigmoid) {
  card.formula("y = 1 / (1 + e^-x)").rule("dx = dy y (1 - y)").shapes("any").source("logistic");
  const auto f = [](auto x) { return sigmoid(x[0]); };
  card.check("matrix", {{3, 4}}, f).check("one", {{1}}, f).check("empty", {{0}}, f);
  card.point("far out", {{-1000, 1000}}, f, {0, 1}, {{0, 0}});
  card.bench({{32, 16, 32, 16}}, f);
}

/// softplus(x) = log(1 + e^x) = max(x, 0) + log1p(e^-|x|). Gradient: dx = dy sigmoid(x).
template <class T> Var<T> softplus(Var<T> x) {
  Var<T> y = map("softplus", x, kernels::table<T>().softplus);
  y.wrt(x, [=](Var<T> dy) { return mul(dy, sigmoid(x)); });
  return y;
}

TALWEG_OP_CARD(softplus) {
  card.formula("y = log(1 + e^x)").rule("dx = dy sigmoid(x)").shapes("any");
  card.source("Dugas et al. 2001");
  const auto f = [](auto x) { return softplus(x[0]); };
  card.check("matrix", {{3, 4}}, f).check("one", {{1}}, f).check("empty", {{0}}, f);
  card.point("far out", {{-1000, 1000}}, f, {0, 1000}, {{0, 1}});
  card.bench({{32, 16, 32, 16}}, f);
}

/// sqrt(x). Gradient: dx = dy / (2 y); infinite at 0.
template <class T> Var<T> sqrt(Var<T> x) {
  Var<T> y = map("sqrt", x, kernels::table<T>().sqrt);
  y.wrt(x, [=](Var<T> dy) { return scale(div(dy, y), T(0.5)); });
  return y;
}

TALWEG_OP_CARD(sqrt) {
  card.formula("y = x^(1/2)").rule("dx = dy / (2 y)").shapes("any").source("power rule");
  const auto f = [](auto x) { return sqrt(x[0]); };
  card.check("matrix", {{{3, 4}, Domain::positive}}, f).check("one", {{{1}, Domain::positive}}, f);
  card.check("empty", {{0}}, f);
  card.point("vertical at zero", {{0, 4}}, f, {0, 2},
             {{std::numeric_limits<double>::infinity(), 0.25}});
  card.bench({{{32, 16, 32, 16}, Domain::positive}}, f);
}

/// square(x) = x^2. Gradient: dx = 2 dy x.
template <class T> Var<T> square(Var<T> x) {
  Var<T> y = x.tape().make("square", x.shape());
  kernels::table<T>().mul(y.size(), x.data(), x.data(), y.data());
  y.wrt(x, [=](Var<T> dy) { return scale(mul(dy, x), T(2)); });
  return y;
}

TALWEG_OP_CARD(square) {
  card.formula("y = x^2").rule("dx = 2 dy x").shapes("any").source("power rule");
  const auto f = [](auto x) { return square(x[0]); };
  card.check("matrix", {{3, 4}}, f).check("one", {{1}}, f).check("empty", {{0}}, f);
  card.bench({{32, 16, 32, 16}}, f);
}

// --- functions with a kink ---

/// mask_positive(x, g) = g where x > 0, else 0: ReLU's derivative applied to g. Linear in g and
/// constant in x almost everywhere, so its own gradient is mask_positive(x, dy) for g and none for
/// x.
template <class T> Var<T> mask_positive(Var<T> x, Var<T> g) {
  Tape<T>& tape = common_tape("mask_positive", x, g);
  expect(x.shape() == g.shape(), "[mask_positive] shapes ", x.shape(), " and ", g.shape(),
         " must be equal");
  Var<T> y = tape.make("mask_positive", x.shape());
  kernels::table<T>().relu_mask(y.size(), x.data(), g.data(), y.data());
  y.wrt(g, [=](Var<T> dy) { return mask_positive(x, dy); });
  y.wrt(x, [=](Var<T> dy) { return dy.tape().full(x.shape(), T(0)); });
  return y;
}

TALWEG_OP_CARD(mask_positive) {
  card.formula("y = x > 0 ? g : 0").rule("dg = mask_positive(x, dy), dx = 0 almost everywhere");
  card.shapes("x and g equal").source("derivative of ReLU");
  const auto f = [](auto x) { return mask_positive(x[0], x[1]); };
  const Domain d = Domain::distinct;
  card.check("matrix", {{{3, 4}, d}, {3, 4}}, f).check("one", {{{1}, d}, {1}}, f);
  card.check("empty", {{0}, {0}}, f);
  card.point("zero is not positive", {{0, 1}, {5, 5}}, f, {0, 5}, {{0, 0}, {0, 1}});
  card.rejects({{3}, {4}}, f, "must be equal");
  card.bench({{32, 16, 32, 16}, {32, 16, 32, 16}}, f);
}

/// relu(x) = max(x, 0). Gradient: dx = dy where x > 0, else 0 (0 is taken as the derivative at 0).
template <class T> Var<T> relu(Var<T> x) {
  Var<T> y = map("relu", x, kernels::table<T>().relu);
  y.wrt(x, [=](Var<T> dy) { return mask_positive(x, dy); });
  return y;
}

TALWEG_OP_CARD(relu) {
  card.formula("y = max(x, 0)").rule("dx = x > 0 ? dy : 0").shapes("any");
  card.source("Nair and Hinton 2010; derivative 0 at the kink");
  const auto f = [](auto x) { return relu(x[0]); };
  const Domain d = Domain::distinct;
  card.check("matrix", {{{3, 4}, d}}, f).check("one", {{{1}, d}}, f).check("empty", {{0}}, f);
  const double inf = std::numeric_limits<double>::infinity();
  card.point("kink and infinities", {{0, -inf, inf}}, f, {0, 0, inf}, {{0, 0, 1}});
  card.bench({{32, 16, 32, 16}}, f);
}

/// sign(x) = -1, 0 or 1. Constant almost everywhere: no gradient flows through.
template <class T> Var<T> sign(Var<T> x) { return map("sign", x, kernels::table<T>().sign); }

TALWEG_OP_CARD(sign) {
  card.formula("y = -1, 0 or 1").rule("none: constant almost everywhere").shapes("any");
  card.source("derivative of |x|");
  const auto f = [](auto x) { return sign(x[0]); };
  const Domain d = Domain::distinct;
  card.check("matrix", {{{3, 4}, d}}, f).check("one", {{{1}, d}}, f).check("empty", {{0}}, f);
  card.point("of zero", {{0, -3, 2}}, f, {0, -1, 1}, {});
  card.bench({{32, 16, 32, 16}}, f);
}

/// abs(x) = |x|. Gradient: dx = dy sign(x), which takes 0, the middle of [-1, 1], at the kink.
template <class T> Var<T> abs(Var<T> x) {
  Var<T> y = map("abs", x, kernels::table<T>().abs);
  y.wrt(x, [=](Var<T> dy) { return mul(dy, sign(x)); });
  return y;
}

TALWEG_OP_CARD(abs) {
  card.formula("y = |x|").rule("dx = dy sign(x)").shapes("any").source("subgradient 0 at the kink");
  const auto f = [](auto x) { return abs(x[0]); };
  const Domain d = Domain::distinct;
  card.check("matrix", {{{3, 4}, d}}, f).check("one", {{{1}, d}}, f).check("empty", {{0}}, f);
  card.point("kink", {{0, -2}}, f, {0, 2}, {{0, -1}});
  card.bench({{32, 16, 32, 16}}, f);
}

/// 1 where a >= b, else 0, broadcasting. Constant almost everywhere: no gradient flows through.
template <class T> Var<T> greater_equal(Var<T> a, Var<T> b) {
  return map2("greater_equal", a, b, {&kernels::KernelTable<T>::greater_equal, nullptr},
              [](T p, T q) { return T(p >= q); });
}

TALWEG_OP_CARD(greater_equal) {
  card.formula("y = a >= b ? 1 : 0").rule("none: constant almost everywhere");
  card.shapes("a, b broadcast (NumPy)").source("derivative of max(a, b) in a");
  const auto f = [](auto x) { return greater_equal(x[0], x[1]); };
  const Domain d = Domain::distinct;
  card.check("row", {{{3, 4}, d}, {{4}, d}}, f).check("one", {{1}, {1}}, f);
  card.check("empty", {{0}, {0}}, f);
  card.point("a tie", {{1, 0}, {1, 2}}, f, {1, 0}, {});
  card.rejects({{2}, {3}}, f, "do not broadcast");
  card.bench({{32, 16, 32, 16}, {32, 16, 32, 16}}, f);
}

/// maximum(a, b), broadcasting. Gradient: dy to the larger one, and to a where they are equal.
template <class T> Var<T> maximum(Var<T> a, Var<T> b) {
  Var<T> y = map2("maximum", a, b, {&kernels::KernelTable<T>::maximum, nullptr},
                  [](T p, T q) { return p >= q || p != p ? p : q; });
  y.wrt(a, [=](Var<T> dy) { return sum_to(mul(dy, greater_equal(a, b)), a.shape()); });
  y.wrt(b, [=](Var<T> dy) { return sum_to(sub(dy, mul(dy, greater_equal(a, b))), b.shape()); });
  return y;
}

TALWEG_OP_CARD(maximum) {
  card.formula("y = max(a, b)").rule("da = dy where a >= b, db = dy where a < b");
  card.shapes("a, b broadcast (NumPy)").source("subgradient; ties go to a");
  const auto f = [](auto x) { return maximum(x[0], x[1]); };
  card.check("same", {{3, 4}, {3, 4}}, f).check("row", {{3, 4}, {4}}, f);
  card.check("one", {{1}, {1}}, f).check("empty", {{0}, {0}}, f);
  card.point("a tie", {{1}, {1}}, f, {1}, {{1}, {0}});
  card.rejects({{2}, {3}}, f, "do not broadcast");
  card.bench({{32, 16, 32, 16}, {32, 16, 32, 16}}, f);
}

// --- notation ---

template <class T> Var<T> operator+(Var<T> a, Var<T> b) { return add(a, b); }
template <class T> Var<T> operator-(Var<T> a, Var<T> b) { return sub(a, b); }
template <class T> Var<T> operator*(Var<T> a, Var<T> b) { return mul(a, b); }
template <class T> Var<T> operator/(Var<T> a, Var<T> b) { return div(a, b); }
template <class T> Var<T> operator-(Var<T> x) { return scale(x, T(-1)); }
template <class T> Var<T> operator*(std::type_identity_t<T> c, Var<T> x) { return scale(x, c); }
template <class T> Var<T> operator+(Var<T> x, std::type_identity_t<T> c) {
  return add_scalar(x, c);
}
template <class T> Var<T> operator-(Var<T> x, std::type_identity_t<T> c) {
  return add_scalar(x, -c);
}

}  // namespace talweg
