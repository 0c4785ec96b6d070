// Convolutions whose result has one channel: the classic 1-to-1 filters, and backward to a
// one-channel image. Vectors of output channels would leave all lanes but one idle; here a vector
// is a run of neighbouring output pixels of one row instead. For that the input is copied a strip
// at a time into planes, one a channel, padded with zeros all round; or read where it lies, where
// that is one plane already.
//
// What bounds such a loop is loads: one of x for each multiply-add, most of them across two lines
// of the cache. So a strip of output rows is summed at once, and a vector of x, once loaded, serves
// all rows whose windows see it, as many as the window has rows.

constexpr int64_t kNarrowRows = kTileRows > 8 ? 8 : 4;  // of a strip: as many as registers hold
constexpr int64_t kNarrowVecs = 2;
constexpr int64_t kNarrowTaps = 4;  // window rows at once

/// Floats of a row of a plane: whole vectors of pixels, and what the window adds.
int64_t plane_row(const Correlation& s) {
  return round_up(s.out_w, kNarrowVecs * kLanes) + (s.taps_w - 1) * s.dilation_w;
}
int64_t plane_rows(const Correlation& s) {
  return (kNarrowRows - 1) * s.stride_h + (s.taps_h - 1) * s.dilation_h + 1;
}

bool is_narrow(const Correlation& s) {
  constexpr int64_t kDeepest = 64;  // deeper, the planes outgrow the L2 cache
  return s.width == 1 && s.stride_w == 1 && s.out_pixel == 1 && s.depth <= kDeepest &&
         s.taps_h * s.taps_w > 0;
}

int64_t narrow_size(const Correlation& s) {
  return round_up(s.depth * plane_rows(s) * plane_row(s), 16);
}

/// `count` pixels of `depth` channels into planes `plane` floats apart.
void split_channels(const float* pixels, int64_t count, int64_t depth, int64_t plane, float* out) {
  if (depth == 1) {
    __builtin_memcpy(out, pixels, sizeof(float) * static_cast<size_t>(count));
    return;
  }
  for (int64_t q = 0; q < count; q += kLanes) {
    for (int64_t c = 0; c < depth; c += kLanes) {
      const int64_t across = min_of(kLanes, count - q), deep = min_of(kLanes, depth - c);
      Vec block[kLanes] = {};
      for (int64_t e = 0; e < across; ++e) {
        block[e] = load_columns(pixels + (q + e) * depth + c, deep);
      }
      transpose(block);
      for (int64_t e = 0; e < deep; ++e) {
        float* to = out + (c + e) * plane + q;
        if (across == kLanes) {
          store(to, block[e]);
        } else {
          store_first(to, block[e], across);
        }
      }
    }
  }
}

/// Input rows [low, low + plane_rows) and columns from -pad_w on, zeros outside the image.
void copy_planes(const Correlation& s, const float* image, int64_t low, float* out) {
  const int64_t length = plane_row(s), rows = plane_rows(s);
  const int64_t left = clamp_of(s.pad_w, 0, length), first = clamp_of(-s.pad_w, 0, s.in_w);
  const int64_t inside = clamp_of(s.in_w - first, 0, length - left);
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t h = low + r;
    const bool exists = h >= 0 && h < s.in_h;
    const int64_t begin = exists ? left : 0, end = exists ? left + inside : 0;
    for (int64_t c = 0; c < s.depth; ++c) {
      float* row = out + (c * rows + r) * length;
      for (int64_t e = 0; e < begin; ++e) row[e] = 0.0f;
      for (int64_t e = end; e < length; ++e) row[e] = 0.0f;
    }
    if (!exists) continue;
    split_channels(image + (h * s.in_w + first) * s.depth, inside, s.depth, rows * length,
                   out + r * length + begin);
  }
}

/// One plane a channel, or the image itself: distances in floats.
struct Planes {
  const float* first;  ///< under the window of the first output
  int64_t row, plane;
};

