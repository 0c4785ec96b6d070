// The specification of depthwise convolution: plain loops over the open argument.

/// tap(x's index, g's index, w's index) for each product that the trilinear form sums for image n,
/// output row p and window row i, none where that row lies outside.
template <class Tap>
void for_each_depthwise(const Conv2dShape& s, int64_t n, int64_t p, int64_t i, Tap tap) {
  const int64_t h = p * s.stride_h + i * s.dilation_h - s.pad_h;
  if (h < 0 || h >= s.h) return;
  for (int64_t q = 0; q < s.ow(); ++q) {
    for (int64_t j = 0; j < s.kw; ++j) {
      const int64_t v = q * s.stride_w + j * s.dilation_w - s.pad_w;
      if (v < 0 || v >= s.w) continue;
      for (int64_t c = 0; c < s.c; ++c) {
        tap(((n * s.h + h) * s.w + v) * s.c + c, ((n * s.oh() + p) * s.ow() + q) * s.c + c,
            (i * s.kw + j) * s.c + c);
      }
    }
  }
}

template <class T> int64_t depthwise_scratch(const Conv2dShape&) { return 0; }

template <class T> void depthwise(const Conv2dShape& s, const T* x, const T* w, T* y) {
  std::fill_n(y, s.n * s.oh() * s.ow() * s.c, T(0));
  share_out(s.n, s.oh(), is_large(s), [=](int64_t n, int64_t p) {
    for (int64_t i = 0; i < s.kh; ++i) {
      for_each_depthwise(s, n, p, i, [=](int64_t at_x, int64_t at_g, int64_t at_w) {
        y[at_g] += x[at_x] * w[at_w];
      });
    }
  });
}
template <class T>
void depthwise_backward_data(const Conv2dShape& s, const T* w, const T* g, T* dx) {
  std::fill_n(dx, s.x_size(), T(0));
  share_out(s.n, is_large(s), [=](int64_t n) {
    for (int64_t p = 0; p < s.oh(); ++p) {
      for (int64_t i = 0; i < s.kh; ++i) {
        for_each_depthwise(s, n, p, i, [=](int64_t at_x, int64_t at_g, int64_t at_w) {
          dx[at_x] += g[at_g] * w[at_w];
        });
      }
    }
  });
}
template <class T>
void depthwise_backward_weights(const Conv2dShape& s, const T* x, const T* g, T* dw, T*) {
  std::fill_n(dw, s.kh * s.kw * s.c, T(0));
  share_out(s.kh, is_large(s), [=](int64_t i) {
    for (int64_t n = 0; n < s.n; ++n) {
      for (int64_t p = 0; p < s.oh(); ++p) {
        for_each_depthwise(s, n, p, i, [=](int64_t at_x, int64_t at_g, int64_t at_w) {
          dw[at_w] += x[at_x] * g[at_g];
        });
      }
    }
  });
}
