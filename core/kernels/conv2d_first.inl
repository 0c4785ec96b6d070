// The first layer: 3x3 windows over images of one channel. A tile has 9 steps only, and what is
// around them would cost as much as they do. So there is no loop over steps: nine weights for few
// vectors of channels stay in registers (where there are 32) while the pixels of the strip pass by.
// The strip is copied with rows of zeros above and below the image too: no row is an exception.
//
// Multiply-adds bound it, 9 for each number stored, though the output is many times the image:
// it takes as long where all of that stays in the L2 cache.

/// Can the kernels below do this correlation? Else the tiles of conv2d.inl do.
bool is_first_layer(const Correlation& s) {
  return s.depth == 1 && s.taps_h == 3 && s.taps_w == 3 && s.stride_h == 1 && s.stride_w == 1 &&
         s.dilation_h == 1 && s.dilation_w == 1 && s.width % kLanes == 0;
}

constexpr bool kNineFit = kTileRows > 8;  // 32 registers

/// V vectors of channels: their weights, in registers once inlined, and what the sums start from.
template <int V> struct NineWeights { Vec w[9][V], start[V]; };

template <int V>
NineWeights<V> nine_weights(const float* packed, int64_t width, const float* bias) {
  NineWeights<V> out;
#pragma GCC unroll 9
  for (int r = 0; r < 9; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) out.w[r][v] = load(packed + r * width + v * kLanes);
  }
#pragma GCC unroll 2
  for (int v = 0; v < V; ++v) out.start[v] = bias ? load(bias + v * kLanes) : Vec{};
  return out;
}

/// R x P neighbouring outputs; x points at the first one's window. Where the weights fit the
/// registers, each number of x is read once, for all windows that see it; else each weight is.
/// Every sum adds its taps in the order (row, column).
template <int R, int P, int V>
[[gnu::always_inline]] inline void nine_taps(const NineWeights<V>& with, const float* x,
                                             int64_t row, Vec (&sum)[R][P][V]) {
#pragma GCC unroll 2
  for (int a = 0; a < R; ++a) {
#pragma GCC unroll 12
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) sum[a][p][v] = with.start[v];
    }
  }
  if constexpr (!kNineFit) {
#pragma GCC unroll 9
    for (int r = 0; r < 9; ++r) {
      // Neighbours share numbers of x; kept from tap to tap they would push sums out.
      asm("" : "+r"(x));
#pragma GCC unroll 2
      for (int a = 0; a < R; ++a) {
#pragma GCC unroll 12
        for (int p = 0; p < P; ++p) {
          const Vec seen = broadcast(x[(a + r / 3) * row + p + r % 3]);
#pragma GCC unroll 2
          for (int v = 0; v < V; ++v) sum[a][p][v] += seen * with.w[r][v];
        }
      }
    }
    return;
  }
#pragma GCC unroll 4
  for (int h = 0; h < R + 2; ++h) {
#pragma GCC unroll 16
    for (int q = 0; q < P + 2; ++q) {
      const Vec seen = broadcast(x[h * row + q]);
#pragma GCC unroll 2
      for (int a = 0; a < R; ++a) {
#pragma GCC unroll 3
        for (int j = 0; j < 3; ++j) {
          const int i = h - a, p = q - j;
          if (i < 0 || i > 2 || p < 0 || p >= P) continue;
#pragma GCC unroll 2
          for (int v = 0; v < V; ++v) sum[a][p][v] += seen * with.w[3 * i + j][v];
        }
      }
    }
  }
}

/// Where the results of one strip and panel go.
struct FirstRows {
  const float* x;  ///< under the window of the strip's first output
  int64_t x_row;
  float* y;
  int64_t y_row, y_pixel;
  uint8_t* winner;  ///< like y, or null
};

/// `count` <= P pixels of one row.
template <int P, int V>
[[gnu::always_inline]] inline void first_pixels(const NineWeights<V>& with, int64_t count,
                                                bool relu, const float* x, int64_t x_row, float* y,
                                                int64_t y_pixel) {
  if constexpr (P > 1) {
    if (count < P) return first_pixels<P - 1>(with, count, relu, x, x_row, y, y_pixel);
  }
  Vec sum[1][P][V];
  nine_taps<1, P>(with, x, x_row, sum);
#pragma GCC unroll 12
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      store(y + p * y_pixel + v * kLanes, relu ? rectified(sum[0][p][v]) : sum[0][p][v]);
    }
  }
}

/// Rows without a pool, 12 sums at a time. The last two groups of a row share what is left: a small
/// group would wait for its sums.
template <int V>
void first_rows(const NineWeights<V> with, bool relu, int64_t rows, int64_t pixels,
                const FirstRows& at) {
  constexpr int kGroup = 12 / V;
  constexpr int64_t kAhead = 36 / V * 2;  // pixels; the lines that stores will want
  for (int64_t r = 0; r < rows; ++r) {
    const float* x = at.x + r * at.x_row;
    float* y = at.y + r * at.y_row;
    int64_t left = pixels;
    for (; left >= 2 * kGroup || left == kGroup; left -= kGroup) {
#pragma GCC unroll 12
      for (int64_t p = kAhead; p < kAhead + kGroup; ++p) {
        for (int v = 0; v < V; ++v) __builtin_prefetch(y + p * at.y_pixel + v * kLanes, 1);
      }
      first_pixels<kGroup>(with, kGroup, relu, x, at.x_row, y, at.y_pixel);
      x += kGroup;
      y += kGroup * at.y_pixel;
    }
    while (left > 0) {
      const int64_t count = left > kGroup ? left / 2 : left;
      first_pixels<kGroup>(with, count, relu, x, at.x_row, y, at.y_pixel);
      x += count;
      y += count * at.y_pixel;
      left -= count;
    }
  }
}

