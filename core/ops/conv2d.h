// Convolution: one trilinear form with three faces.
//
//   T(x, w, g) = sum over n,p,q,k,i,j,c of
//     x[n, p*stride + i*dilation - pad, q*stride + j*dilation - pad, c] w[k,i,j,c] g[n,p,q,k]
//
// is linear in each of its three arguments. Leaving one argument open gives the three ops here:
//
//   conv2d(x, w)                  = dT/dg   the forward pass
//   conv2d_backward_data(g, w)    = dT/dx   its gradient for the image
//   conv2d_backward_weights(x, g) = dT/dw   its gradient for the weights
//
// Take any face, say f(x, w) = dT/dg. Its gradient for x, given a cotangent g, is
// d<g, f(x, w)>/dx = dT(x, w, g)/dx: again a face. So the two derivatives of each face are the
// other two, with the cotangent in the open place, and the family is closed under differentiation
// of any order.
//
// Legend: N images, H x W their size, C channels in, K channels out, KH x KW the window, OH x OW
// the output's size. Images are [N,H,W,C] (channels last), weights [K,KH,KW,C]. All ops here copy.
#pragma once

#include <algorithm>
#include <optional>

#include "core/kernels/conv2d_algo.h"
#include "core/op_card.h"
#include "core/ops/common.h"
#include "core/ops/conv_algo.h"
#include "core/ops/pack_cache.h"
#include "core/tape.h"

namespace talweg {

/// How the window moves, in pixels. An aggregate: Conv2dOptions{.stride_h = 2}, or one made below.
struct Conv2dOptions {
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_h = 0, pad_w = 0;            ///< zeros added on each side
  int64_t dilation_h = 1, dilation_w = 1;  ///< distance between neighbouring taps
  /// How all three faces are computed in float. They throw where it can't do the shape.
  ConvAlgo algo = ConvAlgo::automatic;