/// Adds kTaps window rows of one channel to kRows output rows, kNarrowVecs vectors of pixels each.
/// `down` is the way from a row of x to the next that is read, `w_row` that between window rows.
template <int kRows, int kTaps>
void narrow_taps(const Correlation& s, const float* x, int64_t down, const float* w, int64_t w_row,
                 Vec (&sums)[kRows][kNarrowVecs]) {
  Vec sum[kRows][kNarrowVecs];
#pragma GCC unroll 8
  for (int p = 0; p < kRows; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < kNarrowVecs; ++v) sum[p][v] = sums[p][v];
  }
  for (int64_t j = 0; j < s.taps_w; ++j) {
    Vec weight[kTaps];
#pragma GCC unroll 4
    for (int i = 0; i < kTaps; ++i) weight[i] = broadcast(w[i * w_row]);
    const float* row = x;
#pragma GCC unroll 16
    for (int r = 0; r < kRows + kTaps - 1; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < kNarrowVecs; ++v) {
        const Vec seen = load(row + v * kLanes);
#pragma GCC unroll 4
        for (int i = 0; i < kTaps; ++i) {
          if (r - i >= 0 && r - i < kRows) sum[r - i][v] += weight[i] * seen;
        }
      }
      row += down;
    }
    x += s.dilation_w;
    w += s.depth * kLanes;
  }
#pragma GCC unroll 8
  for (int p = 0; p < kRows; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < kNarrowVecs; ++v) sums[p][v] = sum[p][v];
  }
}

/// All that a window sees of the planes. Every sum adds in the order (channel, group of
/// rows, column, row), whatever its place in a strip.
template <int kRows>
void narrow_tile(const Correlation& s, const Planes& in, const float* packed,
                 Vec (&sum)[kRows][kNarrowVecs]) {
  const int64_t w_row = s.taps_w * s.depth * kLanes, down = s.stride_h * in.row;
  const int64_t most = s.stride_h == 1 && s.dilation_h == 1 ? kNarrowTaps : 1;
  for (int64_t c = 0; c < s.depth; ++c) {
    for (int64_t i = 0; i < s.taps_h;) {
      const int64_t taps = min_of(most, s.taps_h - i);
      const float* x = in.first + c * in.plane + i * s.dilation_h * in.row;
      const float* w = packed + i * w_row + c * kLanes;
      if (taps == 4) {
        narrow_taps<kRows, 4>(s, x, down, w, w_row, sum);
      } else if (taps == 3) {
        narrow_taps<kRows, 3>(s, x, down, w, w_row, sum);
      } else if (taps == 2) {
        narrow_taps<kRows, 2>(s, x, down, w, w_row, sum);
      } else {
        narrow_taps<kRows, 1>(s, x, down, w, w_row, sum);
      }
      i += taps;
    }
  }
}

/// `rows` <= kRows output rows.
template <int kRows = kNarrowRows>
void narrow_rows(int64_t rows, const Correlation& s, Planes in, const float* packed,
                 const Conv2dEpilogue<float>& then, float* y) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return narrow_rows<kRows - 1>(rows, s, in, packed, then, y);
  }
  const Vec start = broadcast(then.bias ? *then.bias : 0.0f);
  for (int64_t q = 0; q < s.out_w; q += kNarrowVecs * kLanes) {
    Vec sum[kRows][kNarrowVecs];
    for (int p = 0; p < kRows; ++p) {
      for (int v = 0; v < kNarrowVecs; ++v) sum[p][v] = start;
    }
    narrow_tile<kRows>(s, in, packed, sum);
    for (int p = 0; p < kRows; ++p) {
      for (int v = 0; v < kNarrowVecs; ++v) {
        const int64_t exist = s.out_w - q - v * kLanes;
        const Vec out = then.relu ? rectified(sum[p][v]) : sum[p][v];
        float* to = y + p * s.out_row + q + v * kLanes;
        if (exist >= kLanes) {
          store(to, out);
        } else if (exist > 0) {
          store_first(to, out, exist);
        }
      }
    }
    in.first += kNarrowVecs * kLanes;
  }
}

/// Can output rows [begin, end) of an image read x itself? Not where windows reach outside the
/// image, nor where whole vectors of pixels reach beyond the end of x.
bool reads_in_place(const Correlation& s, int64_t image, int64_t begin, int64_t end) {
  const int64_t low = begin * s.stride_h - s.pad_h;
  const int64_t last = (end - 1) * s.stride_h - s.pad_h + (s.taps_h - 1) * s.dilation_h;
  if (s.depth != 1 || s.needs_copy() || low < 0 || last >= s.in_h) return false;
  return (image * s.in_h + last) * s.in_w - s.pad_w + plane_row(s) <= s.n * s.in_h * s.in_w;
}

