// The specification: every kernel as the loop that its formula says, for T = float or double. Sums
// are kept in double. The loops over outputs are shared by the threads, which cannot change a
// result.

template <class T, class F> void each(int64_t n, F f) { share_out(n, n >= 1 << 14, f); }

template <class T> void exp(int64_t n, const T* x, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = std::exp(x[i]); });
}
template <class T> void log(int64_t n, const T* x, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = std::log(x[i]); });
}
template <class T> void tanh(int64_t n, const T* x, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = std::tanh(x[i]); });
}
template <class T> void sigmoid(int64_t n, const T* x, T* y) {
  each<T>(n, [=](int64_t i) {
    const double e = std::exp(-std::abs(double(x[i])));  // in (0, 1]
    y[i] = T((x[i] >= 0 ? 1 : e) / (1 + e));
  });
}
template <class T> void softplus(int64_t n, const T* x, T* y) {
  each<T>(n, [=](int64_t i) {
    const double v = x[i];
    y[i] = v != v ? x[i] : T(std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v))));
  });
}
template <class T> void sqrt(int64_t n, const T* x, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = std::sqrt(x[i]); });
}
template <class T> void abs(int64_t n, const T* x, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = std::abs(x[i]); });
}
template <class T> void sign(int64_t n, const T* x, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = T(x[i] > 0) - T(x[i] < 0); });
}
template <class T> void add_scalar(int64_t n, T c, const T* x, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = x[i] + c; });
}
template <class T> void relu(int64_t n, const T* x, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = x[i] <= 0 ? T(0) : x[i]; });
}
template <class T> void relu_mask(int64_t n, const T* x, const T* g, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = x[i] > 0 ? g[i] : T(0); });
}
template <class T> void add(int64_t n, const T* a, const T* b, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = a[i] + b[i]; });
}
template <class T> void sub(int64_t n, const T* a, const T* b, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = a[i] - b[i]; });
}
template <class T> void mul(int64_t n, const T* a, const T* b, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = a[i] * b[i]; });
}
template <class T> void div(int64_t n, const T* a, const T* b, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = a[i] / b[i]; });
}
template <class T> void maximum(int64_t n, const T* a, const T* b, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = a[i] >= b[i] || a[i] != a[i] ? a[i] : b[i]; });
}
template <class T> void greater_equal(int64_t n, const T* a, const T* b, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = T(a[i] >= b[i]); });
}
template <class T> void scale(int64_t n, T alpha, const T* x, T* y) {
  each<T>(n, [=](int64_t i) { y[i] = alpha * x[i]; });
}
template <class T> void axpy(int64_t n, T alpha, const T* x, T* y) {
  each<T>(n, [=](int64_t i) { y[i] += alpha * x[i]; });
}

