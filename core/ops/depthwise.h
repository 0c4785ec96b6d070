// Depthwise convolution: each channel is correlated with a window of its own. Like conv2d it is one
// trilinear form with three faces,
//
//   T(x, w, g) = sum over n,p,q,c,i,j of
//     x[n, p*stride + i*dilation - pad, q*stride + j*dilation - pad, c] w[i,j,c] g[n,p,q,c],
//
// and so closed under differentiation: the two derivatives of each face are the other two, with the
// cotangent in the open place (the reason stands in conv2d.h).
//
//   depthwise_conv2d(x, w)                  = dT/dg
//   depthwise_conv2d_backward_data(g, w)    = dT/dx
//   depthwise_conv2d_backward_weights(x, g) = dT/dw
//
// Images are [N,H,W,C], weights [KH,KW,C]. Of Conv2dOptions all is used but the algorithm: there is
// only the direct one. All ops here copy.
#pragma once

#include "core/kernels/kernels.h"
#include "core/op_card.h"
#include "core/ops/common.h"
#include "core/ops/conv2d.h"

namespace talweg {

/// The geometry of T(x, w, g): that of a convolution with one output channel, all sizes checked.
inline kernels::Conv2dShape depthwise_shape(const char* op, const Shape& x, const Shape& w,
                                            const Conv2dOptions& options) {
  expect(w.rank() == 3, "[", op, "] the weight must be [KH,KW,C], found ", w,
         "; reshape it to three axes");
  return conv2d_shape(op, x, Shape{1, w[0], w[1], w[2]}, options);
}

/// The shape of depthwise_conv2d's output, which g must have.
inline Shape depthwise_output(const kernels::Conv2dShape& s) { return {s.n, s.oh(), s.ow(), s.c}; }

template <class T>
Var<T> depthwise_conv2d_backward_data(Var<T> g, Var<T> w, int64_t input_h, int64_t input_w,
                                      const Conv2dOptions& options = {});
template <class T>
Var<T> depthwise_conv2d_backward_weights(Var<T> x, Var<T> g, int64_t kh, int64_t kw,
                                         const Conv2dOptions& options = {});

/// depthwise_conv2d(x[N,H,W,C], w[KH,KW,C]) -> [N,OH,OW,C], dT/dg:
///   y[n,p,q,c] = sum over i,j of x[n, p*stride + i*dilation - pad, ..., c] w[i,j,c],
/// zeros outside the image; OH as conv2d's.
/// Gradient: dx = depthwise_conv2d_backward_data(dy, w),
/// dw = depthwise_conv2d_backward_weights(x, dy). Throws where ranks or channels disagree, the
/// window does not fit, or a size overflows. Source: Chollet 2017, "Xception", section 1.
template <class T> Var<T> depthwise_conv2d(Var<T> x, Var<T> w, const Conv2dOptions& options = {}) {
  Tape<T>& tape = common_tape("depthwise_conv2d", x, w);
  const auto s = depthwise_shape("depthwise_conv2d", x.shape(), w.shape(), options);
  Var<T> y = tape.make("depthwise_conv2d", depthwise_output(s));
  kernels::table<T>().depthwise(s, x.data(), w.data(), y.data());
  y.wrt(x, [=](Var<T> dy) { return depthwise_conv2d_backward_data(dy, w, s.h, s.w, options); });
  y.wrt(w,
        [=](Var<T> dy) { return depthwise_conv2d_backward_weights(x, dy, s.kh, s.kw, options); });
  return y;
}

TALWEG_OP_CARD(depthwise_conv2d) {
  card.formula("y[n,p,q,c] = sum_ij x[n, p s + i d - pad, q s + j d - pad, c] w[i,j,c]");
  card.rule(
      "dx = depthwise_conv2d_backward_data(dy, w), dw = depthwise_conv2d_backward_weights(x, dy)");
  card.shapes("x [N,H,W,C], w [KH,KW,C] -> [N,OH,OW,C]").source("Chollet 2017, sec. 1");
  const auto f = [](auto x) { return depthwise_conv2d(x[0], x[1]); };
  card.check("3x3", {{2, 5, 4, 3}, {3, 3, 3}}, f);
  card.check("3x3 same", {{1, 4, 9, 2}, {3, 3, 2}},
             [](auto x) { return depthwise_conv2d(x[0], x[1], Conv2dOptions::same(3, 3)); });
  card.check("stride 2, rest unused", {{1, 6, 7, 1}, {3, 2, 1}},
             [](auto x) { return depthwise_conv2d(x[0], x[1], Conv2dOptions::square(2)); });
  card.check("all options, different per axis", {{1, 5, 6, 2}, {2, 3, 2}}, [](auto x) {
    return depthwise_conv2d(x[0], x[1], {2, 1, 1, 2, 2, 1});
  });
  card.check("one", {{1, 1, 1, 1}, {1, 1, 1}}, f);
  card.check("no image", {{0, 3, 3, 2}, {3, 3, 2}}, f);
  card.check("no channels", {{1, 3, 3, 0}, {2, 2, 0}}, f);
  card.rejects({{5, 5, 3}, {3, 3, 3}}, f, "must be [N,H,W,C]");
  card.rejects({{1, 5, 5, 3}, {3, 3, 3, 3}}, f, "must be [KH,KW,C]");
  card.rejects({{1, 5, 5, 3}, {3, 3, 4}}, f, "did you swap layouts?");
  card.rejects({{1, 2, 5, 1}, {3, 3, 1}}, f, "smaller kernel");
  card.rejects(
      {{1, 5, 5, 1}, {3, 3, 1}},
      [](auto x) { return depthwise_conv2d(x[0], x[1], Conv2dOptions::square(0)); },
      "must be at least 1");
  card.bench({{8, 16, 36, 64}, {3, 3, 64}},
             [](auto x) { return depthwise_conv2d(x[0], x[1], Conv2dOptions::same(3, 3)); });
}

/// depthwise_conv2d_backward_data(g[N,OH,OW,C], w[KH,KW,C], H, W) -> [N,H,W,C], dT/dx. The input's
/// size is an argument: with a stride above 1 several sizes give the same OH x OW.
/// Gradient: dg = depthwise_conv2d(dy, w), dw = depthwise_conv2d_backward_weights(dy, g).
/// Throws as depthwise_conv2d does, and where g is not what it would give for that size.
template <class T>
Var<T> depthwise_conv2d_backward_data(Var<T> g, Var<T> w, int64_t input_h, int64_t input_w,
                                      const Conv2dOptions& options) {
  constexpr const char* op = "depthwise_conv2d_backward_data";
  Tape<T>& tape = common_tape(op, g, w);
  expect(g.shape().rank() == 4, "[", op, "] the output's gradient must be [N,OH,OW,C], found ",
         g.shape(), "; reshape it to four axes");
  const Shape x_shape{g.shape()[0], input_h, input_w, g.shape()[3]};
  const auto s = depthwise_shape(op, x_shape, w.shape(), options);
  expect(g.shape() == depthwise_output(s), "[", op, "] an input ", x_shape, " under weight ",
         w.shape(), " has an output ", depthwise_output(s), ", but the gradient given is ",
         g.shape(), "; pass the input size and options of the forward pass");
  Var<T> dx = tape.make(op, x_shape);
  kernels::table<T>().depthwise_backward_data(s, w.data(), g.data(), dx.data());
  dx.wrt(g, [=](Var<T> dy) { return depthwise_conv2d(dy, w, options); });
  dx.wrt(w,
         [=](Var<T> dy) { return depthwise_conv2d_backward_weights(dy, g, s.kh, s.kw, options); });
  return dx;
}

TALWEG_OP_CARD(depthwise_conv2d_backward_data) {
  card.formula("y = dT(x, w, g)/dx: y[n, p s + i d - pad, ..., c] += g[n,p,q,c] w[i,j,c]");
  card.rule("dg = depthwise_conv2d(dy, w), dw = depthwise_conv2d_backward_weights(dy, g)");
  card.shapes("g [N,OH,OW,C], w [KH,KW,C], H, W -> [N,H,W,C]").source("trilinearity of T");
  card.check("3x3", {{2, 3, 2, 3}, {3, 3, 3}},
             [](auto x) { return depthwise_conv2d_backward_data(x[0], x[1], 5, 4); });
  card.check("stride 2, rest unused", {{1, 2, 3, 2}, {3, 2, 2}}, [](auto x) {
    return depthwise_conv2d_backward_data(x[0], x[1], 6, 7, Conv2dOptions::square(2));
  });
  card.check("all options, different per axis", {{1, 3, 8, 2}, {2, 3, 2}}, [](auto x) {
    return depthwise_conv2d_backward_data(x[0], x[1], 5, 6, {2, 1, 1, 2, 2, 1});
  });
  card.check("one", {{1, 1, 1, 1}, {1, 1, 1}},
             [](auto x) { return depthwise_conv2d_backward_data(x[0], x[1], 1, 1); });
  card.check("no image", {{0, 1, 1, 2}, {3, 3, 2}},
             [](auto x) { return depthwise_conv2d_backward_data(x[0], x[1], 3, 3); });
  const auto five = [](auto x) { return depthwise_conv2d_backward_data(x[0], x[1], 5, 5); };
  card.rejects({{1, 4, 3, 1}, {3, 3, 1}}, five, "input size and options of the forward pass");
  card.rejects({{1, 3, 3, 2}, {3, 3, 1}}, five, "did you swap layouts?");
  card.rejects({{3, 3, 1}, {3, 3, 1}}, five, "must be [N,OH,OW,C]");
  card.bench({{8, 16, 36, 64}, {3, 3, 64}}, [](auto x) {
    return depthwise_conv2d_backward_data(x[0], x[1], 16, 36, Conv2dOptions::same(3, 3));
  });
}

/// depthwise_conv2d_backward_weights(x[N,H,W,C], g[N,OH,OW,C], KH, KW) -> [KH,KW,C], dT/dw:
///   y[i,j,c] = sum over n,p,q of x[n, p*stride + i*dilation - pad, ..., c] g[n,p,q,c].
/// Gradient: dx = depthwise_conv2d_backward_data(g, dy), dg = depthwise_conv2d(x, dy).
/// Throws as depthwise_conv2d does, and where g is not what it would give for that kernel.
template <class T>
Var<T> depthwise_conv2d_backward_weights(Var<T> x, Var<T> g, int64_t kh, int64_t kw,
                                         const Conv2dOptions& options) {
  constexpr const char* op = "depthwise_conv2d_backward_weights";
  Tape<T>& tape = common_tape(op, x, g);
  expect(x.shape().rank() == 4 && g.shape().rank() == 4, "[", op,
         "] the input must be [N,H,W,C] and the output's gradient [N,OH,OW,C], found ", x.shape(),
         " and ", g.shape(), "; reshape them to four axes");
  const Shape w_shape{kh, kw, x.shape()[3]};
  const auto s = depthwise_shape(op, x.shape(), w_shape, options);
  expect(g.shape() == depthwise_output(s), "[", op, "] an input ", x.shape(), " under weight ",
         w_shape, " has an output ", depthwise_output(s), ", but the gradient given is ", g.shape(),
         "; pass the kernel size and options of the forward pass");
  Var<T> dw = tape.make(op, w_shape);
  const Scratch<T> scratch(tape, kernels::table<T>().depthwise_scratch(s));
  kernels::table<T>().depthwise_backward_weights(s, x.data(), g.data(), dw.data(), scratch.data());
  dw.wrt(x, [=](Var<T> dy) { return depthwise_conv2d_backward_data(g, dy, s.h, s.w, options); });
  dw.wrt(g, [=](Var<T> dy) { return depthwise_conv2d(x, dy, options); });
  return dw;
}

TALWEG_OP_CARD(depthwise_conv2d_backward_weights) {
  card.formula("y = dT(x, w, g)/dw: y[i,j,c] = sum_npq x[n, p s + i d - pad, ..., c] g[n,p,q,c]");
  card.rule("dx = depthwise_conv2d_backward_data(g, dy), dg = depthwise_conv2d(x, dy)");
  card.shapes("x [N,H,W,C], g [N,OH,OW,C], KH, KW -> [KH,KW,C]").source("trilinearity of T");
  card.check("3x3", {{2, 5, 4, 3}, {2, 3, 2, 3}},
             [](auto x) { return depthwise_conv2d_backward_weights(x[0], x[1], 3, 3); });
  card.check("stride 2, rest unused", {{1, 6, 7, 2}, {1, 2, 3, 2}}, [](auto x) {
    return depthwise_conv2d_backward_weights(x[0], x[1], 3, 2, Conv2dOptions::square(2));
  });
  card.check("all options, different per axis", {{1, 5, 6, 2}, {1, 3, 8, 2}}, [](auto x) {
    return depthwise_conv2d_backward_weights(x[0], x[1], 2, 3, {2, 1, 1, 2, 2, 1});
  });
  card.check("one", {{1, 1, 1, 1}, {1, 1, 1, 1}},
             [](auto x) { return depthwise_conv2d_backward_weights(x[0], x[1], 1, 1); });
  card.check("no image", {{0, 3, 3, 2}, {0, 2, 2, 2}},
             [](auto x) { return depthwise_conv2d_backward_weights(x[0], x[1], 2, 2); });
  const auto three = [](auto x) { return depthwise_conv2d_backward_weights(x[0], x[1], 3, 3); };
  card.rejects({{1, 5, 5, 1}, {1, 4, 3, 1}}, three, "kernel size and options of the forward pass");
  card.rejects({{5, 5, 1}, {1, 3, 3, 1}}, three, "must be [N,H,W,C]");
  card.rejects({{1, 2, 5, 1}, {1, 1, 3, 1}}, three, "smaller kernel");
  card.bench({{8, 16, 36, 64}, {8, 16, 36, 64}}, [](auto x) {
    return depthwise_conv2d_backward_weights(x[0], x[1], 3, 3, Conv2dOptions::same(3, 3));
  });
}

}  // namespace talweg