  /// The same on both axes.
  static constexpr Conv2dOptions square(int64_t stride, int64_t pad = 0, int64_t dilation = 1) {
    return {stride, stride, pad, pad, dilation, dilation};
  }
  /// Stride 1 and the padding that keeps the size under an odd kernel kh x kw.
  static constexpr Conv2dOptions same(int64_t kh, int64_t kw) {
    return {.pad_h = (kh - 1) / 2, .pad_w = (kw - 1) / 2};
  }
};

// --- checks shared by the three faces ---

/// One axis of the window: does it fit into the padded input?
inline void check_conv2d_axis(const char* op, const char* axis, int64_t input, int64_t kernel,
                              int64_t stride, int64_t pad, int64_t dilation) {
  constexpr int64_t limit = int64_t(1) << 30;  // so that no sum or product of two overflows
  expect(stride >= 1 && dilation >= 1 && pad >= 0, "[", op, "] along the ", axis, ", stride ",
         stride, " and dilation ", dilation, " must be at least 1 and padding ", pad,
         " at least 0");
  expect(std::max({input, kernel, stride, pad, dilation}) < limit, "[", op, "] along the ", axis,
         ", input ", input, ", kernel ", kernel, ", stride ", stride, ", padding ", pad,
         " and dilation ", dilation,
         " must each be below 2^30; were they computed from a wrong shape?");
  expect(kernel >= 1 && dilation * (kernel - 1) + 1 <= input + 2 * pad, "[", op, "] along the ",
         axis, ", a kernel of ", kernel, " with dilation ", dilation, " spans ",
         dilation * (kernel - 1) + 1, " pixels, which must lie between 1 and the padded input's ",
         input + 2 * pad, "; pad more or use a smaller kernel");
}

/// The geometry of T(x, w, g) for an image and weights of these shapes.
inline kernels::Conv2dShape conv2d_shape(const char* op, const Shape& x, const Shape& w,
                                         const Conv2dOptions& o) {
  expect(x.rank() == 4, "[", op, "] the input must be [N,H,W,C], found ", x,
         "; reshape it to four axes");
  expect(w.rank() == 4, "[", op, "] the weight must be [K,KH,KW,C], found ", w,
         "; reshape it to four axes");
  expect(x[3] == w[3], "[", op, "] input channels ", x[3], " must equal weight channels ", w[3],
         "; input is ", x, ", weight is ", w,
         ", expected [N,H,W,C] and [K,KH,KW,C]; did you swap layouts?");
  check_conv2d_axis(op, "height", x[1], w[1], o.stride_h, o.pad_h, o.dilation_h);
  check_conv2d_axis(op, "width", x[2], w[2], o.stride_w, o.pad_w, o.dilation_w);
  const kernels::Conv2dShape s{x[0],    x[1],         x[2],        x[3],       w[0],
                               w[1],    w[2],         o.stride_h,  o.stride_w, o.pad_h,
                               o.pad_w, o.dilation_h, o.dilation_w};
  constexpr double limit = double(int64_t(1) << 56);  // elements that 64 bits of bytes can count
  const double largest = std::max({double(s.n) * double(s.h) * double(s.w) * double(s.c),
                                   double(s.k) * double(s.kh) * double(s.kw) * double(s.c),
                                   double(s.n) * double(s.oh()) * double(s.ow()) * double(s.k)});
  expect(largest < limit, "[", op, "] input ", x, " and weight ", w, " give a tensor of ", largest,
         " elements, more than memory can hold; was a size computed wrongly?");
  return s;
}

/// The shape of conv2d's output, which g must have.
inline Shape conv2d_output(const kernels::Conv2dShape& s) { return {s.n, s.oh(), s.ow(), s.k}; }

/// The kernels' name of an algorithm that is not `automatic`.
inline kernels::Conv2dAlgo kernel_algo(ConvAlgo algo) {
  if (algo == ConvAlgo::wino2) return kernels::Conv2dAlgo::wino2;
  return algo == ConvAlgo::wino4 ? kernels::Conv2dAlgo::wino4 : kernels::Conv2dAlgo::direct;
}

/// Can `algo` compute a kernel of KH x KW that moves like this?
inline bool can_compute(ConvAlgo algo, int64_t kh, int64_t kw, const Conv2dOptions& o) {
  return kernels::supports(kernel_algo(algo), {.kh = kh,
                                               .kw = kw,
                                               .stride_h = o.stride_h,
                                               .stride_w = o.stride_w,
                                               .dilation_h = o.dilation_h,
                                               .dilation_w = o.dilation_w});
}

/// The algorithm for a face: the one asked for, or the best for the shape.
inline kernels::Conv2dAlgo resolve_algo(const char* op, const Conv2dOptions& o,
                                        const kernels::Conv2dShape& s, kernels::Conv2dFace face) {
  if (o.algo == ConvAlgo::automatic) return kernels::best_algo(s, face);
  const auto algo = kernel_algo(o.algo);
  expect(kernels::supports(algo, s), "[", op, "] ", kernels::algo_name(algo),
         " computes 3x3 kernels with stride and dilation 1, but the kernel is ", s.kh, "x", s.kw,
         ", stride ", s.stride_h, "x", s.stride_w, ", dilation ", s.dilation_h, "x", s.dilation_w,
         "; leave the algorithm to automatic");
  return algo;
}

/// Weights packed for one face: from the cache that was lent with them or, where there is none,
/// packed for this once into memory of the pool.
template <class T> class PackedWeights {
 public:
  PackedWeights(const kernels::Conv2dShape& s, kernels::Conv2dAlgo algo, kernels::Conv2dFace face,
                Var<T> w) {
    if (PackCache<T>* cache = w.pack_cache()) {
      data_ = cache->get(s, algo, face, w.data());
      return;
    }
    memory_.emplace(w.tape(), kernels::table<T>().conv2d_packed_size(s, algo, face));
    kernels::table<T>().conv2d_pack(s, algo, face, w.data(), memory_->data());
    data_ = memory_->data();
  }
  const T* data() const { return data_; }

 private:
  std::optional<Scratch<T>> memory_;
  const T* data_ = nullptr;
};

/// Where an argument is empty the sums are empty: writes zeros. True where nothing is left to do.
template <class T> bool is_trivial(Var<T> a, Var<T> b, Var<T> out) {
  const bool empty = a.size() == 0 || b.size() == 0;
  if (empty) std::fill_n(out.data(), out.size(), T(0));
  return empty || out.size() == 0;
}

// --- the three faces ---

template <class T>
Var<T> conv2d_backward_data(Var<T> g, Var<T> w, int64_t input_h, int64_t input_w,
                            const Conv2dOptions& options = {});
template <class T>
Var<T> conv2d_backward_weights(Var<T> x, Var<T> g, int64_t kh, int64_t kw,
                               const Conv2dOptions& options = {});

/// conv2d(x[N,H,W,C], w[K,KH,KW,C]) -> [N,OH,OW,K]: the cross-correlation dT/dg,
///   y[n,p,q,k] = sum over i,j,c of x[n, p*stride + i*dilation - pad, ...] w[k,i,j,c],
/// zeros outside the image; OH = floor((H + 2 pad - dilation (KH - 1) - 1) / stride) + 1.
/// Gradient: dx = conv2d_backward_data(dy, w), dw = conv2d_backward_weights(x, dy); see above.
/// Throws where ranks or channels disagree, the window does not fit, or a size overflows.
/// Source: Dumoulin and Visin 2016, "A guide to convolution arithmetic", relationships 6 and 15.
template <class T> Var<T> conv2d(Var<T> x, Var<T> w, const Conv2dOptions& options = {}) {
  Tape<T>& tape = common_tape("conv2d", x, w);
  const auto s = conv2d_shape("conv2d", x.shape(), w.shape(), options);
  Var<T> y = tape.make("conv2d", conv2d_output(s));
  if (!is_trivial(x, w, y)) {
    const auto face = kernels::Conv2dFace::forward;
    const auto algo = resolve_algo("conv2d", options, s, face);
    const PackedWeights<T> packed(s, algo, face, w);
    const Scratch<T> scratch(tape, kernels::table<T>().conv2d_scratch(s, algo, face));
    kernels::table<T>().conv2d(s, algo, x.data(), packed.data(), {}, y.data(), scratch.data());
  }
  y.wrt(x, [=](Var<T> dy) { return conv2d_backward_data(dy, w, s.h, s.w, options); });
  y.wrt(w, [=](Var<T> dy) { return conv2d_backward_weights(x, dy, s.kh, s.kw, options); });
  return y;
}

TALWEG_OP_CARD(conv2d) {
  card.formula("y[n,p,q,k] = sum_ijc x[n, p s + i d - pad, q s + j d - pad, c] w[k,i,j,c]");
  card.rule("dx = conv2d_backward_data(dy, w), dw = conv2d_backward_weights(x, dy)");
  card.shapes("x [N,H,W,C], w [K,KH,KW,C] -> [N,OH,OW,K]")
      .source("Dumoulin and Visin 2016, rel. 6");
  const auto f = [](auto x) { return conv2d(x[0], x[1]); };
  card.check("3x3", {{2, 5, 4, 2}, {3, 3, 3, 2}}, f);
  card.check("3x3 same", {{1, 4, 3, 2}, {2, 3, 3, 2}},
             [](auto x) { return conv2d(x[0], x[1], Conv2dOptions::same(3, 3)); });
  card.check("stride 2, rest unused", {{1, 6, 7, 1}, {2, 3, 2, 1}},
             [](auto x) { return conv2d(x[0], x[1], Conv2dOptions::square(2)); });
  card.check("all options, different per axis", {{1, 5, 6, 2}, {2, 2, 3, 2}}, [](auto x) {
    return conv2d(x[0], x[1], {2, 1, 1, 2, 2, 1});
  });
  const auto with = [](ConvAlgo algo) {
    return Conv2dOptions{.pad_h = 1, .pad_w = 1, .algo = algo};
  };
  for (const ConvAlgo algo : {ConvAlgo::direct, ConvAlgo::wino2, ConvAlgo::wino4}) {
    card.check(std::string(conv_algo_name(algo)), {{1, 7, 6, 3}, {5, 3, 3, 3}},
               [=](auto x) { return conv2d(x[0], x[1], with(algo)); });
  }
  card.check("one", {{1, 1, 1, 1}, {1, 1, 1, 1}}, f);
  card.check("no image", {{0, 3, 3, 2}, {2, 3, 3, 2}}, f);
  card.check("no channels", {{1, 3, 3, 0}, {2, 2, 2, 0}}, f);
  card.rejects({{8, 3, 32}, {16, 3, 3, 4}}, f, "must be [N,H,W,C]");
  card.rejects({{8, 32, 32, 3}, {16, 27}}, f, "must be [K,KH,KW,C]");
  card.rejects({{8, 3, 32, 32}, {16, 3, 3, 4}}, f, "did you swap layouts?");
  card.rejects({{1, 2, 5, 1}, {1, 3, 3, 1}}, f, "smaller kernel");
  card.rejects(
      {{1, 5, 5, 1}, {1, 3, 3, 1}},
      [](auto x) { return conv2d(x[0], x[1], Conv2dOptions::square(0)); }, "must be at least 1");
  card.rejects(
      {{1, 5, 5, 1}, {1, 3, 3, 1}}, [](auto x) { return conv2d(x[0], x[1], {.dilation_w = 0}); },
      "must be at least 1");
  card.rejects(
      {{1, 5, 5, 1}, {1, 3, 3, 1}},
      [](auto x) { return conv2d(x[0], x[1], {.pad_h = int64_t(1) << 62}); }, "below 2^30");
  card.rejects(
      {{8, 5, 5, 1}, {1, 3, 3, 1}},
      [](auto x) { return conv2d(x[0], x[1], Conv2dOptions::square(1, 1 << 29)); },
      "more than memory can hold");
  card.bench({{8, 8, 32, 64}, {64, 3, 3, 64}},
             [](auto x) { return conv2d(x[0], x[1], Conv2dOptions::same(3, 3)); });
}

/// conv2d_backward_data(g[N,OH,OW,K], w[K,KH,KW,C], H, W) -> [N,H,W,C]: the transposed convolution
/// dT/dx. The input's size is an argument: with a stride above 1 several sizes give the same OH x
/// OW. Gradient: dg = conv2d(dy, w), dw = conv2d_backward_weights(dy, g), as dy takes x's place in
/// T. Throws as conv2d does, and where g is not what conv2d would give for that size. Source:
/// Dumoulin and Visin 2016, relationship 14.
template <class T>
Var<T> conv2d_backward_data(Var<T> g, Var<T> w, int64_t input_h, int64_t input_w,
                            const Conv2dOptions& options) {
  constexpr const char* op = "conv2d_backward_data";
  Tape<T>& tape = common_tape(op, g, w);
  expect(g.shape().rank() == 4, "[", op, "] the output's gradient must be [N,OH,OW,K], found ",
         g.shape(), "; reshape it to four axes");
  expect(w.shape().rank() == 4, "[", op, "] the weight must be [K,KH,KW,C], found ", w.shape(),
         "; reshape it to four axes");
  const Shape x_shape{g.shape()[0], input_h, input_w, w.shape()[3]};
  const auto s = conv2d_shape(op, x_shape, w.shape(), options);
  expect(g.shape() == conv2d_output(s), "[", op, "] an input ", x_shape, " under weight ",
         w.shape(), " has an output ", conv2d_output(s), ", but the gradient given is ", g.shape(),
         "; pass the input size and options of the forward pass");
  Var<T> dx = tape.make(op, x_shape);
  if (!is_trivial(g, w, dx)) {
    const auto face = kernels::Conv2dFace::backward_data;
    const auto algo = resolve_algo(op, options, s, face);
    const PackedWeights<T> packed(s, algo, face, w);
    const Scratch<T> scratch(tape, kernels::table<T>().conv2d_scratch(s, algo, face));
    kernels::table<T>().conv2d_backward_data(s, algo, packed.data(), g.data(), dx.data(),
                                             scratch.data());
  }
  dx.wrt(g, [=](Var<T> dy) { return conv2d(dy, w, options); });
  dx.wrt(w, [=](Var<T> dy) { return conv2d_backward_weights(dy, g, s.kh, s.kw, options); });
  return dx;
}

TALWEG_OP_CARD(conv2d_backward_data) {
  card.formula("y = dT(x, w, g)/dx: y[n, p s + i d - pad, ..., c] += g[n,p,q,k] w[k,i,j,c]");
  card.rule("dg = conv2d(dy, w), dw = conv2d_backward_weights(dy, g)");
  card.shapes("g [N,OH,OW,K], w [K,KH,KW,C], H, W -> [N,H,W,C]");
  card.source("Dumoulin and Visin 2016, rel. 14");
  card.check("3x3", {{2, 3, 2, 3}, {3, 3, 3, 2}},
             [](auto x) { return conv2d_backward_data(x[0], x[1], 5, 4); });
  card.check("stride 2, rest unused", {{1, 2, 3, 2}, {2, 3, 2, 1}}, [](auto x) {
    return conv2d_backward_data(x[0], x[1], 6, 7, Conv2dOptions::square(2));
  });
  card.check("all options, different per axis", {{1, 3, 8, 2}, {2, 2, 3, 2}}, [](auto x) {
    return conv2d_backward_data(x[0], x[1], 5, 6, {2, 1, 1, 2, 2, 1});
  });
  const auto with = [](ConvAlgo algo) {
    return Conv2dOptions{.pad_h = 1, .pad_w = 1, .algo = algo};
  };
  for (const ConvAlgo algo : {ConvAlgo::direct, ConvAlgo::wino2, ConvAlgo::wino4}) {
    card.check(std::string(conv_algo_name(algo)), {{1, 7, 6, 5}, {5, 3, 3, 3}},
               [=](auto x) { return conv2d_backward_data(x[0], x[1], 7, 6, with(algo)); });
  }
  card.check("one", {{1, 1, 1, 1}, {1, 1, 1, 1}},
             [](auto x) { return conv2d_backward_data(x[0], x[1], 1, 1); });
  card.check("no image", {{0, 1, 1, 2}, {2, 3, 3, 2}},
             [](auto x) { return conv2d_backward_data(x[0], x[1], 3, 3); });
  const auto five = [](auto x) { return conv2d_backward_data(x[0], x[1], 5, 5); };
  card.rejects({{1, 4, 3, 1}, {1, 3, 3, 1}}, five, "input size and options of the forward pass");
  card.rejects({{1, 3, 3, 2}, {1, 3, 3, 1}}, five, "input size and options of the forward pass");
  card.rejects({{3, 3, 1}, {1, 3, 3, 1}}, five, "must be [N,OH,OW,K]");
  card.rejects({{1, 3, 3, 1}, {1, 9}}, five, "must be [K,KH,KW,C]");
  card.rejects(
      {{1, 1, 1, 1}, {1, 3, 3, 1}}, [](auto x) { return conv2d_backward_data(x[0], x[1], 2, 5); },
      "smaller kernel");
  card.rejects(
      {{1, 3, 3, 1}, {1, 3, 3, 1}},
      [](auto x) { return conv2d_backward_data(x[0], x[1], 5, 5, Conv2dOptions::square(0)); },
      "must be at least 1");
  card.rejects(
      {{1, 3, 3, 1}, {1, 3, 3, 1}},
      [](auto x) { return conv2d_backward_data(x[0], x[1], int64_t(1) << 62, 5); }, "below 2^30");
  card.bench({{8, 8, 32, 64}, {64, 3, 3, 64}}, [](auto x) {
    return conv2d_backward_data(x[0], x[1], 8, 32, Conv2dOptions::same(3, 3));
  });
}

/// conv2d_backward_weights(x[N,H,W,C], g[N,OH,OW,K], KH, KW) -> [K,KH,KW,C]: dT/dw,
///   y[k,i,j,c] = sum over n,p,q of x[n, p*stride + i*dilation - pad, ..., c] g[n,p,q,k].
/// Gradient: dx = conv2d_backward_data(g, dy), dg = conv2d(x, dy), as dy takes w's place in T.
/// Throws as conv2d does, and where g is not what conv2d would give for that kernel.
template <class T>
Var<T> conv2d_backward_weights(Var<T> x, Var<T> g, int64_t kh, int64_t kw,
                               const Conv2dOptions& options) {
  constexpr const char* op = "conv2d_backward_weights";
  Tape<T>& tape = common_tape(op, x, g);
  expect(x.shape().rank() == 4 && g.shape().rank() == 4, "[", op,
         "] the input must be [N,H,W,C] and ", "the output's gradient [N,OH,OW,K], found ",
         x.shape(), " and ", g.shape(), "; reshape them to four axes");
  const Shape w_shape{g.shape()[3], kh, kw, x.shape()[3]};
  const auto s = conv2d_shape(op, x.shape(), w_shape, options);
  expect(g.shape() == conv2d_output(s), "[", op, "] an input ", x.shape(), " under weight ",
         w_shape, " has an output ", conv2d_output(s), ", but the gradient given is ", g.shape(),
         "; pass the kernel size and options of the forward pass");
  Var<T> dw = tape.make(op, w_shape);
  if (!is_trivial(x, g, dw)) {
    const auto face = kernels::Conv2dFace::backward_weights;
    const auto algo = resolve_algo(op, options, s, face);
    const Scratch<T> scratch(tape, kernels::table<T>().conv2d_scratch(s, algo, face));
    kernels::table<T>().conv2d_backward_weights(s, algo, x.data(), g.data(), dw.data(),
                                                scratch.data());
  }
  dw.wrt(x, [=](Var<T> dy) { return conv2d_backward_data(g, dy, s.h, s.w, options); });
  dw.wrt(g, [=](Var<T> dy) { return conv2d(x, dy, options); });
  return dw;
}

TALWEG_OP_CARD(conv2d_backward_weights) {
  card.formula("y = dT(x, w, g)/dw: y[k,i,j,c] = sum_npq x[n, p s + i d - pad, ..., c] g[n,p,q,k]");
  card.rule("dx = conv2d_backward_data(g, dy), dg = conv2d(x, dy)");
  card.shapes("x [N,H,W,C], g [N,OH,OW,K], KH, KW -> [K,KH,KW,C]").source("trilinearity of T");
  card.check("3x3", {{2, 5, 4, 2}, {2, 3, 2, 3}},
             [](auto x) { return conv2d_backward_weights(x[0], x[1], 3, 3); });
  card.check("stride 2, rest unused", {{1, 6, 7, 1}, {1, 2, 3, 2}}, [](auto x) {
    return conv2d_backward_weights(x[0], x[1], 3, 2, Conv2dOptions::square(2));
  });
  card.check("all options, different per axis", {{1, 5, 6, 2}, {1, 3, 8, 2}}, [](auto x) {
    return conv2d_backward_weights(x[0], x[1], 2, 3, {2, 1, 1, 2, 2, 1});
  });
  const auto with = [](ConvAlgo algo) {
    return Conv2dOptions{.pad_h = 1, .pad_w = 1, .algo = algo};
  };
  for (const ConvAlgo algo : {ConvAlgo::direct, ConvAlgo::wino2, ConvAlgo::wino4}) {
    card.check(std::string(conv_algo_name(algo)), {{1, 7, 6, 3}, {1, 7, 6, 5}},
               [=](auto x) { return conv2d_backward_weights(x[0], x[1], 3, 3, with(algo)); });
  }
  card.check("one", {{1, 1, 1, 1}, {1, 1, 1, 1}},
             [](auto x) { return conv2d_backward_weights(x[0], x[1], 1, 1); });
  card.check("no image", {{0, 3, 3, 2}, {0, 2, 2, 2}},
             [](auto x) { return conv2d_backward_weights(x[0], x[1], 2, 2); });
  const auto three = [](auto x) { return conv2d_backward_weights(x[0], x[1], 3, 3); };
  card.rejects({{1, 5, 5, 1}, {1, 4, 3, 1}}, three, "kernel size and options of the forward pass");
  card.rejects({{2, 5, 5, 1}, {1, 3, 3, 1}}, three, "kernel size and options of the forward pass");
  card.rejects({{5, 5, 1}, {1, 3, 3, 1}}, three, "must be [N,H,W,C]");
  card.rejects({{1, 2, 5, 1}, {1, 1, 3, 1}}, three, "smaller kernel");
  card.rejects(
      {{1, 5, 5, 1}, {1, 3, 3, 1}},
      [](auto x) { return conv2d_backward_weights(x[0], x[1], 3, 3, Conv2dOptions::square(0)); },
      "must be at least 1");
  card.rejects(
      {{1, 5, 5, 1}, {1, 3, 3, 1}},
      [](auto x) { return conv2d_backward_weights(x[0], x[1], int64_t(1) << 62, 3); },
      "below 2^30");
  card.bench({{8, 8, 32, 64}, {8, 8, 32, 64}}, [](auto x) {
    return conv2d_backward_weights(x[0], x[1], 3, 3, Conv2dOptions::same(3, 3));
  });
}

}  // namespace talweg
