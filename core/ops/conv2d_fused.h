// Convolution fused with what follows it in a network: bias, ReLU, max-pooling.
//
//   s = conv2d(x, w) + b,   y = pool(relu(s))
//
// The kernel does all of it while a sum is in the cache (kernels::Conv2dEpilogue), so that s is
// never stored. Its gradient is still one node of the tape, a waypoint, where three rules begin:
//
//   ds = dy where y > 0, or dy scattered to the pixels that won their windows
//   dx = conv2d_backward_data(ds, w)
//   dw = conv2d_backward_weights(x, ds)
//   db = sum over pixels of ds
//
// All four are ops, and so the gradient can be differentiated again. What is kept for them is y
// and, with a pool, one byte for each of its elements: which pixel won, or that ReLU left nothing.
#pragma once

#include "core/ops/broadcast.h"
#include "core/ops/conv2d.h"
#include "core/ops/elementwise.h"
#include "core/ops/pool.h"

namespace talweg {

/// What follows a convolution, in this order. Windows stand side by side and hold 1x1 (no pool) to
/// 2x2 pixels; a rest of rows or columns is dropped.
struct Conv2dThen {
  bool relu = false;
  int64_t pool_h = 1, pool_w = 1;

  bool pools() const { return pool_h * pool_w > 1; }
  bool changes_sums() const { return relu || pools(); }
  const char* op() const {
    if (pools()) return relu ? "conv_bias_relu_pool" : "conv_bias_pool";
    return relu ? "conv_bias_relu" : "conv_bias";
  }
};

/// Can the kernels pool windows of this size behind a convolution?
inline bool can_fuse_pool(int64_t pool_h, int64_t pool_w) {
  return 1 <= pool_h && pool_h <= 2 && 1 <= pool_w && pool_w <= 2;
}

/// Throws where the bias or the pool does not fit the convolution's output.
inline void check_conv2d_then(const char* op, const kernels::Conv2dShape& s, const Shape* bias,
                              const Conv2dThen& then) {
  expect(!bias || *bias == Shape{s.k}, "[", op, "] the bias must hold one number for each of ",
         "the weight's ", s.k, " output channels, expected ", Shape{s.k}, ", found ",
         bias ? *bias : Shape{});
  expect(can_fuse_pool(then.pool_h, then.pool_w), "[", op, "] a pool of ", then.pool_h, "x",
         then.pool_w, " can't be fused, only 1x1 to 2x2; use conv_bias_relu and max_pool2d");
  expect(then.pool_h <= s.oh() && then.pool_w <= s.ow(), "[", op, "] a pool of ", then.pool_h, "x",
         then.pool_w, " does not fit the convolution's output ", conv2d_output(s),
         "; pool less or pad more");
}

/// The forward pass into y and, unless null, one winner for each element of y.
template <class T>
void run_conv2d_then(const char* op, const kernels::Conv2dShape& s, const Conv2dOptions& options,
                     Var<T> x, Var<T> w, const kernels::Conv2dEpilogue<T>& then, Var<T> y) {
  if (y.size() == 0) return;
  if (x.size() == 0 || w.size() == 0) {  // sums of nothing: the plain loops know what follows
    kernels::reference<T>().conv2d(s, kernels::Conv2dAlgo::direct, x.data(), w.data(), then,
                                   y.data(), nullptr);
    return;
  }
  const auto face = kernels::Conv2dFace::forward;
  auto algo = resolve_algo(op, options, s, face);
  if (then.pools() && algo == kernels::Conv2dAlgo::row4) algo = kernels::Conv2dAlgo::direct;
  const PackedWeights<T> packed(s, algo, face, w);
  const Scratch<T> scratch(y.tape(), kernels::table<T>().conv2d_scratch(s, algo, face));
  kernels::table<T>().conv2d(s, algo, x.data(), packed.data(), then, y.data(), scratch.data());
}

/// conv2d and what follows: what the ops below share. `b` may be a Var that was never given a value:
/// no bias.
template <class T>
Var<T> conv2d_then(Var<T> x, Var<T> w, Var<T> b, const Conv2dOptions& options,
                   const Conv2dThen& then) {
  const char* op = then.op();
  Tape<T>& tape = b ? common_tape(op, x, w, b) : common_tape(op, x, w);
  const auto s = conv2d_shape(op, x.shape(), w.shape(), options);
  const Shape bias_shape = b ? b.shape() : Shape{};
  check_conv2d_then(op, s, b ? &bias_shape : nullptr, then);
  const Shape sums_shape = conv2d_output(s);
  const Shape out{s.n, s.oh() / then.pool_h, s.ow() / then.pool_w, s.k};

  // Where y is the sums themselves, their gradients begin at y; else at a node in front of it.
  const Var<T> before = then.changes_sums() ? tape.waypoint("conv2d_sums", sums_shape) : Var<T>();
  const Var<T> y = tape.make(op, out);
  const Var<T> sums = before ? before : y;
  const auto run = [&](std::span<uint8_t> winners) {
    run_conv2d_then(op, s, options, x, w,
                    {.bias = b ? b.data() : nullptr,
                     .relu = then.relu,
                     .pool_h = then.pool_h,
                     .pool_w = then.pool_w,
                     .winner = winners.empty() ? nullptr : winners.data()},
                    y);
  };
  if (!before) run({});  // a value is written before rules are named
  sums.wrt(x, [=](Var<T> ds) { return conv2d_backward_data(ds, w, s.h, s.w, options); });
  sums.wrt(w, [=](Var<T> ds) { return conv2d_backward_weights(x, ds, s.kh, s.kw, options); });
  if (b) sums.wrt(b, [=](Var<T> ds) { return sum_to(ds, bias_shape); });
  if (!before) return y;

  const bool differentiate = tape.recording() && sums.needs_grad() && then.pools();
  const std::span<uint8_t> winners = tape.template keep<uint8_t>(differentiate ? y.size() : 0);
  run(winners);
  if (then.pools()) {
    const Pool2dShape pool =
        pool2d_shape(op, sums_shape, then.pool_h, then.pool_w, then.pool_h, then.pool_w);
    y.wrt(sums,
          [=](Var<T> dy) { return pool_scatter(dy, std::span<const uint8_t>(winners), pool); });
  } else {
    // Which of y are positive does not change with x, almost everywhere: y counts as a constant.
    y.wrt(sums, [=](Var<T> dy) { return mask_positive(y.detach(), dy); });
  }
  return y;
}

/// conv_bias(x[N,H,W,C], w[K,KH,KW,C], b[K]) -> [N,OH,OW,K]: y = conv2d(x, w) + b, the bias added
/// where the sums are stored. Gradient: conv2d's, and db = sum of dy over pixels. `b` may be left
/// empty (Var{}). Throws as conv2d does, and where b is not [K].
template <class T>
Var<T> conv_bias(Var<T> x, Var<T> w, Var<T> b, const Conv2dOptions& options = {}) {
  return conv2d_then(x, w, b, options, {});
}

TALWEG_OP_CARD(conv_bias) {
  card.formula("y = conv2d(x, w) + b");
  card.rule("dx, dw as conv2d, db = sum over pixels of dy");
  card.shapes("x [N,H,W,C], w [K,KH,KW,C], b [K] -> [N,OH,OW,K]");
  card.source("Dumoulin and Visin 2016, rel. 6");
  const auto f = [](auto x) { return conv_bias(x[0], x[1], x[2]); };
  card.check("3x3", {{2, 5, 4, 2}, {3, 3, 3, 2}, {3}}, f);
  card.check("all options, different per axis", {{1, 5, 6, 2}, {2, 2, 3, 2}, {2}}, [](auto x) {
    return conv_bias(x[0], x[1], x[2], {2, 1, 1, 2, 2, 1});
  });
  card.check("no bias", {{1, 4, 3, 2}, {2, 3, 3, 2}},
             [](auto x) { return conv_bias(x[0], x[1], {}, Conv2dOptions::same(3, 3)); });
  card.check("one", {{1, 1, 1, 1}, {1, 1, 1, 1}, {1}}, f);
  card.check("no image", {{0, 3, 3, 2}, {2, 3, 3, 2}, {2}}, f);
  card.check("no channels, so b alone", {{1, 3, 3, 0}, {2, 2, 2, 0}, {2}}, f);
  card.rejects({{1, 5, 5, 2}, {3, 3, 3, 2}, {2}}, f, "must hold one number for each");
  card.rejects({{1, 5, 5, 2}, {3, 3, 3, 2}, {1, 3}}, f, "expected [3], found [1,3]");
  card.rejects({{8, 3, 32, 32}, {16, 3, 3, 4}, {16}}, f, "did you swap layouts?");
  card.bench({{8, 16, 32, 16}, {32, 3, 3, 16}, {32}},
             [](auto x) { return conv_bias(x[0], x[1], x[2], Conv2dOptions::same(3, 3)); });
}

/// conv_bias_relu(x, w, b) -> [N,OH,OW,K]: y = max(conv2d(x, w) + b, 0).
/// Gradient: ds = dy where y > 0, else 0; then conv_bias's, from ds. `b` may be left empty.
/// Throws as conv_bias does.
template <class T>
Var<T> conv_bias_relu(Var<T> x, Var<T> w, Var<T> b, const Conv2dOptions& options = {}) {
  return conv2d_then(x, w, b, options, {.relu = true});
}

/// conv_bias_relu_pool(x, w, b, options, PH, PW) -> [N,OH/PH,OW/PW,K]: the largest of each window
/// of PH x PW pixels (1x1 to 2x2, side by side) of conv_bias_relu(x, w, b). Of equal pixels the
/// first wins, a NaN over all, and nobody where ReLU left 0.
/// Gradient: ds = pool_scatter(dy, winners); then conv_bias's, from ds. `b` may be left empty.
/// Throws as conv_bias does, and where the window is another or larger than the output.
template <class T>
Var<T> conv_bias_relu_pool(Var<T> x, Var<T> w, Var<T> b, const Conv2dOptions& options = {},
                           int64_t pool_h = 2, int64_t pool_w = 2) {
  return conv2d_then(x, w, b, options, {.relu = true, .pool_h = pool_h, .pool_w = pool_w});
}

// --- for the cards: inputs away from kinks ---
//
// Differences fail where a sum is near ReLU's kink, or two of a window near each other. So the
// cards' small random numbers are added to fixed ones, for which each sum is an integer plus 0.2,
// 0.4, 0.6 or 0.8, another one for each pixel of a window: the weights are -1, 0 or 1, and so is
// the image but for its last channel, which holds the fraction and is read by one tap alone.

inline constexpr double kNearby = 2e-3;  // times a number in [-0.9, 0.9], summed over the window

template <class T, class Fixed> Var<T> near_fixed(Var<T> u, const Fixed& fixed) {
  Var<T> v = u.tape().make("constant", u.shape());
  for (int64_t i = 0; i < v.size(); ++i) v.data()[i] = T(fixed(i));
  return add(v, scale(u, T(kNearby)));
}
template <class T> Var<T> kink_free_image(Var<T> u) {
  const int64_t c = u.shape()[3], w = u.shape()[2], h = u.shape()[1];
  return near_fixed(u, [=](int64_t i) {
    const int64_t pixel = i / c, place = 2 * (pixel / w % h % 2) + pixel % w % 2;
    return i % c == c - 1 ? 0.2 * double(place + 1) : double((5 * i + i / 7) % 3 - 1);
  });
}
template <class T> Var<T> kink_free_weight(Var<T> u) {
  const int64_t c = u.shape()[3], kw = u.shape()[2], kh = u.shape()[1];
  return near_fixed(u, [=](int64_t i) {
    const int64_t tap = i / c % (kh * kw), middle = (kh - 1) / 2 * kw + (kw - 1) / 2;
    return i % c == c - 1 ? double(tap == middle) : double((7 * i + i / 5) % 3 - 1);
  });
}

/// op(x, w, b) of such inputs, b empty where there are two; large, for derivatives near 1.
template <class T, class Op> Var<T> kink_free(std::span<const Var<T>> in, const Op& op) {
  const Var<T> b = in.size() > 2 ? scale(in[2], T(kNearby)) : Var<T>();
  return scale(op(kink_free_image(in[0]), kink_free_weight(in[1]), b), T(1e3));
}

/// A convolution 1x1 with weight 1 and no bias, so that y is what follows the numbers of x, a row.
template <class T> Var<T> row_after_relu(Var<T> x, int64_t pool_w) {
  const Var<T> one = x.tape().full({1, 1, 1, 1}, T(1));
  const Var<T> row = reshape(x, {1, 1, x.size(), 1});
  const Var<T> y =
      pool_w > 1 ? conv_bias_relu_pool(row, one, {}, {}, 1, pool_w) : conv_bias_relu(row, one, {});
  return reshape(y, {y.size()});
}

TALWEG_OP_CARD(conv_bias_relu) {
  card.formula("y = max(conv2d(x, w) + b, 0)");
  card.rule("ds = y > 0 ? dy : 0; dx, dw as conv2d from ds, db = sum over pixels of ds");
  card.shapes("x [N,H,W,C], w [K,KH,KW,C], b [K] -> [N,OH,OW,K]");
  card.source("Dumoulin and Visin 2016; Nair and Hinton 2010");
  const Domain d = Domain::unit;
  const auto relu_with = [](Conv2dOptions o) {
    return [=](auto x) { return kink_free(x, [=](auto... v) { return conv_bias_relu(v..., o); }); };
  };
  const auto f = relu_with({});
  card.check("3x3", {{{2, 5, 4, 2}, d}, {{3, 3, 3, 2}, d}, {{3}, d}}, f);
  card.check("3x3 same, no bias", {{{1, 4, 3, 2}, d}, {{2, 3, 3, 2}, d}},
             relu_with(Conv2dOptions::same(3, 3)));
  card.check("strided", {{{1, 6, 7, 3}, d}, {{2, 3, 2, 3}, d}, {{2}, d}},
             relu_with(Conv2dOptions::square(2)));
  card.check("one", {{{1, 1, 1, 1}, d}, {{1, 1, 1, 1}, d}, {{1}, d}}, f);
  card.check("no image", {{{0, 3, 3, 2}, d}, {{2, 3, 3, 2}, d}, {{2}, d}}, f);
  const double inf = std::numeric_limits<double>::infinity();
  card.point("kink and infinities", {{0, -inf, inf, -2, 3}},
             [](auto x) { return row_after_relu(x[0], 1); }, {0, 0, inf, 0, 3}, {{0, 0, 1, 0, 1}});
  card.point("no channels, so b alone", {{-1, 0, 2}},
             [](auto x) {
               const auto image = x[0].tape().full({1, 1, 1, 0}, 0);
               const auto weight = x[0].tape().full({3, 1, 1, 0}, 0);
               return reshape(conv_bias_relu(image, weight, x[0]), {3});
             },
             {0, 0, 2}, {{0, 0, 1}});
  card.rejects({{1, 5, 5, 2}, {3, 3, 3, 2}, {2}}, f, "must hold one number for each");
  card.rejects({{1, 2, 5, 1}, {1, 3, 3, 1}, {1}}, f, "smaller kernel");
  card.rejects({{1, 5, 5, 2}, {3, 3, 3, 2}, {3}}, relu_with(Conv2dOptions::square(0)),
               "must be at least 1");
  card.rejects({{8, 5, 5, 2}, {1, 3, 3, 2}, {1}}, relu_with(Conv2dOptions::square(1, 1 << 29)),
               "more than memory can hold");
  card.rejects({{1, 5, 5, 2}, {3, 1, 3, 2}, {3}}, relu_with({.algo = ConvAlgo::wino2}),
               "leave the algorithm to automatic");
  card.bench(
      {{{8, 16, 32, 16}, Domain::unit}, {{32, 3, 3, 16}, Domain::unit}, {{32}, Domain::unit}},
      [](auto x) { return conv_bias_relu(x[0], x[1], x[2], Conv2dOptions::same(3, 3)); });
}

TALWEG_OP_CARD(conv_bias_relu_pool) {
  card.formula("y[n,p,q,k] = max over PH x PW pixels of max(conv2d(x, w) + b, 0)");
  card.rule("ds = pool_scatter(dy, winners); dx, dw as conv2d from ds, db = sum of ds");
  card.shapes("x [N,H,W,C], w [K,KH,KW,C], b [K] -> [N,OH/PH,OW/PW,K]");
  card.source("Dumoulin and Visin 2016; Riesenhuber and Poggio 1999; ties go to the first");
  const Domain d = Domain::unit;
  const auto pool = [](int64_t pool_h, int64_t pool_w) {
    const Conv2dOptions o = Conv2dOptions::same(3, 3);
    return [=](auto x) {
      return kink_free(x, [=](auto... v) { return conv_bias_relu_pool(v..., o, pool_h, pool_w); });
    };
  };
  card.check("2x2", {{{2, 4, 6, 2}, d}, {{3, 3, 3, 2}, d}, {{3}, d}}, pool(2, 2));
  card.check("2x2, a rest is dropped", {{{1, 5, 3, 2}, d}, {{17, 3, 3, 2}, d}, {{17}, d}},
             pool(2, 2));
  card.check("2x1, no bias", {{{1, 4, 3, 2}, d}, {{2, 3, 3, 2}, d}}, pool(2, 1));
  for (const ConvAlgo algo : {ConvAlgo::wino2, ConvAlgo::wino4}) {
    const Conv2dOptions o{.pad_h = 1, .pad_w = 1, .algo = algo};
    card.check(message("2x2, ", conv_algo_name(algo)),
               {{{1, 7, 6, 2}, d}, {{5, 3, 3, 2}, d}, {{5}, d}}, [=](auto x) {
                 return kink_free(x, [=](auto... v) { return conv_bias_relu_pool(v..., o); });
               });
  }
  card.check("1x2", {{{1, 3, 4, 3}, d}, {{2, 3, 3, 3}, d}, {{2}, d}}, pool(1, 2));
  card.check("one", {{{1, 1, 1, 1}, d}, {{1, 1, 1, 1}, d}, {{1}, d}}, pool(1, 1));
  card.check("no image", {{{0, 4, 4, 2}, d}, {{2, 3, 3, 2}, d}, {{2}, d}}, pool(2, 2));
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto pairs = [](auto x) { return row_after_relu(x[0], 2); };
  card.point("ties, the kink, nobody", {{3, 3, 0, 0, -1, -2, 5, -1}}, pairs, {3, 0, 0, 5},
             {{1, 0, 0, 0, 0, 0, 1, 0}});
  card.point("infinities and NaN", {{-inf, inf, nan, 7, 7, nan, -inf, -inf}}, pairs,
             {inf, nan, nan, 0}, {{0, 1, 1, 0, 0, 1, 0, 0}});
  card.rejects({{1, 4, 4, 2}, {3, 3, 3, 2}, {2}}, pool(2, 2), "must hold one number for each");
  card.rejects({{1, 1, 4, 2}, {3, 3, 3, 2}, {3}}, pool(2, 2), "does not fit");
  card.rejects({{1, 4, 4, 2}, {3, 3, 3, 2}, {3}}, pool(3, 1), "can't be fused");
  card.rejects({{1, 4, 4, 2}, {3, 3, 3, 2}, {3}}, pool(2, 0), "can't be fused");
  card.rejects({{1, 4, 4, 2}, {3, 3, 3, 2}, {3}}, pool(int64_t(1) << 62, 1), "can't be fused");
  card.rejects({{1, 0, 4, 1}, {1, 3, 3, 1}, {1}}, pool(1, 2), "smaller kernel");
  card.bench(
      {{{8, 16, 32, 16}, Domain::unit}, {{32, 3, 3, 16}, Domain::unit}, {{32}, Domain::unit}},
      [](auto x) { return conv_bias_relu_pool(x[0], x[1], x[2], Conv2dOptions::same(3, 3)); });
}

}  // namespace talweg
