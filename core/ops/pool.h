// Pooling: the largest element, or the mean, of each window of an image.
//
// Windows of KH x KW pixels stand `stride` apart, the first one `pad` pixels before the image;
// sizes that do not divide are floored, OH = floor((H + 2 pad - KH) / stride) + 1, so that a rest
// at the end is not read. Images are [N,H,W,C] (channels last); the inner loops run over channels.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>

#include "core/ops/select.h"
#include "core/parallel.h"

namespace talweg {

/// Geometry of pooling: an image, a window, and how it moves.
struct Pool2dShape {
  int64_t n, h, w, c, kh, kw, stride_h, stride_w, pad;

  int64_t oh() const { return (h + 2 * pad - kh) / stride_h + 1; }
  int64_t ow() const { return (w + 2 * pad - kw) / stride_w + 1; }
  Shape input() const { return {n, h, w, c}; }
  Shape output() const { return {n, oh(), ow(), c}; }
};

inline Pool2dShape pool2d_shape(const char* op, const Shape& x, int64_t kh, int64_t kw,
                                int64_t stride_h, int64_t stride_w, int64_t pad) {
  expect(x.rank() == 4, "[", op, "] the input must be [N,H,W,C], found ", x,
         "; reshape it to four axes");
  expect(kh >= 1 && kw >= 1 && stride_h >= 1 && stride_w >= 1, "[", op, "] window ", kh, "x", kw,
         " and stride ", stride_h, "x", stride_w, " must be at least 1");
  expect(pad >= 0 && pad < kh && pad < kw, "[", op, "] padding ", pad,
         " must be at least 0 and smaller ", "than the window ", kh, "x", kw,
         ", or a window would hold no pixel");
  expect(kh <= x[1] + 2 * pad && kw <= x[2] + 2 * pad && x[1] > 0 && x[2] > 0, "[", op, "] window ",
         kh, "x", kw, " is larger than the input ", x, " with padding ", pad,
         "; pool less or pad more");
  return {x[0], x[1], x[2], x[3], kh, kw, stride_h, stride_w, pad};
}

/// Calls tap(pixel) for every pixel of the window at output position (p, q) that lies inside the
/// image, in row-major order; `pixel` is its flat index i * W + j.
template <class Tap> void for_each_tap(const Pool2dShape& s, int64_t p, int64_t q, Tap tap) {
  const int64_t top = p * s.stride_h - s.pad, left = q * s.stride_w - s.pad;
  const int64_t bottom = std::min(top + s.kh, s.h), right = std::min(left + s.kw, s.w);
  for (int64_t i = std::max<int64_t>(top, 0); i < bottom; ++i) {
    for (int64_t j = std::max<int64_t>(left, 0); j < right; ++j) tap(i * s.w + j);
  }
}

/// Elements from which several threads pay.
inline constexpr int64_t kPoolThreads = 1 << 15;

// --- max pooling ---

/// True where v takes the place of the largest so far: it is larger, or the first NaN.
template <class T> bool takes_over(T v, T best) { return !(v <= best) & (best == best); }

/// best = max(best, v) for each channel, without branches, so that it becomes vector code.
template <class T> void take_larger(int64_t channels, const T* __restrict v, T* __restrict best) {
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) best[c] = takes_over(v[c], best[c]) ? v[c] : best[c];
}

/// The same, noting in `winner` the flat index of what was taken; v[0] stands at index `at`.
template <class T>
void take_larger(int64_t channels, const T* __restrict v, int32_t at, T* __restrict best,
                 int32_t* __restrict winner) {
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
    const bool take = takes_over(v[c], best[c]);
    best[c] = take ? v[c] : best[c];
    winner[c] = take ? at + int32_t(c) : winner[c];
  }
}

/// One output position of max pooling; `image` stands at flat index `base` of x. `winner` may be
/// null.
template <class T>
void max_pool_window(const Pool2dShape& s, const T* image, int64_t base, int64_t p, int64_t q,
                     T* best, int32_t* winner) {
  bool first = true;
  for_each_tap(s, p, q, [&](int64_t pixel) {
    const T* v = image + pixel * s.c;
    const int32_t at = int32_t(base + pixel * s.c);
    if (std::exchange(first, false)) {
      std::copy_n(v, s.c, best);
      for (int64_t c = 0; winner && c < s.c; ++c) winner[c] = at + int32_t(c);
    } else if (winner) {
      take_larger(s.c, v, at, best, winner);
    } else {
      take_larger(s.c, v, best);
    }
  });
}

/// scatter_add for winners: those of an image lie in that image, so images run on all threads and
/// each is summed in order. The same bits for any number of threads.
template <class T>
Var<T> scatter_winners(const Pool2dShape& s, Var<T> g, std::span<const int32_t> winners) {
  Var<T> dx = g.tape().make("max_pool2d_gradient", s.input());
  const int64_t in = s.h * s.w * s.c, out = s.oh() * s.ow() * s.c;
  const T* from = g.data();
  T* to = dx.data();
  parallel_for(s.n, s.n * in >= kPoolThreads, [=](int64_t n) {
    std::fill_n(to + n * in, in, T(0));
    for (int64_t i = n * out; i < (n + 1) * out; ++i) to[winners[std::size_t(i)]] += from[i];
  });
  return dx;
}

