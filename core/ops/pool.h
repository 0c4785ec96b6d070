// Pooling: the largest element, or the mean, of each window of an image.
//
// Windows of KH x KW pixels stand `stride` apart, the first one `pad` pixels before the image;
// sizes that do not divide are floored, OH = floor((H + 2 pad - KH) / stride) + 1, so that a rest
// at the end is not read. Images are [N,H,W,C] (channels last); the inner loops run over channels.
#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <vector>

#include "core/kernels/kernels.h"
#include "core/op_card.h"
#include "core/ops/common.h"
#include "core/ops/shape_ops.h"

namespace talweg {

using kernels::Pool2dShape;

inline Shape pool2d_input(const Pool2dShape& s) { return {s.n, s.h, s.w, s.c}; }
inline Shape pool2d_output(const Pool2dShape& s) { return {s.n, s.oh(), s.ow(), s.c}; }

/// The geometry of pooling an image of this shape.
inline Pool2dShape pool2d_shape(const char* op, const Shape& x, int64_t kh, int64_t kw,
                                int64_t stride_h, int64_t stride_w, int64_t pad = 0) {
  expect(x.rank() == 4, "[", op, "] the input must be [N,H,W,C], found ", x,
         "; reshape it to four axes");
  expect(kh >= 1 && kw >= 1 && stride_h >= 1 && stride_w >= 1, "[", op, "] window ", kh, "x", kw,
         " and stride ", stride_h, "x", stride_w, " must be at least 1");
  expect(pad >= 0 && pad < kh && pad < kw, "[", op, "] padding ", pad,
         " must be at least 0 and smaller ", "than the window ", kh, "x", kw,
         ", or a window would hold no pixel");
  constexpr int64_t limit = int64_t(1) << 30;  // so that no sum or product of two overflows
  expect(std::max({x[1], x[2], kh, kw, stride_h, stride_w}) < limit, "[", op, "] input ", x,
         ", window ", kh, "x", kw, " and stride ", stride_h, "x", stride_w,
         " must each be below 2^30 along an axis; were they computed from a wrong shape?");
  expect(kh <= x[1] + 2 * pad && kw <= x[2] + 2 * pad && x[1] > 0 && x[2] > 0, "[", op, "] window ",
         kh, "x", kw, " is larger than the input ", x, " with padding ", pad,
         "; pool less or pad more");
  const Pool2dShape s{x[0], x[1], x[2], x[3], kh, kw, stride_h, stride_w, pad, pad};
  const double elements = double(s.n) * double(s.oh()) * double(s.ow()) * double(s.c);
  expect(elements < double(int64_t(1) << 56), "[", op, "] input ", x, " with padding ", pad,
         " gives ", elements, " elements, more than memory can hold; pad less");
  return s;
}

// --- along the winners ---

/// Throws unless `given` has the expected shape and there is a winner for each output.
inline void check_winners(const char* op, const Pool2dShape& s, const Shape& given,
                          const Shape& expected, std::span<const uint8_t> winners) {
  expect(given == expected, "[", op, "] pooling ", pool2d_input(s), " to ", pool2d_output(s),
         " needs ", expected, ", found ", given, "; pass the sizes of the forward pass");
  expect(int64_t(winners.size()) == s.y_size(), "[", op, "] the outputs ", pool2d_output(s),
         " need ", s.y_size(), " winners, found ", winners.size());
}

template <class T>
Var<T> pool_gather(Var<T> x, std::span<const uint8_t> winners, const Pool2dShape& s);

/// pool_scatter(g[N,OH,OW,C], winners, s) -> [N,H,W,C]: 0, and each g added to the pixel that won
/// its window. A winner is a byte, the pixel's place i KW + j in the window; KH KW or more means
/// that nobody won, and that g goes nowhere (a pooled ReLU says so where it left 0).
/// Gradient: dg = pool_gather(dy), the adjoint: y is linear in g. The winners are constants; they
/// must stay where they are as long as y's node lives, as on the tape (Tape::keep) they do.
/// Throws where g is no output of s or there is not one winner for each of its elements.
template <class T>
Var<T> pool_scatter(Var<T> g, std::span<const uint8_t> winners, const Pool2dShape& s) {
  check_winners("pool_scatter", s, g.shape(), pool2d_output(s), winners);
  Var<T> dx = g.tape().make("pool_scatter", pool2d_input(s));
  kernels::table<T>().pool_scatter(s, g.data(), winners.data(), dx.data());
  dx.wrt(g, [=](Var<T> dy) { return pool_gather(dy, winners, s); });
  return dx;
}

/// pool_gather(x[N,H,W,C], winners, s) -> [N,OH,OW,C]: the pixel of each window that won, 0 where
/// nobody did. Gradient: dx = pool_scatter(dy), the adjoint of the adjoint. Winners as above.
/// Throws where x is no input of s or there is not one winner for each output.
template <class T>
Var<T> pool_gather(Var<T> x, std::span<const uint8_t> winners, const Pool2dShape& s) {
  check_winners("pool_gather", s, x.shape(), pool2d_input(s), winners);
  Var<T> y = x.tape().make("pool_gather", pool2d_output(s));
  kernels::table<T>().pool_gather(s, x.data(), winners.data(), y.data());
  y.wrt(x, [=](Var<T> dy) { return pool_scatter(dy, winners, s); });
  return y;
}

/// For the cards: winners that go through the places of the window, those in the padding and nobody
/// included.
template <class T> std::span<const uint8_t> some_winners(Tape<T>& tape, const Pool2dShape& s) {
  const std::span<uint8_t> winners = tape.template keep<uint8_t>(s.y_size());
  for (int64_t out = 0; out < s.y_size(); ++out) {
    winners[std::size_t(out)] = uint8_t(out * 5 / 3 % (s.kh * s.kw + 1));
  }
  return winners;
}

TALWEG_OP_CARD(pool_scatter) {
  card.formula("y = 0; y[n, p s + i - pad, q s + j - pad, c] += g[n,p,q,c], (i, j) the winner");
  card.rule("dg = pool_gather(dy, winners)");
  card.shapes("g [N,OH,OW,C], a byte of winner for each -> [N,H,W,C]");
  card.source("the adjoint of pool_gather");
  const auto f = [](Pool2dShape s) {
    return [=](auto x) { return pool_scatter(x[0], some_winners(x[0].tape(), s), s); };
  };
  card.check("2x2, a rest", {{2, 2, 3, 5}}, f({2, 5, 7, 5, 2, 2, 2, 2}));
  card.check("2x1", {{1, 3, 2, 17}}, f({1, 6, 2, 17, 2, 1, 2, 1}));
  card.check("overlapping, padded", {{2, 3, 4, 2}}, f({2, 5, 4, 2, 3, 3, 2, 1, 1, 1}));
  card.check("gaps", {{1, 2, 2, 3}}, f({1, 5, 6, 3, 2, 2, 3, 3}));
  card.check("one", {{1, 1, 1, 1}}, f({1, 1, 1, 1, 1, 1, 1, 1}));
  card.check("no image", {{0, 2, 2, 3}}, f({0, 4, 4, 3, 2, 2, 2, 2}));
  card.point("nobody receives nothing", {{3, 5}},
             []<class T>(std::span<const Var<T>> x) {
               const Pool2dShape s{1, 4, 1, 1, 2, 1, 2, 1};
               const std::array<uint8_t, 2> bytes{1, 4};
               const auto winners = x[0].tape().keep(std::span<const uint8_t>(bytes));
               return reshape(pool_scatter(reshape(x[0], {1, 2, 1, 1}), winners, s), {4});
             },
             {0, 3, 0, 0}, {{1, 0}});
  card.rejects({{1, 2, 2, 3}}, f({1, 4, 6, 3, 2, 2, 2, 2}), "sizes of the forward pass");
  card.rejects(
      {{1, 2, 2, 3}},
      [](auto x) {
        const std::span<const uint8_t> one = x[0].tape().template keep<uint8_t>(1);
        return pool_scatter(x[0], one, {1, 4, 4, 3, 2, 2, 2, 2});
      },
      "need 12 winners, found 1");
  card.bench({{32, 8, 16, 32}}, f({32, 16, 32, 32, 2, 2, 2, 2}));
}

TALWEG_OP_CARD(pool_gather) {
  card.formula("y[n,p,q,c] = x[n, p s + i - pad, q s + j - pad, c], (i, j) the winner");
  card.rule("dx = pool_scatter(dy, winners)");
  card.shapes("x [N,H,W,C], a byte of winner for each output -> [N,OH,OW,C]");
  card.source("the adjoint of pool_scatter");
  const auto f = [](Pool2dShape s) {
    return [=](auto x) { return pool_gather(x[0], some_winners(x[0].tape(), s), s); };
  };
  card.check("2x2, a rest", {{2, 5, 7, 5}}, f({2, 5, 7, 5, 2, 2, 2, 2}));
  card.check("2x1", {{1, 6, 2, 17}}, f({1, 6, 2, 17, 2, 1, 2, 1}));
  card.check("overlapping, padded", {{2, 5, 4, 2}}, f({2, 5, 4, 2, 3, 3, 2, 1, 1, 1}));
  card.check("one", {{1, 1, 1, 1}}, f({1, 1, 1, 1, 1, 1, 1, 1}));
  card.check("no image", {{0, 4, 4, 3}}, f({0, 4, 4, 3, 2, 2, 2, 2}));
  card.rejects({{1, 4, 4, 3}}, f({1, 4, 6, 3, 2, 2, 2, 2}), "sizes of the forward pass");
  card.bench({{32, 16, 32, 32}}, f({32, 16, 32, 32, 2, 2, 2, 2}));
}

// --- max pooling ---

/// Pooling whose windows fit winners of a byte; the rule for max_pool2d.
template <class T> Var<T> max_pool2d_bytes(Var<T> x, const Pool2dShape& s) {
  Tape<T>& tape = x.tape();
  Var<T> y = tape.make("max_pool2d", pool2d_output(s));
  const bool differentiate = tape.recording() && x.needs_grad();
  const auto winners = tape.template keep<uint8_t>(differentiate ? y.size() : 0);
  kernels::table<T>().max_pool(s, x.data(), y.data(), differentiate ? winners.data() : nullptr);
  y.wrt(x, [=](Var<T> dy) { return pool_scatter(dy, std::span<const uint8_t>(winners), s); });
  return y;
}

/// max_pool2d(x[N,H,W,C], kh, kw, stride_h, stride_w, pad) -> [N,OH,OW,C], the largest per window.
/// Padding never wins: only pixels of the image count. Of equal pixels the first in row-major order
/// wins; a NaN in the window wins over all.
///
/// Gradient: dx = pool_scatter(dy, winners), since y is a gather of the winners. They are kept, a
/// byte each, and only where a gradient is recorded. A byte holds the places of a window of 255
/// pixels; a larger one is pooled along its rows and then along its columns, where the first of
/// equals, and the first NaN, is the first of the first row that has it: the same pixel.
///
/// Throws where x is not [N,H,W,C], is smaller than the window, pad is not smaller than the window,
/// or a large window is longer than 255 pixels. Source: Riesenhuber and Poggio 1999.
template <class T>
Var<T> max_pool2d(Var<T> x, int64_t kh, int64_t kw, int64_t stride_h, int64_t stride_w,
                  int64_t pad = 0) {
  const Pool2dShape s = pool2d_shape("max_pool2d", x.shape(), kh, kw, stride_h, stride_w, pad);
  constexpr int64_t most = kernels::kMaxPoolWindow;
  if (kh * kw <= most) return max_pool2d_bytes(x, s);
  expect(kh <= most && kw <= most, "[max_pool2d] a window of ", kh, "x", kw, " is longer than ",
         most, " pixels; pool in two steps");
  Pool2dShape along_rows = s, along_columns = s;
  along_rows.kh = along_rows.stride_h = 1;
  along_rows.pad_h = 0;
  along_columns.w = s.ow();
  along_columns.kw = along_columns.stride_w = 1;
  along_columns.pad_w = 0;
  return max_pool2d_bytes(max_pool2d_bytes(x, along_rows), along_columns);
}

TALWEG_OP_CARD(max_pool2d) {
  card.formula("y[n,p,q,c] = max over the window of x[n, p s + i - pad, q s + j - pad, c]");
  card.rule("dx = pool_scatter(dy, winners)").shapes("x [N,H,W,C] -> [N,OH,OW,C]");
  card.source("Riesenhuber and Poggio 1999; ties go to the first");
  const Domain d = Domain::distinct;
  const auto two = [](auto x) { return max_pool2d(x[0], 2, 2, 2, 2); };
  card.check("2x2", {{{2, 4, 6, 3}, d}}, two).check("a rest is dropped", {{{1, 5, 3, 2}, d}}, two);
  card.check("overlapping, padded", {{{2, 5, 4, 2}, d}},
             [](auto x) { return max_pool2d(x[0], 3, 3, 2, 1, 1); });
  card.check("different per axis", {{{1, 4, 6, 1}, d}},
             [](auto x) { return max_pool2d(x[0], 1, 3, 2, 3); });
  card.check("one", {{1, 1, 1, 1}}, [](auto x) { return max_pool2d(x[0], 1, 1, 1, 1); });
  card.check("no image", {{0, 4, 4, 2}}, two).check("no channel", {{1, 4, 4, 0}}, two);
  card.check("more than 255 pixels, padded", {{{1, 18, 17, 2}, d}},
             [](auto x) { return max_pool2d(x[0], 16, 16, 2, 3, 1); });
  const auto pair = [](auto x) { return max_pool2d(reshape(x[0], {1, 1, 2, 1}), 1, 2, 1, 1); };
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> first_of_256(256, 0.0);
  first_of_256[0] = 1;
  card.point("a tie goes to the first", {{3, 3}}, pair, {3}, {{1, 0}});
  card.point("infinities", {{-inf, inf}}, pair, {inf}, {{0, 1}});
  card.point("all -inf", {{-inf, -inf}}, pair, {-inf}, {{1, 0}});
  card.point("NaN first", {{nan, 7}}, pair, {nan}, {{1, 0}});
  card.point("NaN last", {{7, nan}}, pair, {nan}, {{0, 1}});
  card.point("padding never wins", {{-5}},
             [](auto x) {
               return max_pool2d(reshape(x[0], {1, 1, 1, 1}), 3, 3, 1, 1, 1);
             },
             {-5}, {{1}});
  card.point("ties and NaN of a large window",
             {std::vector<double>(256, 7), std::vector<double>(256, nan)},
             [](auto x) {
               const auto whole = [](auto v) {
                 return reshape(max_pool2d(reshape(v, {1, 2, 128, 1}), 2, 128, 1, 1), {1});
               };
               return add(whole(x[0]), whole(x[1]));
             },
             {nan}, {first_of_256, first_of_256});
  card.rejects({{4, 4, 2}}, two, "must be [N,H,W,C]");
  card.rejects({{1, 1, 4, 2}}, two, "larger than the input");
  card.rejects(
      {{1, 4, 4, 2}}, [](auto x) { return max_pool2d(x[0], int64_t(1) << 62, 2, 2, 2); },
      "below 2^30");
  card.rejects(
      {{1, 4, 4, 2}}, [](auto x) { return max_pool2d(x[0], 2, 2, int64_t(1) << 62, 2); },
      "below 2^30");
  card.rejects(
      {{1, 4, 4, 2}},
      [](auto x) { return max_pool2d(x[0], 1 << 29, 1 << 29, 1, 1, (1 << 29) - 1); },
      "more than memory can hold");
  card.rejects(
      {{1, 1, 300, 1}}, [](auto x) { return max_pool2d(x[0], 1, 256, 1, 1); }, "pool in two steps");
  card.rejects(
      {{1, 4, 4, 2}}, [](auto x) { return max_pool2d(x[0], 2, 2, 0, 2); }, "at least 1");
  card.rejects(
      {{1, 4, 4, 2}}, [](auto x) { return max_pool2d(x[0], 2, 2, 2, 2, 2); },
      "would hold no pixel");
  card.bench({{32, 16, 32, 32}}, two);
}

// --- average pooling ---

template <class T>
Var<T> avg_pool2d_backward(Var<T> g, int64_t input_h, int64_t input_w, int64_t kh, int64_t kw,
                           int64_t stride_h, int64_t stride_w, int64_t pad = 0);

/// avg_pool2d(x[N,H,W,C], kh, kw, stride_h, stride_w, pad) -> [N,OH,OW,C]: the mean of each window,
///   y[n,p,q,c] = 1/(kh kw) sum over i,j of x[n, p*stride + i - pad, q*stride + j - pad, c],
/// where padding counts as zeros: the divisor is kh kw at the border too.
/// Gradient: dx = avg_pool2d_backward(dy), the adjoint: y is linear in x.
/// Throws where x is not [N,H,W,C] or is smaller than the window, or pad >= window.
/// Source: LeCun et al. 1998, section II.
template <class T>
Var<T> avg_pool2d(Var<T> x, int64_t kh, int64_t kw, int64_t stride_h, int64_t stride_w,
                  int64_t pad = 0) {
  const Pool2dShape s = pool2d_shape("avg_pool2d", x.shape(), kh, kw, stride_h, stride_w, pad);
  Var<T> y = x.tape().make("avg_pool2d", pool2d_output(s));
  kernels::table<T>().avg_pool(s, x.data(), y.data());
  y.wrt(x, [=](Var<T> dy) {
    return avg_pool2d_backward(dy, s.h, s.w, s.kh, s.kw, s.stride_h, s.stride_w, s.pad_h);
  });
  return y;
}

TALWEG_OP_CARD(avg_pool2d) {
  card.formula("y[n,p,q,c] = 1/(kh kw) sum over the window of x, padding counted as zeros");
  card.rule("dx = avg_pool2d_backward(dy)").shapes("x [N,H,W,C] -> [N,OH,OW,C]");
  card.source("LeCun et al. 1998, sec. II");
  const auto two = [](auto x) { return avg_pool2d(x[0], 2, 2, 2, 2); };
  card.check("2x2", {{2, 4, 6, 3}}, two).check("a rest is dropped", {{1, 5, 3, 2}}, two);
  card.check("overlapping, padded", {{2, 5, 4, 2}},
             [](auto x) { return avg_pool2d(x[0], 3, 3, 2, 1, 1); });
  card.check("one", {{1, 1, 1, 1}}, [](auto x) { return avg_pool2d(x[0], 1, 1, 1, 1); });
  card.check("no image", {{0, 4, 4, 2}}, two).check("no channel", {{1, 4, 4, 0}}, two);
  card.point("padding counts as zeros", {{9}},
             [](auto x) {
               return avg_pool2d(reshape(x[0], {1, 1, 1, 1}), 3, 3, 1, 1, 1);
             },
             {1}, {{1.0 / 9}});
  card.rejects({{4, 4}}, two, "must be [N,H,W,C]");
  card.rejects({{1, 4, 1, 2}}, two, "larger than the input");
  card.bench({{32, 16, 32, 32}}, two);
}

/// avg_pool2d_backward(g[N,OH,OW,C], H, W, ...) -> [N,H,W,C]: each g, divided by kh kw, added to
/// every pixel of its window; the adjoint of avg_pool2d. The input's size is an argument, since
/// several sizes give the same OH x OW. Gradient: dg = avg_pool2d(dy), the adjoint of the adjoint.
/// Throws where g is not what avg_pool2d would give for that size.
template <class T>
Var<T> avg_pool2d_backward(Var<T> g, int64_t input_h, int64_t input_w, int64_t kh, int64_t kw,
                           int64_t stride_h, int64_t stride_w, int64_t pad) {
  constexpr const char* op = "avg_pool2d_backward";
  expect(g.shape().rank() == 4, "[", op, "] the output's gradient must be [N,OH,OW,C], found ",
         g.shape(), "; reshape it to four axes");
  const Shape input{g.shape()[0], input_h, input_w, g.shape()[3]};
  const Pool2dShape s = pool2d_shape(op, input, kh, kw, stride_h, stride_w, pad);
  expect(g.shape() == pool2d_output(s), "[", op, "] an input ", input, " has an output ",
         pool2d_output(s), ", but the gradient given is ", g.shape(),
         "; pass the sizes of the forward pass");
  Var<T> dx = g.tape().make(op, input);
  kernels::table<T>().avg_pool_backward(s, g.data(), dx.data());
  dx.wrt(g, [=](Var<T> dy) { return avg_pool2d(dy, s.kh, s.kw, s.stride_h, s.stride_w, s.pad_h); });
  return dx;
}

TALWEG_OP_CARD(avg_pool2d_backward) {
  card.formula("y[n,h,w,c] = 1/(kh kw) sum of g over the windows that hold pixel (h, w)");
  card.rule("dg = avg_pool2d(dy)").shapes("g [N,OH,OW,C], H, W -> [N,H,W,C]");
  card.source("the adjoint of avg_pool2d");
  card.check("a rest is dropped", {{1, 2, 1, 2}},
             [](auto x) { return avg_pool2d_backward(x[0], 5, 3, 2, 2, 2, 2); });
  card.check("overlapping, padded", {{2, 3, 4, 2}},
             [](auto x) { return avg_pool2d_backward(x[0], 5, 4, 3, 3, 2, 1, 1); });
  card.check("one", {{1, 1, 1, 1}},
             [](auto x) { return avg_pool2d_backward(x[0], 1, 1, 1, 1, 1, 1); });
  const auto four = [](auto x) { return avg_pool2d_backward(x[0], 4, 4, 2, 2, 2, 2); };
  card.check("no image", {{0, 2, 2, 3}}, four);
  card.rejects({{1, 3, 2, 1}}, four, "sizes of the forward pass");
  card.rejects({{2, 2}}, four, "must be [N,OH,OW,C]");
  card.bench({{32, 8, 16, 32}},
             [](auto x) { return avg_pool2d_backward(x[0], 16, 32, 2, 2, 2, 2); });
}

}  // namespace talweg
