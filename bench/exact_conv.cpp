#include "bench/exact_conv.h"

#include "bench/clones.h"
#include "core/parallel.h"

namespace talweg::bench {
namespace {

/// y[i] += a * x[i].
TALWEG_CLONES void add_scaled(int64_t n, double a, const double* x, double* y) {
  for (int64_t i = 0; i < n; ++i) y[i] += a * x[i];
}

/// Four such sums at once: y is read and written once for all of them.
TALWEG_CLONES void add_scaled4(int64_t n, const double* a, const double* x, int64_t stride,
                               double* y) {
  const double *x0 = x, *x1 = x + stride, *x2 = x + 2 * stride, *x3 = x + 3 * stride;
  for (int64_t i = 0; i < n; ++i) {
    y[i] += a[0] * x0[i] + a[1] * x1[i] + a[2] * x2[i] + a[3] * x3[i];
  }
}

/// y[n] += a[m] b[m, n].
void add_product(int64_t m, int64_t n, const double* a, const double* b, double* y) {
  int64_t i = 0;
  for (; i + 4 <= m; i += 4) add_scaled4(n, a + i, b + i * n, n, y);
  for (; i < m; ++i) add_scaled(n, a[i], b + i * n, y);
}

std::vector<double> widened(const float* data, int64_t size) { return {data, data + size}; }

/// w[K,taps,C] as [taps,C,K].
std::vector<double> channels_last(const Conv2dShape& s, const float* w) {
  std::vector<double> out(static_cast<size_t>(s.w_size()));
  const int64_t rows = s.kh * s.kw * s.c;
  for (int64_t k = 0; k < s.k; ++k) {
    for (int64_t r = 0; r < rows; ++r) out[size_t(r * s.k + k)] = double(w[k * rows + r]);
  }
  return out;
}

/// w[K,taps,C] as [taps,K,C].
std::vector<double> taps_first(const Conv2dShape& s, const float* w) {
  std::vector<double> out(static_cast<size_t>(s.w_size()));
  const int64_t taps = s.kh * s.kw;
  for (int64_t k = 0; k < s.k; ++k) {
    for (int64_t t = 0; t < taps; ++t) {
      for (int64_t c = 0; c < s.c; ++c) {
        out[size_t((t * s.k + k) * s.c + c)] = double(w[(k * taps + t) * s.c + c]);
      }
    }
  }
  return out;
}

/// visit(output pixel, input pixel) for each output row p, all columns, under window tap (i, j).
template <class Visit>
void for_each_pixel(const Conv2dShape& s, int64_t n, int64_t p, int64_t i, int64_t j,
                    const Visit& visit) {
  const int64_t row = p * s.stride_h + i * s.dilation_h - s.pad_h;
  if (row < 0 || row >= s.h) return;
  for (int64_t q = 0; q < s.ow(); ++q) {
    const int64_t column = q * s.stride_w + j * s.dilation_w - s.pad_w;
    if (column < 0 || column >= s.w) continue;
    visit((n * s.oh() + p) * s.ow() + q, (n * s.h + row) * s.w + column);
  }
}

std::vector<double> forward(const Conv2dShape& s, const float* x_in, const float* w_in) {
  const std::vector<double> x = widened(x_in, s.x_size()), w = channels_last(s, w_in);
  std::vector<double> y(static_cast<size_t>(s.y_size()));
  parallel_for(s.n * s.oh(), true, [&](int64_t item) {
    for (int64_t tap = 0; tap < s.kh * s.kw; ++tap) {
      const auto visit = [&](int64_t out, int64_t in) {
        add_product(s.c, s.k, &x[size_t(in * s.c)], &w[size_t(tap * s.c * s.k)],
                    &y[size_t(out * s.k)]);
      };
      for_each_pixel(s, item / s.oh(), item % s.oh(), tap / s.kw, tap % s.kw, visit);
    }
  });
  return y;
}

std::vector<double> backward_data(const Conv2dShape& s, const float* w_in, const float* g_in) {
  const std::vector<double> g = widened(g_in, s.y_size()), w = taps_first(s, w_in);
  std::vector<double> dx(static_cast<size_t>(s.x_size()));
  parallel_for(s.n, true, [&](int64_t n) {
    for (int64_t item = 0; item < s.oh() * s.kh * s.kw; ++item) {
      const int64_t p = item / (s.kh * s.kw), tap = item % (s.kh * s.kw);
      const auto visit = [&](int64_t out, int64_t in) {
        add_product(s.k, s.c, &g[size_t(out * s.k)], &w[size_t(tap * s.k * s.c)],
                    &dx[size_t(in * s.c)]);
      };
      for_each_pixel(s, n, p, tap / s.kw, tap % s.kw, visit);
    }
  });
  return dx;
}

std::vector<double> backward_weights(const Conv2dShape& s, const float* x_in, const float* g_in) {
  const std::vector<double> x = widened(x_in, s.x_size()), g = widened(g_in, s.y_size());
  std::vector<double> by_tap(static_cast<size_t>(s.w_size()));  // [taps, C, K]
  const int64_t taps = s.kh * s.kw;
  parallel_for(taps * s.c, true, [&](int64_t item) {
    const int64_t tap = item / s.c, c = item % s.c;
    double* sums = &by_tap[size_t(item * s.k)];
    for (int64_t row = 0; row < s.n * s.oh(); ++row) {
      const auto visit = [&](int64_t out, int64_t in) {
        add_scaled(s.k, x[size_t(in * s.c + c)], &g[size_t(out * s.k)], sums);
      };
      for_each_pixel(s, row / s.oh(), row % s.oh(), tap / s.kw, tap % s.kw, visit);
    }
  });
  std::vector<double> dw(by_tap.size());  // [K, taps, C]
  for (int64_t item = 0; item < taps * s.c; ++item) {
    for (int64_t k = 0; k < s.k; ++k) {
      dw[size_t(k * taps * s.c + item)] = by_tap[size_t(item * s.k + k)];
    }
  }
  return dw;
}

/// The three faces of a depthwise convolution, each channel's products added where they belong.
std::vector<double> depthwise(const ConvShape& shape, Conv2dFace face, const float* x,
                              const float* w, const float* g) {
  const Conv2dShape& s = shape.s;
  const bool to_y = face == Conv2dFace::forward, to_x = face == Conv2dFace::backward_data;
  const int64_t size = to_y ? s.y_size() : to_x ? s.x_size() : shape.w_size();
  std::vector<double> sum(static_cast<size_t>(size));
  parallel_for(s.c, true, [&](int64_t c) {
    for (int64_t row = 0; row < s.n * s.oh(); ++row) {
      for (int64_t tap = 0; tap < s.kh * s.kw; ++tap) {
        const auto visit = [&](int64_t out, int64_t in) {
          const int64_t xi = in * s.c + c, wi = tap * s.c + c, yi = out * s.c + c;
          if (to_y) sum[size_t(yi)] += double(x[xi]) * double(w[wi]);
          if (to_x) sum[size_t(xi)] += double(g[yi]) * double(w[wi]);
          if (!to_y && !to_x) sum[size_t(wi)] += double(x[xi]) * double(g[yi]);
        };
        for_each_pixel(s, row / s.oh(), row % s.oh(), tap / s.kw, tap % s.kw, visit);
      }
    }
  });
  return sum;
}

}  // namespace

std::vector<double> exact_conv(const ConvShape& shape, Conv2dFace face, const float* x,
                               const float* w, const float* g) {
  if (shape.depthwise) return depthwise(shape, face, x, w, g);
  if (face == Conv2dFace::forward) return forward(shape.s, x, w);
  if (face == Conv2dFace::backward_data) return backward_data(shape.s, w, g);
  return backward_weights(shape.s, x, g);
}

}  // namespace talweg::bench
