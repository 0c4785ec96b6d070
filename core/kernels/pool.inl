// Pooling, channels in the lanes: the mean, the largest, and the two ways along its winners: scatter,
// its gradient, and gather, the gradient of that. A winner is one byte per output: the pixel's place in its
// window, i * KW + j; any byte from KH * KW on means that no pixel won.

/// Channels c ... c + count - 1 of one pixel; all lanes of a vector, or all channels of a few.
struct Channels {
  int64_t c, count;

  [[gnu::always_inline]] Vec read(const float* p) const {
    return count == kLanes ? load(p + c) : load_first(p + c, count);
  }
  [[gnu::always_inline]] void write(float* p, Vec v) const {
    count == kLanes ? store(p + c, v) : store_first(p + c, v, count);
  }
  [[gnu::always_inline]] IVec read_bytes(const uint8_t* p) const {
    ByteVec bytes = {};
    if (count == kLanes) {
      bytes = *reinterpret_cast<const ByteVecInMemory*>(p + c);
    } else {
      for (int64_t i = 0; i < count; ++i) bytes[i] = p[c + i];
    }
    return __builtin_convertvector(bytes, IVec);
  }
  [[gnu::always_inline]] void write_bytes(uint8_t* p, IVec v) const {
    const ByteVec bytes = __builtin_convertvector(v, ByteVec);
    if (count == kLanes) {
      *reinterpret_cast<ByteVecInMemory*>(p + c) = bytes;
    } else {
      for (int64_t i = 0; i < count; ++i) p[c + i] = bytes[i];
    }
  }
};

/// body(Channels) for vectors that cover all channels. Where they do not divide, the last vector
/// overlaps its neighbour and does some channels twice, which costs less than a short vector; so
/// the body must write what does not depend on what it wrote before.
template <class Body> [[gnu::always_inline]] inline void for_channels(int64_t channels, Body body) {
  if (channels < kLanes) {
    if (channels > 0) body(Channels{0, channels});
    return;
  }
  for (int64_t c = 0; c + kLanes <= channels; c += kLanes) body(Channels{c, kLanes});
  if (channels % kLanes != 0) body(Channels{channels - kLanes, kLanes});
}

/// Stores a window's maximum and, unless `winner` is null, its place.
[[gnu::always_inline]] inline void store_best(Channels lanes, Best best, float* y,
                                              uint8_t* winner) {
  lanes.write(y, best.value);
  if (winner != nullptr) lanes.write_bytes(winner, best.winner);
}

/// The pixels of a window along one axis, [begin, end), that lie inside the image.
struct Inside {
  int64_t begin, end;
  Inside(int64_t first, int64_t window, int64_t size)
      : begin(max_of(0, -first)), end(min_of(window, size - first)) {}
};

/// The windows p of `count` along one axis that hold a place, counted from the padding's begin:
/// p * stride <= place < p * stride + window.
struct Holders {
  int64_t begin, end;
  Holders(int64_t place, int64_t window, int64_t stride, int64_t count)
      : begin(place < window ? 0 : (place - window) / stride + 1),
        end(min_of(place / stride + 1, count)) {}
};

/// One row of outputs of any window.
void max_pool_row(const Pool2dShape& s, const float* image, int64_t p, float* y, uint8_t* winner) {
  const int64_t top = p * s.stride_h - s.pad_h;
  const Inside rows(top, s.kh, s.h);
  for (int64_t q = 0; q < s.ow(); ++q) {
    const int64_t left = q * s.stride_w - s.pad_w;
    const Inside columns(left, s.kw, s.w);
    for_channels(
        s.c, [&](Channels lanes) __attribute__((always_inline)) {
          const auto tap = [&](int64_t i, int64_t j) {
            return lanes.read(image + ((top + i) * s.w + left + j) * s.c);
          };
          Best best{tap(rows.begin, columns.begin), IVec{}};
          best.winner += int32_t(rows.begin * s.kw + columns.begin);
          for (int64_t i = rows.begin; i < rows.end; ++i) {
            for (int64_t j = columns.begin; j < columns.end; ++j) {
              // The first tap meets itself and does not take over.
              consider(best, tap(i, j), int32_t(i * s.kw + j));
            }
          }
          store_best(lanes, best, y + q * s.c, winner == nullptr ? nullptr : winner + q * s.c);
        });
  }
}

