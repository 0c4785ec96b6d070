// The specification of pooling: plain loops over outputs and their windows.

/// tap(pixel, place) for each pixel of output `out`'s window that lies inside the image, in
/// row-major order: its flat index in x and its place i * kw + j in the window.
template <class Tap> void for_each_tap(const Pool2dShape& s, int64_t out, Tap tap) {
  const int64_t c = out % s.c, q = out / s.c % s.ow(), p = out / s.c / s.ow() % s.oh();
  const int64_t n = out / s.c / s.ow() / s.oh();
  for (int64_t i = 0; i < s.kh; ++i) {
    const int64_t h = p * s.stride_h - s.pad_h + i;
    for (int64_t j = 0; j < s.kw; ++j) {
      const int64_t w = q * s.stride_w - s.pad_w + j;
      if (h < 0 || h >= s.h || w < 0 || w >= s.w) continue;
      tap(((n * s.h + h) * s.w + w) * s.c + c, i * s.kw + j);
    }
  }
}

template <class T> void max_pool(const Pool2dShape& s, const T* x, T* y, uint8_t* winner) {
  each<T>(s.y_size(), [=](int64_t out) {
    bool first = true;
    for_each_tap(s, out, [&](int64_t pixel, int64_t place) {
      const T v = x[pixel], best = y[out];
      const bool takes_over = v > best || (v != v && best == best);
      if (!first && !takes_over) return;
      first = false;
      y[out] = v;
      if (winner != nullptr) winner[out] = uint8_t(place);
    });
  });
}

template <class T>
void pool_scatter(const Pool2dShape& s, const T* g, const uint8_t* winner, T* dx) {
  std::fill_n(dx, s.x_size(), T(0));
  const int64_t per_image = s.n > 0 ? s.y_size() / s.n : 0;
  share_out(s.n, s.x_size() >= 1 << 14, [=](int64_t n) {  // windows overlap within an image
    for (int64_t out = n * per_image; out < (n + 1) * per_image; ++out) {
      for_each_tap(s, out, [=](int64_t pixel, int64_t place) {
        if (place == winner[out]) dx[pixel] += g[out];
      });
    }
  });
}

template <class T> void pool_gather(const Pool2dShape& s, const T* x, const uint8_t* winner, T* y) {
  each<T>(s.y_size(), [=](int64_t out) {
    y[out] = 0;
    for_each_tap(s, out, [=](int64_t pixel, int64_t place) {
      if (place == winner[out]) y[out] = x[pixel];
    });
  });
}

template <class T> void avg_pool(const Pool2dShape& s, const T* x, T* y) {
  each<T>(s.y_size(), [=](int64_t out) {
    double sum = 0;
    for_each_tap(s, out, [&](int64_t pixel, int64_t) { sum += double(x[pixel]); });
    y[out] = T(sum / double(s.kh * s.kw));
  });
}

template <class T> void avg_pool_backward(const Pool2dShape& s, const T* g, T* dx) {
  std::fill_n(dx, s.x_size(), T(0));
  const int64_t per_image = s.n > 0 ? s.y_size() / s.n : 0;
  const T share = T(1) / T(s.kh * s.kw);
  share_out(s.n, s.x_size() >= 1 << 14, [=](int64_t n) {  // windows overlap within an image
    for (int64_t out = n * per_image; out < (n + 1) * per_image; ++out) {
      for_each_tap(s, out, [=](int64_t pixel, int64_t) { dx[pixel] += share * g[out]; });
    }
  });
}