/// G pooling windows side by side, of one vector of channels: their sums never leave the registers.
template <int kPoolH, int kPoolW, int G>
[[gnu::always_inline]] inline void first_windows(const NineWeights<1>& with,
                                                 const Conv2dEpilogue<float>& then, const float* x,
                                                 const FirstRows& at, float* y, uint8_t* winner) {
  Vec sum[kPoolH][G * kPoolW][1];
  nine_taps<kPoolH, G * kPoolW>(with, x, at.x_row, sum);
#pragma GCC unroll 4
  for (int g = 0; g < G; ++g) {
    Best best = {sum[0][g * kPoolW][0], IVec{}};
#pragma GCC unroll 4
    for (int tap = 1; tap < kPoolH * kPoolW; ++tap) {
      consider(best, sum[tap / kPoolW][g * kPoolW + tap % kPoolW][0], tap);
    }
    store_best(then, best, kLanes, y + g * at.y_pixel, winner ? winner + g * at.y_pixel : nullptr);
  }
}

template <int kPoolH, int kPoolW>
void first_pooled_row(const NineWeights<1> with, const Conv2dEpilogue<float>& then, int64_t windows,
                      const FirstRows& at) {
  constexpr int kGroup = 8 / (kPoolH * kPoolW);  // eight sums: as many as hide each other's latency
  const float* x = at.x;
  float* y = at.y;
  uint8_t* winner = at.winner;
  int64_t left = windows;
  for (; left >= kGroup; left -= kGroup) {
    first_windows<kPoolH, kPoolW, kGroup>(with, then, x, at, y, winner);
    x += kGroup * kPoolW;
    y += kGroup * at.y_pixel;
    winner += winner ? kGroup * at.y_pixel : 0;
  }
  for (; left > 0; --left) {
    first_windows<kPoolH, kPoolW, 1>(with, then, x, at, y, winner);
    x += kPoolW;
    y += at.y_pixel;
    winner += winner ? at.y_pixel : 0;
  }
}

/// One strip and panel of V vectors; `rows` and `columns` before pooling.
template <int V>
void first_strip(const Conv2dEpilogue<float>& then, const float* packed, const float* bias,
                 int64_t rows, int64_t columns, FirstRows at) {
  if (!then.pools()) {
    first_rows<V>(nine_weights<V>(packed, V * kLanes, bias), then.relu, rows, columns, at);
    return;
  }
  const auto row = then.pool_h == 1   ? first_pooled_row<1, 2>
                   : then.pool_w == 1 ? first_pooled_row<2, 1>
                                      : first_pooled_row<2, 2>;
  for (int64_t r = 0; r < rows; r += then.pool_h) {
    for (int64_t v = 0; v < V * kLanes; v += kLanes) {
      FirstRows to = at;
      to.y += v;
      to.winner += at.winner ? v : 0;
      row(nine_weights<1>(packed + v, V * kLanes, bias ? bias + v : nullptr), then,
          columns / then.pool_w, to);
    }
    at.x += then.pool_h * at.x_row;
    at.y += at.y_row;
    at.winner += at.winner ? at.y_row : 0;
  }
}

/// Rows [low, low + rows) and all columns under the windows, with their zeros.
void copy_first_strip(const Correlation& s, const float* image, int64_t low, int64_t rows,
                      float* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t h = low + r;
    const bool exists = h >= 0 && h < s.in_h;
    copy_padded(image + (exists ? h * s.in_w : 0), exists ? s.in_w : 0, 1, 1, s.span_w(), s.pad_w,
                out + r * s.span_w());
  }
}

/// Output rows [begin, end) of one image; `copy` holds their input, strip_size(s) floats.
void correlate_first(const Correlation& s, const float* image, int64_t n, int64_t begin,
                     int64_t end, const float* packed, const Destination& out, float* copy) {
  copy_first_strip(s, image, begin - s.pad_h, end - begin + 2, copy);
  const Conv2dEpilogue<float>& then = out.then;
  const int64_t columns = out.columns(s), pixel = then.pools() ? s.width : s.out_pixel;
  const int64_t y_row = then.pools() ? columns / then.pool_w * s.width : s.out_row;
  const int64_t y_image = then.pools() ? out.rows(s) / then.pool_h * y_row : s.out_image;
  for (int64_t panel = 0; panel < panel_count(s.width); ++panel) {
    const int64_t first = panel * kPanel;
    const int64_t at = n * y_image + begin / then.pool_h * y_row + first;
    const FirstRows rows = {.x = copy,
                            .x_row = s.span_w(),
                            .y = out.y + at,
                            .y_row = y_row,
                            .y_pixel = pixel,
                            .winner = then.winner ? then.winner + at : nullptr};
    const float* bias = then.bias ? then.bias + first : nullptr;
    const auto strip = panel_width(s.width, panel) == kPanel ? first_strip<2> : first_strip<1>;
    strip(then, packed + first * 9, bias, end - begin, columns, rows);
  }
}