/// max_pool2d(x[N,H,W,C], kh, kw, stride_h, stride_w, pad) -> [N,OH,OW,C], the largest per window.
/// Padding never wins: only pixels of the image count. Of equal pixels the first in row-major order
/// wins; a NaN in the window wins over all.
///
/// Gradient: dx = scatter_add(dy, winners), since y is a gather of the winners. Their indices are
/// kept, and only where a gradient is recorded.
///
/// Throws where x is not [N,H,W,C], holds 2^31 elements, is smaller than the window, or pad is not
/// smaller than the window. Source: Riesenhuber and Poggio 1999.
template <class T>
Var<T> max_pool2d(Var<T> x, int64_t kh, int64_t kw, int64_t stride_h, int64_t stride_w,
                  int64_t pad = 0) {
  const Pool2dShape s = pool2d_shape("max_pool2d", x.shape(), kh, kw, stride_h, stride_w, pad);
  check_indexable("max_pool2d", x.shape());
  Tape<T>& tape = x.tape();
  Var<T> y = tape.make("max_pool2d", s.output());
  const bool differentiate = tape.recording() && x.needs_grad();
  const auto winners = tape.template keep<int32_t>(differentiate ? y.size() : 0);
  const T* from = x.data();
  T* to = y.data();
  const int64_t image = s.h * s.w * s.c, oh = s.oh(), ow = s.ow();
  parallel_for(s.n * oh, x.size() >= kPoolThreads, [=](int64_t row) {
    const int64_t n = row / oh, p = row % oh;
    for (int64_t q = 0; q < ow; ++q) {
      const int64_t at = (row * ow + q) * s.c;
      max_pool_window(s, from + n * image, n * image, p, q, to + at,
                      differentiate ? winners.data() + at : nullptr);
    }
  });
  y.wrt(x, [=](Var<T> dy) {
    if (dy.tape().recording()) return scatter_add(dy, KeptIndices{winners}, s.input());
    return scatter_winners(s, dy, winners);
  });
  return y;
}

TALWEG_OP_CARD(max_pool2d) {
  card.formula("y[n,p,q,c] = max over the window of x[n, p s + i - pad, q s + j - pad, c]");
  card.rule("dx = scatter_add(dy, winners)").shapes("x [N,H,W,C] -> [N,OH,OW,C]");
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
  const auto pair = [](auto x) { return max_pool2d(reshape(x[0], {1, 1, 2, 1}), 1, 2, 1, 1); };
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
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
  card.rejects({{4, 4, 2}}, two, "must be [N,H,W,C]");
  card.rejects({{1, 1, 4, 2}}, two, "larger than the input");
  card.rejects(
      {{1, 4, 4, 2}}, [](auto x) { return max_pool2d(x[0], 2, 2, 0, 2); }, "at least 1");
  card.rejects(
      {{1, 4, 4, 2}}, [](auto x) { return max_pool2d(x[0], 2, 2, 2, 2, 2); },
      "would hold no pixel");
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
  Var<T> y = x.tape().make("avg_pool2d", s.output());
  const T* from = x.data();
  T* to = y.data();
  const int64_t image = s.h * s.w * s.c, oh = s.oh(), ow = s.ow();
  const T share = T(1) / T(kh * kw);
  parallel_for(s.n * oh, x.size() >= kPoolThreads, [=](int64_t row) {
    for (int64_t q = 0; q < ow; ++q) {
      T* __restrict mean = to + (row * ow + q) * s.c;
      std::fill_n(mean, s.c, T(0));
      for_each_tap(s, row % oh, q, [=](int64_t pixel) {
        const T* v = from + row / oh * image + pixel * s.c;
#pragma omp simd
        for (int64_t c = 0; c < s.c; ++c) mean[c] += share * v[c];
      });
    }
  });
  y.wrt(x, [=](Var<T> dy) {
    return avg_pool2d_backward(dy, s.h, s.w, s.kh, s.kw, s.stride_h, s.stride_w, s.pad);
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
  expect(g.shape() == s.output(), "[", op, "] an input ", input, " has an output ", s.output(),
         ", but the gradient given is ", g.shape(), "; pass the sizes of the forward pass");
  Var<T> dx = g.tape().make(op, input);
  const T* from = g.data();
  T* to = dx.data();
  const int64_t image = s.h * s.w * s.c, oh = s.oh(), ow = s.ow();
  const T share = T(1) / T(kh * kw);
  parallel_for(s.n, dx.size() >= kPoolThreads, [=](int64_t n) {
    std::fill_n(to + n * image, image, T(0));
    for (int64_t at = 0; at < oh * ow; ++at) {
      const T* v = from + (n * oh * ow + at) * s.c;
      for_each_tap(s, at / ow, at % ow, [=](int64_t pixel) {
        T* __restrict sum = to + n * image + pixel * s.c;
#pragma omp simd
        for (int64_t c = 0; c < s.c; ++c) sum[c] += share * v[c];
      });
    }
  });
  dx.wrt(g, [=](Var<T> dy) { return avg_pool2d(dy, s.kh, s.kw, s.stride_h, s.stride_w, s.pad); });
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
}

}  // namespace talweg
