// Depthwise convolution: every channel has a window of its own, so channels are the lanes and there
// is nothing to pack. Each face goes row by row; a row of output and the rows it reads stay in the
// first cache.

/// The taps of one window row against one row of the output, along the width: position q reads
/// pixel q * stride + first + j * step for tap j.
struct Taps {
  int64_t count, first, step, stride, width;

  int64_t pixel(int64_t q, int64_t j) const { return q * stride + first + j * step; }
  bool inside(int64_t q, int64_t j) const {
    const int64_t at = pixel(q, j);
    return 0 <= at && at < width;
  }
  /// The positions [begin, end) of `size` at which every tap lies inside the row.
  Inside everywhere(int64_t size) const {
    const int64_t low = min_of(first, first + (count - 1) * step);
    const int64_t high = max_of(first, first + (count - 1) * step);
    const int64_t begin = low < 0 ? ceil_div(-low, stride) : 0;
    const int64_t end = width - 1 - high < 0 ? 0 : (width - 1 - high) / stride + 1;
    Inside range(0, size, size);
    range.begin = min_of(begin, size);
    range.end = max_of(range.begin, min_of(end, size));
    return range;
  }
};

/// What one row of output is the sum of: a window row i reads the image row at x + i * row_step,
/// weights at w + i * w_row and, along them, at + j * w_step.
struct WindowRows {
  const float* x;
  const float* w;
  int64_t begin, end;  ///< the window rows inside the image
  int64_t row_step, w_row, w_step;
};

/// kPixels positions of one vector of channels from q on, all taps inside; or, where a vector holds
/// all channels of `each` neighbours, kPixels times as many.
template <int kPixels>
[[gnu::always_inline]] inline void depthwise_block(const WindowRows& rows, const Taps& taps,
                                                   Channels lanes, int64_t c, int64_t q, float* y,
                                                   int64_t each = 1) {
  Vec sum[kPixels] = {};
  for (int64_t i = rows.begin; i < rows.end; ++i) {
    const float* x = rows.x + i * rows.row_step;
    for (int64_t j = 0; j < taps.count; ++j) {
      const Vec w = lanes.read(rows.w + i * rows.w_row + j * rows.w_step);
      const float* pixel = x + taps.pixel(q, j) * c;
      for (int64_t u = 0; u < kPixels; ++u)
        sum[u] += w * lanes.read(pixel + u * each * taps.stride * c);
    }
  }
  for (int64_t u = 0; u < kPixels; ++u) lanes.write(y + (q + u * each) * c, sum[u]);
}

/// Fewer channels than lanes, in a row read one pixel a position: kLanes / C neighbours fill a vector,
/// against weights repeated for each. Does what it can of [begin, end) and returns where it stopped.
/// Only for C that divides kLanes, so that no vector is short, and windows that fit the stack.
int64_t depthwise_neighbours(const WindowRows& rows, const Taps& taps, int64_t c, int64_t begin,
                             int64_t end, float* y) {
  constexpr int64_t kMostTaps = 49;
  const int64_t count = rows.end - rows.begin, each = c > 0 ? kLanes / c : 0;
  if (each < 2 || kLanes % c != 0 || taps.stride != 1 || count * taps.count > kMostTaps ||
      end - begin < 2 * each) {
    return begin;
  }
  float repeated[kMostTaps * kLanes];
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < taps.count; ++j) {
      const float* w = rows.w + (rows.begin + i) * rows.w_row + j * rows.w_step;
      float* to = repeated + (i * taps.count + j) * kLanes;
      for (int64_t e = 0; e < kLanes; ++e) to[e] = w[e % c];
    }
  }
  WindowRows wide = rows;
  wide.w = repeated - rows.begin * taps.count * kLanes;
  wide.w_row = taps.count * kLanes;
  wide.w_step = kLanes;
  const Channels all{0, kLanes};
  int64_t q = begin;
  for (; q + 4 * each <= end; q += 4 * each) depthwise_block<4>(wide, taps, all, c, q, y, each);
  for (; q + each <= end; q += each) depthwise_block<1>(wide, taps, all, c, q, y, each);
  return q;
}

/// One position, some taps outside.
[[gnu::always_inline]] inline void depthwise_edge(const WindowRows& rows, const Taps& taps,
                                                  Channels lanes, int64_t c, int64_t q, float* y) {
  Vec sum = {};
  for (int64_t j = 0; j < taps.count; ++j) {
    if (!taps.inside(q, j)) continue;
    for (int64_t i = rows.begin; i < rows.end; ++i) {
      sum += lanes.read(rows.w + i * rows.w_row + j * rows.w_step) *
             lanes.read(rows.x + i * rows.row_step + taps.pixel(q, j) * c);
    }
  }
  lanes.write(y + q * c, sum);
}