template <class T, class Term> void sum_columns(int64_t rows, int64_t cols, T* out, Term term) {
  each<T>(cols, [=](int64_t j) {
    double sum = 0;
    for (int64_t r = 0; r < rows; ++r) sum += term(r * cols + j, j);
    out[j] = T(sum);
  });
}
template <class T> void col_sum(int64_t rows, int64_t cols, const T* x, T* out) {
  sum_columns(rows, cols, out, [=](int64_t i, int64_t) { return double(x[i]); });
}
template <class T> void col_dot(int64_t rows, int64_t cols, const T* a, const T* b, T* out) {
  sum_columns(rows, cols, out, [=](int64_t i, int64_t) { return double(a[i]) * double(b[i]); });
}
template <class T> void col_sqdev(int64_t rows, int64_t cols, const T* x, const T* mean, T* out) {
  sum_columns(rows, cols, out, [=](int64_t i, int64_t j) {
    const double d = double(x[i]) - double(mean[j]);
    return d * d;
  });
}
template <class T>
void col_affine(int64_t rows, int64_t cols, const T* x, const T* a, const T* b, T* y) {
  each<T>(rows * cols, [=](int64_t i) { y[i] = a[i % cols] * x[i] + b[i % cols]; });
}
template <class T>
void col_affine2(int64_t rows, int64_t cols, const T* x, const T* g, const T* a, const T* b,
                 const T* d, T* y) {
  each<T>(rows * cols, [=](int64_t i) {
    const int64_t j = i % cols;
    y[i] = a[j] * x[i] + (b[j] * g[i] + d[j]);
  });
}
template <class T> void col_add(int64_t rows, int64_t cols, const T* x, const T* b, T* y) {
  each<T>(rows * cols, [=](int64_t i) { y[i] = x[i] + b[i % cols]; });
}
template <class T> void col_sub(int64_t rows, int64_t cols, const T* x, const T* b, T* y) {
  each<T>(rows * cols, [=](int64_t i) { y[i] = x[i] - b[i % cols]; });
}
template <class T> void col_mul(int64_t rows, int64_t cols, const T* x, const T* b, T* y) {
  each<T>(rows * cols, [=](int64_t i) { y[i] = x[i] * b[i % cols]; });
}
template <class T> void col_div(int64_t rows, int64_t cols, const T* x, const T* b, T* y) {
  each<T>(rows * cols, [=](int64_t i) { y[i] = x[i] / b[i % cols]; });
}
template <class T> void row_sum(int64_t rows, int64_t cols, const T* x, T* out) {
  each<T>(rows, [=](int64_t r) {
    double sum = 0;
    for (int64_t j = 0; j < cols; ++j) sum += x[r * cols + j];
    out[r] = T(sum);
  });
}
template <class T> void row_logsumexp(int64_t rows, int64_t cols, const T* x, T* out) {
  each<T>(rows, [=](int64_t r) {
    const T* row = x + r * cols;
    double largest = -std::numeric_limits<double>::infinity();
    for (int64_t j = 0; j < cols; ++j) largest = std::max(largest, double(row[j]));
    // Without a shift the formula is right for infinities: exp(-inf) = 0, log 0 = -inf, exp(inf) =
    // inf.
    const double shift = std::isfinite(largest) ? largest : 0.0;
    double sum = 0;
    for (int64_t j = 0; j < cols; ++j) sum += std::exp(double(row[j]) - shift);
    out[r] = T(shift + std::log(sum));
  });
}

template <class T> int64_t matmul_scratch(int64_t, int64_t, int64_t) { return 0; }
template <class T>
void matmul(int64_t m, int64_t n, int64_t k, const T* a, bool transpose_a, const T* b,
            bool transpose_b, T* c, T*) {
  each<T>(m * n, [=](int64_t out) {
    const int64_t i = out / n, j = out % n;
    double sum = 0;
    for (int64_t t = 0; t < k; ++t) {
      sum += double(transpose_a ? a[t * m + i] : a[i * k + t]) *
             double(transpose_b ? b[j * k + t] : b[t * n + j]);
    }
    c[out] = T(sum);
  });
}

/// Is a convolution large enough for threads to pay?
inline bool is_large(const Conv2dShape& s) { return s.flops() >= 1 << 18; }

template <class T> int64_t conv2d_scratch(const Conv2dShape&, Conv2dAlgo, Conv2dFace) { return 0; }

/// The plain loops read the weights as they are.
template <class T> int64_t conv2d_packed_size(const Conv2dShape& s, Conv2dAlgo, Conv2dFace) {
  return s.w_size();
}
template <class T>
void conv2d_pack(const Conv2dShape& s, Conv2dAlgo, Conv2dFace, const T* w, T* packed) {
  std::copy_n(w, s.w_size(), packed);
}

/// One number of the forward face, bias and ReLU applied.
template <class T>
T conv2d_at(const Conv2dShape& s, const T* x, const T* w, const Conv2dEpilogue<T>& then, int64_t n,
            int64_t p, int64_t q, int64_t k) {
  double sum = then.bias ? double(then.bias[k]) : 0.0;
  for (int64_t i = 0; i < s.kh; ++i) {
    const int64_t h = p * s.stride_h + i * s.dilation_h - s.pad_h;
    if (h < 0 || h >= s.h) continue;
    for (int64_t j = 0; j < s.kw; ++j) {
      const int64_t v = q * s.stride_w + j * s.dilation_w - s.pad_w;
      if (v < 0 || v >= s.w) continue;
      const T* xs = x + ((n * s.h + h) * s.w + v) * s.c;
      const T* ws = w + ((k * s.kh + i) * s.kw + j) * s.c;
      for (int64_t c = 0; c < s.c; ++c) sum += double(xs[c]) * double(ws[c]);
    }
  }
  return then.relu && sum <= 0 ? T(0) : T(sum);
}