/// A narrow correlation, with bias and ReLU but no pool.
void correlate_narrow(const Correlation& s, const float* x, const float* packed,
                      const Conv2dEpilogue<float>& then, float* y, float* scratch) {
  if (s.out_h <= 0 || s.out_w <= 0) return;
  const bool parallel = s.n * s.out_h * s.out_w * s.reduction() >= kSerialMultiplyAdds;
  const int64_t strips = ceil_div(s.out_h, kNarrowRows);
  share_out(s.n, strips, parallel, [&](int64_t image, int64_t strip) {
    const int64_t begin = s.out_h * strip / strips, end = s.out_h * (strip + 1) / strips;
    const int64_t low = begin * s.stride_h - s.pad_h;
    const float* in = x + image * s.in_h * s.in_w * s.depth;
    Planes planes = {.first = in + low * s.in_w - s.pad_w, .row = s.in_w, .plane = 0};
    if (!reads_in_place(s, image, begin, end)) {
      float* copy = scratch + omp_get_thread_num() * narrow_size(s);
      copy_planes(s, in, low, copy);
      planes = {.first = copy, .row = plane_row(s), .plane = plane_rows(s) * plane_row(s)};
    }
    narrow_rows(end - begin, s, planes, packed, then, y + image * s.out_image + begin * s.out_row);
  });
}

// Backward to the weights of a 1-to-1 filter: every tap is a dot product of g with x shifted, a
// vector of pixels at a time; the lanes are added at the end. Here too a vector of x serves several
// window rows: tap (i, j) multiplies x of row r by g of row r - i, and the last rows of g stay in
// registers as r moves down the image.

constexpr int64_t kFilterRows = 4;                         // taps at once: window rows
constexpr int64_t kFilterColumns = kTileRows > 8 ? 4 : 2;  // and columns

bool is_filter(const Conv2dShape& s) { return s.c == 1 && s.k == 1 && s.stride_w == 1; }

/// Images are summed in so many parts at most, and a part in sums of its own, on lines of its own.
int64_t filter_parts(const Conv2dShape& s) { return clamp_of(s.n, 1, 16); }

int64_t filter_part(const Conv2dShape& s) { return round_up(s.w_size(), 16); }

/// Scratch of one thread: a vector for each tap, the padded image, then g with rows filled up to
/// whole vectors.
int64_t filter_row(const Conv2dShape& s) {
  return round_up(s.ow(), kLanes) + (s.kw - 1) * s.dilation_w;
}
int64_t filter_rows(const Conv2dShape& s) {
  return (s.oh() - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1;
}
int64_t filter_thread_scratch(const Conv2dShape& s) {
  return round_up(
      s.w_size() * kLanes + filter_rows(s) * filter_row(s) + s.oh() * round_up(s.ow(), kLanes), 16);
}
int64_t filter_scratch(const Conv2dShape& s) {
  return filter_parts(s) * filter_part(s) + omp_get_max_threads() * filter_thread_scratch(s);
}

/// x (padded) and g of one image, where vectors may be read whole at every pixel of a row: what is
/// behind the row is masked out.
struct FilterImage {
  const float *x, *g;
  int64_t x_row, g_row;
};

/// Adds one image to the sums of kI x kJ neighbouring taps, a vector each. kI > 1 needs stride and
/// dilation of 1 along the height.
template <int kI, int kJ>
void filter_taps(const Conv2dShape& s, const FilterImage& in, const float* under, float* sums) {
  const int64_t oh = s.oh(), ow = s.ow(), down = s.stride_h * in.x_row;
  Vec sum[kI][kJ];
#pragma GCC unroll 4
  for (int i = 0; i < kI; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kJ; ++j) sum[i][j] = load(sums + (i * s.kw + j) * kLanes);
  }
  for (int64_t q = 0; q < ow; q += kLanes) {
    const IVec exists = kLaneNumber < static_cast<int32_t>(min_of(kLanes, ow - q));
    const float *x = under + q, *g = in.g + q;
    Vec last_g[kI] = {};  // of rows r, r - 1, ...
    for (int64_t r = 0; r < oh + kI - 1; ++r) {
#pragma GCC unroll 4
      for (int i = kI - 1; i > 0; --i) last_g[i] = last_g[i - 1];
      if (r < oh) last_g[0] = exists ? load(g) : Vec{};
      const bool all = r >= kI - 1 && r < oh;
#pragma GCC unroll 4
      for (int j = 0; j < kJ; ++j) {
        const Vec seen = exists ? load(x + j * s.dilation_w) : Vec{};
        if (all) {
#pragma GCC unroll 4
          for (int i = 0; i < kI; ++i) sum[i][j] += last_g[i] * seen;
        } else {  // no products with rows that g lacks: 0 times infinity is not 0
#pragma GCC unroll 4
          for (int i = 0; i < kI; ++i) {
            if (r >= i && r - i < oh) sum[i][j] += last_g[i] * seen;
          }
        }
      }
      x += down;
      g += in.g_row;
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < kI; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < kJ; ++j) store(sums + (i * s.kw + j) * kLanes, sum[i][j]);
  }
}