/// The same for a small window that tiles the image, unrolled.
template <int kH, int kW>
void max_pool_tiled_row(const Pool2dShape& s, const float* image, int64_t p, float* y,
                        uint8_t* winner) {
  for (int64_t q = 0; q < s.ow(); ++q) {
    const float* first = image + (p * kH * s.w + q * kW) * s.c;
    for_channels(
        s.c, [&](Channels lanes) __attribute__((always_inline)) {
          Best best{lanes.read(first), IVec{}};
          for (int32_t tap = 1; tap < kH * kW; ++tap) {
            consider(best, lanes.read(first + (tap / kW * s.w + tap % kW) * s.c), tap);
          }
          store_best(lanes, best, y + q * s.c, winner == nullptr ? nullptr : winner + q * s.c);
        });
  }
}

/// Windows of few channels that tile the image: lanes over channels would idle, so they run along the
/// rows of the image. First each column's largest over the rows of the window, then, number by
/// number, the largest of KW columns. kRun numbers of a row at a time.
constexpr int64_t kRun = 256;
inline bool is_narrow(const Pool2dShape& s) {
  return s.tiles() && s.c > 0 && s.c < kLanes && s.kw * s.c <= kRun;
}

/// Numbers as integers of the same order, NaN above all and the two zeros equal, so that the largest
/// can be found without branches, which random numbers would mispredict.
[[gnu::always_inline]] inline IVec order_of(Vec v) {
  const IVec bits = bits_of(v + 0.0f);  // -0 becomes 0
  return v != v ? IVec{} + 0x7fffffff : bits ^ ((bits >> 31) & 0x7fffffff);
}

void max_pool_narrow_row(const Pool2dShape& s, const float* image, int64_t p, float* y,
                         uint8_t* winner) {
  const int64_t width = s.kw * s.c;  // of a window
  const int64_t at_once = kRun / width;
  float largest[kRun + kLanes];
  int32_t order[kRun + kLanes], before[kRun + kLanes];
  for (int64_t first = 0; first < s.ow(); first += at_once) {
    const int64_t windows = min_of(at_once, s.ow() - first), numbers = windows * width;
    const float* top = image + p * s.kh * s.w * s.c + first * width;
    for_channels(
        numbers, [&](Channels lanes) __attribute__((always_inline)) {
          Best best{lanes.read(top), IVec{}};
          for (int32_t i = 1; i < s.kh; ++i) consider(best, lanes.read(top + i * s.w * s.c), i);
          const IVec keys = order_of(best.value);
          const IVec low = int32_t(kMaxPoolWindow) - best.winner * int32_t(s.kw);
          store(largest + lanes.c, best.value);
          __builtin_memcpy(order + lanes.c, &keys, sizeof(keys));
          __builtin_memcpy(before + lanes.c, &low, sizeof(low));
        });
    for (int64_t q = 0; q < windows; ++q) {
      for (int64_t c = 0; c < s.c; ++c) {
        // The largest key has the largest number and, of equals, the earliest place.
        int64_t best = INT64_MIN;
        for (int64_t j = 0; j < s.kw; ++j) {
          const int64_t e = q * width + j * s.c + c;
          best = max_of(best, (int64_t(order[e]) << 32) + (before[e] - j));
        }
        const int64_t place = kMaxPoolWindow - (best & 0xffffffff);
        const int64_t out = (first + q) * s.c + c;
        y[out] = largest[q * width + place % s.kw * s.c + c];
        if (winner != nullptr) winner[out] = uint8_t(place);
      }
    }
  }
}