/// One row of `size` positions, some neighbours at a time and all their channels, so that memory is
/// read and written in the order in which it lies.
void depthwise_row(const WindowRows& rows, const Taps& taps, int64_t c, int64_t size, float* y) {
  constexpr int kPixels = TALWEG_TILE_ROWS > 6 ? 8 : 4;
  const Inside inner = taps.everywhere(size);
  const auto edge = [&](int64_t q) {
    for_channels(
        c, [&](Channels lanes)
               __attribute__((always_inline)) { depthwise_edge(rows, taps, lanes, c, q, y); });
  };
  int64_t q = 0;
  for (; q < inner.begin; ++q) edge(q);
  q = depthwise_neighbours(rows, taps, c, q, inner.end, y);
  for (; q + kPixels <= inner.end; q += kPixels) {
    for_channels(
        c, [&](Channels lanes) __attribute__((always_inline)) {
          depthwise_block<kPixels>(rows, taps, lanes, c, q, y);
        });
  }
  for (; q < inner.end; ++q) {
    for_channels(
        c, [&](Channels lanes)
               __attribute__((always_inline)) { depthwise_block<1>(rows, taps, lanes, c, q, y); });
  }
  for (; q < size; ++q) edge(q);
}

/// Window rows i with 0 <= first + i * step < size, in [0, count).
inline Inside rows_inside(int64_t count, int64_t first, int64_t step, int64_t size) {
  Inside range(0, count, count);
  while (range.begin < count && first + range.begin * step < 0) ++range.begin;
  while (range.end > range.begin && first + (range.end - 1) * step >= size) --range.end;
  return range;
}

bool depthwise_is_large(const Conv2dShape& s) {
  return s.n * s.oh() * s.ow() * s.c * s.kh * s.kw >= kSerialMultiplyAdds;
}

void depthwise(const Conv2dShape& s, const float* x, const float* w, float* y) {
  const int64_t oh = s.oh(), ow = s.ow();
  const Taps taps{s.kw, -s.pad_w, s.dilation_w, s.stride_w, s.w};
  share_out(s.n, oh, depthwise_is_large(s), [=](int64_t n, int64_t p) {
    const int64_t top = p * s.stride_h - s.pad_h;
    const Inside i = rows_inside(s.kh, top, s.dilation_h, s.h);
    const WindowRows rows{x + (n * s.h + top) * s.w * s.c, w,          i.begin, i.end,
                          s.dilation_h * s.w * s.c,        s.kw * s.c, s.c};
    depthwise_row(rows, taps, s.c, ow, y + (n * oh + p) * ow * s.c);
  });
}

/// dx's row h under a horizontal stride: zeros, then each g adds to the pixels it was made from.
void depthwise_data_row(const Conv2dShape& s, int64_t h, const float* w, const float* g,
                        float* dx) {
  const int64_t oh = s.oh(), ow = s.ow();
  const Taps taps{s.kw, -s.pad_w, s.dilation_w, s.stride_w, s.w};
  for (int64_t at = 0; at < s.w * s.c; ++at) dx[at] = 0;
  for (int64_t i = 0; i < s.kh; ++i) {
    const int64_t scaled = h + s.pad_h - i * s.dilation_h;  // = output row * stride
    if (scaled < 0 || scaled % s.stride_h != 0 || scaled / s.stride_h >= oh) continue;
    const float* row = g + scaled / s.stride_h * ow * s.c;
    for (int64_t j = 0; j < s.kw; ++j) {
      const float* weights = w + (i * s.kw + j) * s.c;
      for (int64_t q = 0; q < ow; ++q) {
        if (!taps.inside(q, j)) continue;
        float* __restrict to = dx + taps.pixel(q, j) * s.c;
        const float* from = row + q * s.c;
        for (int64_t c = 0; c < s.c; ++c) to[c] += weights[c] * from[c];
      }
    }
  }
}