template <class T>
void conv2d(const Conv2dShape& s, Conv2dAlgo, const T* x, const T* w, const Conv2dEpilogue<T>& then,
            T* y, T*) {
  const int64_t rows = s.oh() / then.pool_h, columns = s.ow() / then.pool_w;
  share_out(s.n, rows, is_large(s), [=](int64_t n, int64_t row) {
    for (int64_t column = 0; column < columns; ++column) {
      for (int64_t k = 0; k < s.k; ++k) {
        T best = 0;
        int64_t winner = 0;
        for (int64_t at = 0; at < then.pool_h * then.pool_w; ++at) {
          const int64_t p = row * then.pool_h + at / then.pool_w;
          const int64_t q = column * then.pool_w + at % then.pool_w;
          const T v = conv2d_at(s, x, w, then, n, p, q, k);
          if (at > 0 && (best != best || v <= best)) continue;
          best = v;
          winner = at;
        }
        const int64_t out = ((n * rows + row) * columns + column) * s.k + k;
        y[out] = best;
        if (then.pools() && then.winner) {
          then.winner[out] = then.relu && best == 0 ? kDeadWinner : uint8_t(winner);
        }
      }
    }
  });
}

template <class T>
void conv2d_backward_data(const Conv2dShape& s, Conv2dAlgo, const T* w, const T* g, T* dx, T*) {
  const int64_t oh = s.oh(), ow = s.ow();
  share_out(s.n, s.h, is_large(s), [=](int64_t n, int64_t h) {
    for (int64_t v = 0; v < s.w; ++v) {
      for (int64_t c = 0; c < s.c; ++c) {
        double sum = 0;
        for (int64_t i = 0; i < s.kh; ++i) {
          const int64_t p = h + s.pad_h - i * s.dilation_h;  // = output row * stride
          if (p < 0 || p % s.stride_h != 0 || p / s.stride_h >= oh) continue;
          for (int64_t j = 0; j < s.kw; ++j) {
            const int64_t q = v + s.pad_w - j * s.dilation_w;
            if (q < 0 || q % s.stride_w != 0 || q / s.stride_w >= ow) continue;
            const T* gs = g + ((n * oh + p / s.stride_h) * ow + q / s.stride_w) * s.k;
            const T* ws = w + (i * s.kw + j) * s.c + c;
            const int64_t per_k = s.kh * s.kw * s.c;
            for (int64_t k = 0; k < s.k; ++k) sum += double(gs[k]) * double(ws[k * per_k]);
          }
        }
        dx[((n * s.h + h) * s.w + v) * s.c + c] = T(sum);
      }
    }
  });
}

template <class T>
void conv2d_backward_weights(const Conv2dShape& s, Conv2dAlgo, const T* x, const T* g, T* dw, T*) {
  const int64_t oh = s.oh(), ow = s.ow();
  share_out(s.k, s.kh, is_large(s), [=](int64_t k, int64_t i) {
    for (int64_t j = 0; j < s.kw; ++j) {
      for (int64_t c = 0; c < s.c; ++c) {
        double sum = 0;
        for (int64_t n = 0; n < s.n; ++n) {
          for (int64_t p = 0; p < oh; ++p) {
            const int64_t h = p * s.stride_h + i * s.dilation_h - s.pad_h;
            if (h < 0 || h >= s.h) continue;
            for (int64_t q = 0; q < ow; ++q) {
              const int64_t v = q * s.stride_w + j * s.dilation_w - s.pad_w;
              if (v < 0 || v >= s.w) continue;
              sum += double(x[((n * s.h + h) * s.w + v) * s.c + c]) *
                     double(g[((n * oh + p) * ow + q) * s.k + k]);
            }
          }
        }
        dw[((k * s.kh + i) * s.kw + j) * s.c + c] = T(sum);
      }
    }
  });
}