/// dx of one image for such windows: zeros, and each winner's gradient.
void pool_scatter_narrow(const Pool2dShape& s, const float* g, const uint8_t* winner, float* dx) {
  const int64_t row = s.w * s.c;
  for (int64_t i = 0; i < s.h * row; ++i) dx[i] = 0;
  for (int64_t p = 0; p < s.oh(); ++p) {
    for (int64_t q = 0; q < s.ow(); ++q) {
      for (int64_t c = 0; c < s.c; ++c) {
        const int64_t at = (p * s.ow() + q) * s.c + c, place = winner[at];
        if (place >= s.kh * s.kw) continue;
        dx[(p * s.kh + place / s.kw) * row + (q * s.kw + place % s.kw) * s.c + c] = g[at];
      }
    }
  }
}

void max_pool(const Pool2dShape& s, const float* x, float* y, uint8_t* winner) {
  const bool two_rows = s.tiles() && s.kh == 2;
  const auto row_kernel = is_narrow(s)            ? max_pool_narrow_row
                          : two_rows && s.kw == 2 ? max_pool_tiled_row<2, 2>
                          : two_rows && s.kw == 1 ? max_pool_tiled_row<2, 1>
                                                  : max_pool_row;
  const int64_t oh = s.oh(), row = s.ow() * s.c;
  share_out(s.n, oh, s.x_size() >= kSerialElements, [=](int64_t n, int64_t p) {
    const int64_t at = (n * oh + p) * row;
    row_kernel(s, x + n * s.h * s.w * s.c, p, y + at, winner == nullptr ? nullptr : winner + at);
  });
}

/// dx's row h where windows kW wide (0: s.kw) tile the image: each pixel lies in one window, or in
/// none at the end.
template <int kW>
void pool_scatter_tiled_row(const Pool2dShape& s, int64_t h, const float* g, const uint8_t* winner,
                            float* dx) {
  const int64_t kw = kW > 0 ? kW : s.kw, p = h / s.kh, ow = p < s.oh() ? s.ow() : 0;
  const int32_t first = int32_t(h % s.kh * kw);
  for (int64_t q = 0; q < ow; ++q) {
    const int64_t at = (p * ow + q) * s.c;
    for_channels(
        s.c, [&](Channels lanes) __attribute__((always_inline)) {
          const Vec from = lanes.read(g + at);
          const IVec won = lanes.read_bytes(winner + at) - first;
          for (int64_t j = 0; j < kw; ++j) {
            lanes.write(dx + (q * kw + j) * s.c, won == int32_t(j) ? from : Vec{});
          }
        });
  }
  for (int64_t i = ow * kw * s.c; i < s.w * s.c; ++i) dx[i] = 0;
}

/// dx's row h for any window: zeros, to which each window over it adds, in their order.
void pool_scatter_row(const Pool2dShape& s, int64_t h, const float* g, const uint8_t* winner,
                      float* dx) {
  const int64_t ow = s.ow(), y = h + s.pad_h;
  const Holders holders(y, s.kh, s.stride_h, s.oh());
  for (int64_t i = 0; i < s.w * s.c; ++i) dx[i] = 0;
  for (int64_t p = holders.begin; p < holders.end; ++p) {
    const int32_t first = int32_t((y - p * s.stride_h) * s.kw);
    for (int64_t q = 0; q < ow; ++q) {
      const int64_t at = (p * ow + q) * s.c, left = q * s.stride_w - s.pad_w;
      const Inside columns(left, s.kw, s.w);
      // A vector that overlaps its neighbour would add twice: the last one is short.
      for (int64_t c = 0; c < s.c; c += kLanes) {
        const Channels lanes{c, min_of(kLanes, s.c - c)};
        const Vec from = lanes.read(g + at);
        const IVec won = lanes.read_bytes(winner + at) - first;
        for (int64_t j = columns.begin; j < columns.end; ++j) {
          float* pixel = dx + (left + j) * s.c;
          lanes.write(pixel, lanes.read(pixel) + (won == int32_t(j) ? from : Vec{}));
        }
      }
    }
  }
}