void depthwise_backward_data(const Conv2dShape& s, const float* w, const float* g, float* dx) {
  const int64_t oh = s.oh(), ow = s.ow(), row = s.w * s.c;
  const bool unit_stride = s.stride_h == 1 && s.stride_w == 1;
  // With stride 1 it is the forward face again: g read backwards from h + pad, the step turned.
  const Taps taps{s.kw, s.pad_w, -s.dilation_w, 1, ow};
  share_out(s.n, s.h, depthwise_is_large(s), [=](int64_t n, int64_t h) {
    float* out = dx + (n * s.h + h) * row;
    const float* image = g + n * oh * ow * s.c;
    if (!unit_stride) {
      depthwise_data_row(s, h, w, image, out);
      return;
    }
    const int64_t first = h + s.pad_h;  // tap i reads g's row first - i * dilation
    Inside i(0, s.kh, s.kh);
    while (i.begin < s.kh && first - i.begin * s.dilation_h >= oh) ++i.begin;
    while (i.end > i.begin && first - (i.end - 1) * s.dilation_h < 0) --i.end;
    const WindowRows rows{image + first * ow * s.c, w,          i.begin, i.end,
                          -s.dilation_h * ow * s.c, s.kw * s.c, s.c};
    depthwise_row(rows, taps, s.c, s.w, out);
  });
}

/// Pieces of the n * OH output rows whose sums for dw are kept apart and added in order.
int64_t depthwise_pieces(const Conv2dShape& s) { return min_of(32, s.n * s.oh()); }
int64_t depthwise_scratch(const Conv2dShape& s) { return depthwise_pieces(s) * s.kh * s.kw * s.c; }

/// Adds to dw[j, :] what `count` taps from j on get from one row of g: sums in registers along it.
template <int kTaps>
void depthwise_weights_row(const Taps& taps, int64_t j, int64_t c, int64_t ow, const float* x,
                           const float* g, float* dw) {
  const Taps mine{kTaps, taps.first + j * taps.step, taps.step, taps.stride, taps.width};
  const Inside inner = mine.everywhere(ow);
  // A last vector that overlaps its neighbour would add twice: the end is done short.
  for (int64_t at = 0; at < c; at += kLanes) {
    const Channels lanes{at, min_of(kLanes, c - at)};
    Vec sum[kTaps] = {};
    const auto edge = [&](int64_t q) {
      for (int64_t t = 0; t < kTaps; ++t) {
        if (!mine.inside(q, t)) continue;
        sum[t] += lanes.read(g + q * c) * lanes.read(x + mine.pixel(q, t) * c);
      }
    };
    int64_t q = 0;
    for (; q < inner.begin; ++q) edge(q);
    for (; q < inner.end; ++q) {
      const Vec v = lanes.read(g + q * c);
      for (int64_t t = 0; t < kTaps; ++t) {
        sum[t] += v * lanes.read(x + mine.pixel(q, t) * c);
      }
    }
    for (; q < ow; ++q) edge(q);
    for (int64_t t = 0; t < kTaps; ++t) {
      float* to = dw + (j + t) * c;
      lanes.write(to, lanes.read(to) + sum[t]);
    }
  }
}

void depthwise_backward_weights(const Conv2dShape& s, const float* x, const float* g, float* dw,
                                float* scratch) {
  const int64_t oh = s.oh(), ow = s.ow(), size = s.kh * s.kw * s.c;
  const int64_t pieces = depthwise_pieces(s), outputs = s.n * oh;
  const Taps taps{s.kw, -s.pad_w, s.dilation_w, s.stride_w, s.w};
  share_out(pieces, depthwise_is_large(s), [=](int64_t piece) {
    float* sum = scratch + piece * size;
    for (int64_t at = 0; at < size; ++at) sum[at] = 0;
    for (int64_t r = outputs * piece / pieces; r < outputs * (piece + 1) / pieces; ++r) {
      const int64_t n = r / oh, top = r % oh * s.stride_h - s.pad_h;
      const Inside rows = rows_inside(s.kh, top, s.dilation_h, s.h);
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        const float* row = x + (n * s.h + top + i * s.dilation_h) * s.w * s.c;
        float* to = sum + i * s.kw * s.c;
        int64_t j = 0;
        for (; j + 3 <= s.kw; j += 3) {
          depthwise_weights_row<3>(taps, j, s.c, ow, row, g + r * ow * s.c, to);
        }
        for (; j < s.kw; ++j) {
          depthwise_weights_row<1>(taps, j, s.c, ow, row, g + r * ow * s.c, to);
        }
      }
    }
  });
  for (int64_t at = 0; at < size; ++at) dw[at] = 0;
  for (int64_t piece = 0; piece < pieces; ++piece) {
    for (int64_t at = 0; at < size; ++at) dw[at] += scratch[piece * size + at];
  }
}
