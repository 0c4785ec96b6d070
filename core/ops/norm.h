// Normalisation: batch_norm over all axes but the last while training, normalize_with its form for
// inference, layer_norm over the last axis.
//
// To the first two, x is a matrix [m, C]: m rows (the product of the leading axes), C channels.
#pragma once

#include <cmath>

#include "core/kernels/kernels.h"
#include "core/ops/common.h"
#include "core/ops/elementwise.h"
#include "core/ops/reduce.h"

namespace talweg {

/// Throws unless x is [..., C] and every one of `parameters`, named by `names`, is [C].
template <class T>
void check_channels(const char* op, Var<T> x, std::initializer_list<Var<T>> parameters,
                    const char* names) {
  expect(x.shape().rank() >= 1, "[", op, "] the input must be [..., C], found a scalar");
  for (Var<T> p : parameters) {
    expect(p.shape() == Shape{x.shape().back()}, "[", op, "] ", names, " must each be [",
           x.shape().back(), "], one number a channel of the input ", x.shape(), ", found ",
           p.shape(), "; are the channels the last axis?");
  }
}

inline void check_eps(const char* op, double eps) {
  expect(eps > 0 && std::isfinite(eps), "[", op, "] eps ", eps,
         " must be positive: it keeps a constant channel finite; 1e-5 is usual");
}

// --- batch_norm ---

/// What batch_norm gives: its output, and the statistics for running averages, plain numbers that
/// live as long as y's node.
template <class T> struct BatchNorm {
  Var<T> y;
  std::span<const T> mean;
  std::span<const T> var;  ///< biased: divided by m, not m - 1
};

/// Per channel: 1 / sqrt(var + eps).
template <class T> T inverse_deviation(T var, T eps) { return 1 / std::sqrt(var + eps); }

/// Standardised input xhat and its scale r = 1 / sqrt(var + eps), in ops: functions of x that can
/// be differentiated on.
template <class T> struct Standardised {
  Var<T> xhat, r;

  Standardised(int64_t m, Var<T> x, T eps) {
    const Shape channels{x.shape().back()};
    const T share = T(1) / T(m);
    const Var<T> centred = sub(x, scale(sum_to(x, channels), share));
    const Var<T> var = scale(sum_to(square(centred), channels), share);
    r = div(x.tape().full(channels, T(1)), sqrt(add_scalar(var, eps)));
    xhat = mul(centred, r);
  }
};

/// The gradient for x written in ops; the formula stands at batch_norm.
template <class T>
Var<T> batch_norm_dx_recorded(int64_t m, Var<T> x, Var<T> gamma, T eps, Var<T> dy) {
  const Standardised<T> s(m, x, eps);
  const Shape channels = gamma.shape();
  const T share = T(1) / T(m);
  const Var<T> mean_dy = scale(sum_to(dy, channels), share);
  const Var<T> mean_dy_xhat = scale(sum_to(mul(dy, s.xhat), channels), share);
  return mul(sub(sub(dy, mean_dy), mul(s.xhat, mean_dy_xhat)), mul(gamma, s.r));
}

/// Sums over rows of dy * xhat, one per channel, from x itself: r (sum dy x - mean sum dy).
template <class T>
void sum_dy_xhat(int64_t m, Var<T> x, Var<T> dy, const T* sum_dy, const BatchNorm<T>& b, T eps,
                 T* out) {
  const int64_t channels = int64_t(b.mean.size());
  kernels::table<T>().col_dot(m, channels, dy.data(), x.data(), out);
  for (int64_t c = 0; c < channels; ++c) {
    out[c] = inverse_deviation(b.var[c], eps) * (out[c] - b.mean[c] * sum_dy[c]);
  }
}

/// The same gradient in three passes over memory: with xhat = r (x - mean) the formula is
/// dx = a x + b dy + d, where b = gamma r, a = -b r mean(dy xhat), d = -b mean(dy) - a mean.
template <class T>
Var<T> batch_norm_dx_fused(int64_t m, Var<T> x, Var<T> gamma, const BatchNorm<T>& norm, T eps,
                           Var<T> dy) {
  const auto& k = kernels::table<T>();
  const int64_t channels = gamma.size();
  Var<T> dx = dy.tape().make("batch_norm_gradient", x.shape());
  Scratch<T> a(dy.tape(), channels), b(dy.tape(), channels), d(dy.tape(), channels);
  k.col_sum(m, channels, dy.data(), d.data());
  sum_dy_xhat(m, x, dy, d.data(), norm, eps, a.data());
  for (int64_t c = 0; c < channels; ++c) {
    const T r = inverse_deviation(norm.var[c], eps);
    b.data()[c] = gamma.data()[c] * r;
    a.data()[c] = -b.data()[c] * r * a.data()[c] / T(m);
    d.data()[c] = -b.data()[c] * d.data()[c] / T(m) - a.data()[c] * norm.mean[c];
  }
  k.col_affine2(m, channels, x.data(), dy.data(), a.data(), b.data(), d.data(), dx.data());
  return dx;
}

/// The gradient for gamma without a record.
template <class T>
Var<T> batch_norm_dgamma_fused(int64_t m, Var<T> x, const BatchNorm<T>& norm, T eps, Var<T> dy) {
  const int64_t channels = int64_t(norm.mean.size());
  Var<T> dgamma = dy.tape().make("batch_norm_gradient", {channels});
  Scratch<T> sum_dy(dy.tape(), channels);
  kernels::table<T>().col_sum(m, channels, dy.data(), sum_dy.data());
  sum_dy_xhat(m, x, dy, sum_dy.data(), norm, eps, dgamma.data());
  return dgamma;
}

/// batch_norm(x[...,C], gamma[C], beta[C], eps): each channel brought to mean 0 and variance 1 over
/// its m rows, then scaled and shifted:
///   mean = 1/m sum x,   var = 1/m sum (x - mean)^2,   r = 1 / sqrt(var + eps),
///   xhat = (x - mean) r,   y = gamma xhat + beta.
/// Gradient: dbeta = sum dy, dgamma = sum dy xhat, and
///   dx = gamma r (dy - mean(dy) - xhat mean(dy xhat)),
/// with means over rows.
///
/// Derivation: let h = gamma dy be the gradient of xhat. Centring passes back u - mean(u) for a
/// gradient u, so with r fixed (x - mean) r gives r (h - mean(h)). But r depends on every x too:
/// dr/dx_j = -r^3 (x_j - mean) / m = -r^2 xhat_j / m, and its gradient is sum_i h_i xhat_i / r;
/// their product adds -r xhat_j mean(h xhat).
///
/// A constant channel gives y = beta and stays finite, since r = 1 / sqrt(eps); so does a single
/// row, whose dx is 0. Throws where gamma or beta is not [C], there is no row, or eps is not
/// positive. Source: Ioffe and Szegedy 2015, algorithm 1 and the equations of section 3.
template <class T>
BatchNorm<T> batch_norm(Var<T> x, Var<T> gamma, Var<T> beta,
                        std::type_identity_t<T> eps = T(1e-5)) {
  Tape<T>& tape = common_tape("batch_norm", x, gamma, beta);
  check_channels("batch_norm", x, {gamma, beta}, "gamma and beta");
  check_eps("batch_norm", eps);
  const int64_t channels = gamma.size(), m = x.shape().size_between(0, x.shape().rank() - 1);
  expect(m > 0, "[batch_norm] the input ", x.shape(), " has no rows to take statistics of; ",
         "use normalize_with for inference");

  const auto& k = kernels::table<T>();
  Var<T> y = tape.make("batch_norm", x.shape());
  const auto mean = tape.template keep<T>(channels), var = tape.template keep<T>(channels);
  k.col_sum(m, channels, x.data(), mean.data());
  for (T& v : mean) v /= T(m);
  k.col_sqdev(m, channels, x.data(), mean.data(), var.data());
  for (T& v : var) v /= T(m);

  Scratch<T> a(tape, channels), b(tape, channels);  // y = a x + b
  for (int64_t c = 0; c < channels; ++c) {
    a.data()[c] = gamma.data()[c] * inverse_deviation(var[c], eps);
    b.data()[c] = beta.data()[c] - mean[c] * a.data()[c];
  }
  k.col_affine(m, channels, x.data(), a.data(), b.data(), y.data());

  const BatchNorm<T> out{y, mean, var};
  y.wrt(x, [=](Var<T> dy) {
    return dy.tape().recording() ? batch_norm_dx_recorded(m, x, gamma, eps, dy)
                                 : batch_norm_dx_fused(m, x, gamma, out, eps, dy);
  });
  y.wrt(gamma, [=](Var<T> dy) {
    if (!dy.tape().recording()) return batch_norm_dgamma_fused(m, x, out, eps, dy);
    return sum_to(mul(dy, Standardised<T>(m, x, eps).xhat), gamma.shape());
  });
  y.wrt(beta, [=](Var<T> dy) { return sum_to(dy, beta.shape()); });
  return out;
}

TALWEG_OP_CARD(batch_norm) {
  card.formula("y = gamma (x - mean) r + beta, r = 1/sqrt(var + eps), mean and var over rows");
  card.rule(
      "dx = gamma r (dy - mean(dy) - xhat mean(dy xhat)), dgamma = sum dy xhat, dbeta = sum dy");
  card.shapes("x [..., C], gamma [C], beta [C] -> [..., C]")
      .source("Ioffe and Szegedy 2015, sec. 3");
  const auto f = [](auto x) { return batch_norm(x[0], x[1], x[2], {0.1}).y; };
  card.check("matrix", {{6, 3}, {3}, {3}}, f).check("image", {{2, 2, 3, 2}, {2}, {2}}, f);
  card.check("usual eps", {{8, 2}, {2}, {2}},
             [](auto x) { return batch_norm(x[0], x[1], x[2]).y; });
  card.check("one channel", {{4, 1}, {1}, {1}}, f);
  card.check("no channels", {{3, 0}, {0}, {0}}, f);
  const auto column = [](auto x) {
    return batch_norm(reshape(x[0], {x[0].size(), 1}), x[1], x[2]).y;
  };
  card.point("one", {{7}, {2}, {3}}, column, {3}, {{0}, {0}, {1}});
  card.point("a constant channel is finite", {{7, 7, 7, 7}, {2}, {3}}, column, {3, 3, 3, 3},
             {{0, 0, 0, 0}, {0}, {4}});
  const auto row = [](auto x) { return batch_norm(reshape(x[0], {1, x[0].size()}), x[1], x[2]).y; };
  card.point("a single row gives beta", {{5, -8}, {2, 1}, {3, 4}}, row, {3, 4},
             {{0, 0}, {0, 0}, {1, 1}});
  card.rejects({{2, 3}, {2}, {3}}, f, "gamma and beta must each be [3]");
  card.rejects({{2, 3}, {3}, {3, 1}}, f, "are the channels the last axis?");
  card.rejects({{0, 3}, {3}, {3}}, f, "has no rows");
  card.rejects(
      {{2, 3}, {3}, {3}}, [](auto x) { return batch_norm(x[0], x[1], x[2], {0}).y; },
      "must be positive");
  card.bench({{32, 8, 16, 64}, {64}, {64}}, f);
}

// --- inference ---

/// channel_affine(x[...,C], a[C], b[C]) = a x + b, one a and b a channel, in one pass over x.
/// Gradient: dx = a dy, da = sum over rows of dy x, db = sum over rows of dy. Throws where a or b
/// is not [C].
template <class T> Var<T> channel_affine(Var<T> x, Var<T> a, Var<T> b) {
  Tape<T>& tape = common_tape("channel_affine", x, a, b);
  check_channels("channel_affine", x, {a, b}, "a and b");
  Var<T> y = tape.make("channel_affine", x.shape());
  const int64_t rows = x.shape().size_between(0, x.shape().rank() - 1);
  kernels::table<T>().col_affine(rows, a.size(), x.data(), a.data(), b.data(), y.data());
  y.wrt(x, [=](Var<T> dy) { return mul(dy, a); });
  y.wrt(a, [=](Var<T> dy) { return sum_to(mul(dy, x), a.shape()); });
  y.wrt(b, [=](Var<T> dy) { return sum_to(dy, b.shape()); });
  return y;
}

TALWEG_OP_CARD(channel_affine) {
  card.formula("y = a x + b")
      .rule("dx = a dy, da = sum over rows of dy x, db = sum over rows of dy");
  card.shapes("x [..., C], a [C], b [C] -> [..., C]").source("product and sum rule");
  const auto f = [](auto x) { return channel_affine(x[0], x[1], x[2]); };
  card.check("image", {{2, 2, 3, 4}, {4}, {4}}, f).check("one", {{1}, {1}, {1}}, f);
  card.check("no rows", {{0, 3}, {3}, {3}}, f).check("no channels", {{2, 0}, {0}, {0}}, f);
  card.rejects({{2, 3}, {3}, {2}}, f, "a and b must each be [3]");
  card.rejects({{}, {1}, {1}}, f, "found a scalar");
  card.bench({{32, 8, 16, 64}, {64}, {64}}, f);
}

/// normalize_with(x[...,C], mean[C], var[C], gamma[C], beta[C], eps): batch_norm with statistics
/// given (running averages), as inference uses it: y = gamma (x - mean) / sqrt(var + eps) + beta,
/// which is a x + b with a = gamma / sqrt(var + eps), b = beta - a mean. Gradients for all five by
/// composition. Throws where a parameter is not [C] or eps is not positive. Source: Ioffe and
/// Szegedy 2015, algorithm 2.
template <class T>
Var<T> normalize_with(Var<T> x, Var<T> mean, Var<T> var, Var<T> gamma, Var<T> beta,
                      std::type_identity_t<T> eps = T(1e-5)) {
  check_channels("normalize_with", x, {mean, var, gamma, beta}, "mean, var, gamma and beta");
  check_eps("normalize_with", eps);
  const Var<T> a = div(gamma, sqrt(add_scalar(var, eps)));
  return channel_affine(x, a, sub(beta, mul(a, mean)));
}

TALWEG_OP_CARD(normalize_with) {
  card.formula("y = gamma (x - mean) / sqrt(var + eps) + beta").rule("composition of ops");
  card.shapes("x [..., C], the others [C] -> [..., C]").source("Ioffe and Szegedy 2015, alg. 2");
  const auto f = [](auto x) { return normalize_with(x[0], x[1], x[2], x[3], x[4]); };
  const Domain p = Domain::positive;
  card.check("matrix", {{4, 3}, {3}, {{3}, p}, {3}, {3}}, f);
  card.check("one", {{1}, {1}, {{1}, p}, {1}, {1}}, f);
  card.check("no rows", {{0, 3}, {3}, {{3}, p}, {3}, {3}}, f);
  card.point("variance 0 is finite", {{7}, {7}, {0}, {2}, {3}}, f, {3}, {});
  card.rejects({{4, 3}, {3}, {2}, {3}, {3}}, f, "must each be [3]");
  card.bench({{32, 8, 16, 64}, {64}, {{64}, p}, {64}, {64}}, f);
}

// --- layer_norm ---

/// layer_norm(x[...,C], gamma[C], beta[C], eps): batch_norm's formula with mean and variance
/// (biased) taken over the C numbers of each row; gamma and beta still one a channel. Gradients by
/// composition. Throws where gamma or beta is not [C], C is 0, or eps is not positive. Source: Ba,
/// Kiros and Hinton 2016, eq. 3 and 4.
template <class T>
Var<T> layer_norm(Var<T> x, Var<T> gamma, Var<T> beta, std::type_identity_t<T> eps = T(1e-5)) {
  check_channels("layer_norm", x, {gamma, beta}, "gamma and beta");
  check_eps("layer_norm", eps);
  const Var<T> centred = sub(x, mean(x, -1, true));
  const Var<T> deviation = sqrt(add_scalar(mean(square(centred), -1, true), eps));
  return channel_affine(div(centred, deviation), gamma, beta);
}

TALWEG_OP_CARD(layer_norm) {
  card.formula("y = gamma (x - mean) / sqrt(var + eps) + beta, mean and var over the last axis");
  card.rule("composition of ops").shapes("x [..., C], gamma [C], beta [C] -> [..., C]");
  card.source("Ba, Kiros and Hinton 2016, eq. 3 and 4");
  const auto f = [](auto x) { return layer_norm(x[0], x[1], x[2], {0.1}); };
  card.check("matrix", {{3, 5}, {5}, {5}}, f).check("three axes", {{2, 2, 3}, {3}, {3}}, f);
  card.check("one row", {{1, 3}, {3}, {3}}, f).check("no rows", {{0, 3}, {3}, {3}}, f);
  card.point("a constant row is finite", {{7, 7}, {2, 2}, {3, 4}}, f, {3, 4},
             {{0, 0}, {0, 0}, {1, 1}});
  card.point("one", {{7}, {2}, {3}}, f, {3}, {{0}, {0}, {1}});
  card.rejects({{2, 3}, {2}, {3}}, f, "must each be [3]");
  card.rejects({{2, 0}, {0}, {0}}, f, "mean");
  card.bench({{1024, 256}, {256}, {256}}, f);
}

}  // namespace talweg