void pool_scatter(const Pool2dShape& s, const float* g, const uint8_t* winner, float* dx) {
  const int64_t row = s.w * s.c, out = s.oh() * s.ow() * s.c;
  if (is_narrow(s)) {
    share_out(s.n, s.x_size() >= kSerialElements, [=](int64_t n) {
      pool_scatter_narrow(s, g + n * out, winner + n * out, dx + n * s.h * row);
    });
    return;
  }
  const auto row_kernel = !s.tiles()  ? pool_scatter_row
                          : s.kw == 1 ? pool_scatter_tiled_row<1>
                          : s.kw == 2 ? pool_scatter_tiled_row<2>
                                      : pool_scatter_tiled_row<0>;
  share_out(s.n, s.h, s.x_size() >= kSerialElements, [=](int64_t n, int64_t h) {
    row_kernel(s, h, g + n * out, winner + n * out, dx + (n * s.h + h) * row);
  });
}

void pool_gather(const Pool2dShape& s, const float* x, const uint8_t* winner, float* y) {
  const int64_t oh = s.oh(), ow = s.ow();
  share_out(s.n, oh, s.x_size() >= kSerialElements, [=](int64_t n, int64_t p) {
    const float* image = x + n * s.h * s.w * s.c;
    const int64_t top = p * s.stride_h - s.pad_h;
    const Inside rows(top, s.kh, s.h);
    for (int64_t q = 0; q < ow; ++q) {
      const int64_t left = q * s.stride_w - s.pad_w, at = ((n * oh + p) * ow + q) * s.c;
      const Inside columns(left, s.kw, s.w);
      for_channels(
          s.c, [&](Channels lanes) __attribute__((always_inline)) {
            const IVec won = lanes.read_bytes(winner + at);
            Vec found = {};
            for (int64_t i = rows.begin; i < rows.end; ++i) {
              for (int64_t j = columns.begin; j < columns.end; ++j) {
                const float* pixel = image + ((top + i) * s.w + left + j) * s.c;
                found = won == int32_t(i * s.kw + j) ? lanes.read(pixel) : found;
              }
            }
            lanes.write(y + at, found);
          });
    }
  });
}

void avg_pool(const Pool2dShape& s, const float* x, float* y) {
  const int64_t oh = s.oh(), ow = s.ow();
  const float share = 1.0f / float(s.kh * s.kw);
  share_out(s.n, oh, s.x_size() >= kSerialElements, [=](int64_t n, int64_t p) {
    const float* image = x + n * s.h * s.w * s.c;
    const int64_t top = p * s.stride_h - s.pad_h;
    const Inside rows(top, s.kh, s.h);
    for (int64_t q = 0; q < ow; ++q) {
      const int64_t left = q * s.stride_w - s.pad_w;
      const Inside columns(left, s.kw, s.w);
      for_channels(
          s.c, [&](Channels lanes) __attribute__((always_inline)) {
            Vec sum = {};
            for (int64_t i = rows.begin; i < rows.end; ++i) {
              for (int64_t j = columns.begin; j < columns.end; ++j) {
                sum += lanes.read(image + ((top + i) * s.w + left + j) * s.c);
              }
            }
            lanes.write(y + ((n * oh + p) * ow + q) * s.c, sum * share);
          });
    }
  });
}

/// Each pixel gathers from the windows that hold it, and so is written once.
void avg_pool_backward(const Pool2dShape& s, const float* g, float* dx) {
  const int64_t oh = s.oh(), ow = s.ow();
  const float share = 1.0f / float(s.kh * s.kw);
  share_out(s.n, s.h, s.x_size() >= kSerialElements, [=](int64_t n, int64_t h) {
    const Holders rows(h + s.pad_h, s.kh, s.stride_h, oh);
    for (int64_t w = 0; w < s.w; ++w) {
      const Holders columns(w + s.pad_w, s.kw, s.stride_w, ow);
      for_channels(
          s.c, [&](Channels lanes) __attribute__((always_inline)) {
            Vec sum = {};
            for (int64_t p = rows.begin; p < rows.end; ++p) {
              for (int64_t q = columns.begin; q < columns.end; ++q) {
                sum += lanes.read(g + ((n * oh + p) * ow + q) * s.c);
              }
            }
            lanes.write(dx + ((n * s.h + h) * s.w + w) * s.c, sum * share);
          });
    }
  });
}