/// All columns of `kI` window rows from row i on.
template <int kI>
void filter_window_rows(const Conv2dShape& s, const FilterImage& in, int64_t i, float* sums) {
  for (int64_t j = 0; j < s.kw;) {
    const float* under = in.x + i * s.dilation_h * in.x_row + j * s.dilation_w;
    float* to = sums + (i * s.kw + j) * kLanes;
    if (j + kFilterColumns <= s.kw) {
      filter_taps<kI, kFilterColumns>(s, in, under, to);
      j += kFilterColumns;
    } else {
      filter_taps<kI, 1>(s, in, under, to);
      ++j;
    }
  }
}

/// Image n where it lies, or copied with its padding where it has some or lies so near the end of x
/// and g that whole vectors would reach beyond.
FilterImage filter_image(const Conv2dShape& s, const float* x, const float* g, int64_t n,
                         float* scratch) {
  const int64_t length = filter_row(s), rows = filter_rows(s);
  const int64_t across = round_up(s.ow(), kLanes);
  const int64_t x_end = (n * s.h + rows - 1) * s.w + length;
  const int64_t g_end = ((n + 1) * s.oh() - 1) * s.ow() + across;
  x += n * s.h * s.w;
  g += n * s.oh() * s.ow();
  const bool padded = s.pad_h > 0 || s.pad_w > 0;
  if (!padded && x_end <= s.x_size() && g_end <= s.y_size()) return {x, g, s.w, s.ow()};
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t h = r - s.pad_h;
    const bool exists = h >= 0 && h < s.h;
    copy_padded(x + (exists ? h * s.w : 0), exists ? s.w : 0, 1, 1, length, s.pad_w,
                scratch + r * length);
  }
  copy_padded(g, s.ow(), 1, s.oh(), across, 0, scratch + rows * length);
  return {scratch, scratch + rows * length, length, across};
}

void filter_backward_weights(const Conv2dShape& s, const float* x, const float* g, float* dw,
                             float* scratch) {
  const int64_t parts = filter_parts(s), taps = s.w_size();
  const int64_t together = s.stride_h == 1 && s.dilation_h == 1 ? kFilterRows : 1;
  float* threads = scratch + parts * filter_part(s);
  share_out(parts, s.y_size() * taps >= kSerialMultiplyAdds, [&](int64_t part) {
    float* sums = threads + omp_get_thread_num() * filter_thread_scratch(s);
    for (int64_t t = 0; t < taps; ++t) store(sums + t * kLanes, Vec{});
    for (int64_t n = s.n * part / parts; n < s.n * (part + 1) / parts; ++n) {
      const FilterImage image = filter_image(s, x, g, n, sums + taps * kLanes);
      for (int64_t i = 0; i < s.kh;) {
        const int64_t rows = min_of(together, s.kh - i);
        if (rows == 4) {
          filter_window_rows<4>(s, image, i, sums);
        } else if (rows == 3) {
          filter_window_rows<3>(s, image, i, sums);
        } else if (rows == 2) {
          filter_window_rows<2>(s, image, i, sums);
        } else {
          filter_window_rows<1>(s, image, i, sums);
        }
        i += rows;
      }
    }
    float* out = scratch + part * filter_part(s);
    for (int64_t t = 0; t < taps; ++t) out[t] = sum_of_lanes(load(sums + t * kLanes));
  });
  for (int64_t t = 0; t < taps; ++t) {
    float sum = 0.0f;
    for (int64_t part = 0; part < parts; ++part) sum += scratch[part * filter_part(s) + t];
    dw[t] = sum;
  }
}
