// Direct convolution, forward and backward to the data, as register tiles over output pixels.
//
// In channels-last order the numbers under one row of the window, (j, c), lie next to each other,
// and neighbouring output pixels see them stride_w * C floats further on. So the tile of tile.inl
// can walk the input itself, with no im2col: a = the input row, lda = stride_w * C, one run of KW *
// C products for each window row. Window rows that fall outside the image are skipped. Only zeros
// left and right need memory: a strip of rows copied with its padding into scratch.

/// A correlation whose output may be spread out in memory, as backward_data with a stride needs it.
struct Correlation {
  int64_t n, in_h, in_w, depth;  ///< input pixels of `depth` channels
  int64_t out_h, out_w, width;   ///< output pixels of `width` channels
  int64_t taps_h, taps_w;        ///< the window
  int64_t stride_h, stride_w, dilation_h, dilation_w;
  int64_t pad_h, pad_w;                   ///< negative crops
  int64_t out_image, out_row, out_pixel;  ///< distances in the output, in floats

  int64_t reduction() const { return taps_h * taps_w * depth; }
  /// Input columns under one output row.
  int64_t span_w() const { return (out_w - 1) * stride_w + (taps_w - 1) * dilation_w + 1; }
  /// Whether the windows reach beyond the image on the left or on the right.
  bool needs_copy() const { return pad_w > 0 || span_w() - pad_w > in_w; }
};

inline int64_t clamp_of(int64_t v, int64_t low, int64_t high) {
  return max_of(low, min_of(v, high));
}

/// Window rows [first, last) of output row p that lie inside the image.
struct Range {
  int64_t first, last;
};
inline Range valid_taps(int64_t start, int64_t dilation, int64_t taps, int64_t size) {
  const int64_t first = start >= 0 ? 0 : ceil_div(-start, dilation);
  const int64_t last = start >= size ? 0 : ceil_div(size - start, dilation);
  return {min_of(first, taps), max_of(min_of(first, taps), min_of(last, taps))};
}

/// Output rows that one thread does at a time: few enough that their input stays in the L2 cache,
/// and at least 16 strips in all so that many threads find work. Even, so that a pooling window
/// lies in one strip.
int64_t strip_rows(const Correlation& s) {
  constexpr int64_t kBudget = 1 << 15, kUnits = 16;
  const int64_t rows = kBudget / max_of(1, s.span_w() * s.depth) - (s.taps_h - 1) * s.dilation_h;
  const int64_t fit = max_of(1, rows / s.stride_h);
  const int64_t share = ceil_div(s.out_h, ceil_div(kUnits, max_of(1, s.n)));
  return round_up(max_of(1, min_of(fit, share)), 2);
}

int64_t strip_size(const Correlation& s) {
  if (!s.needs_copy()) return 0;
  const int64_t rows = (strip_rows(s) - 1) * s.stride_h + (s.taps_h - 1) * s.dilation_h + 1;
  return round_up(max_of(0, rows) * s.span_w() * s.depth, 16);
}

/// `rows` rows of `columns` columns that begin `pad` columns left of the image (right of its edge
/// if negative), zeros outside it.
void copy_padded(const float* image, int64_t width, int64_t depth, int64_t rows, int64_t columns,
                 int64_t pad, float* out) {
  const int64_t left = clamp_of(pad, 0, columns) * depth;
  const int64_t first = clamp_of(-pad, 0, width);
  const int64_t inside = (clamp_of(columns - pad, first, width) - first) * depth;
  for (int64_t r = 0; r < rows; ++r) {
    const float* in = image + (r * width + first) * depth;
    float* to = out + r * columns * depth;
    for (int64_t i = 0; i < left; ++i) to[i] = 0.0f;
    __builtin_memcpy(to + left, in, sizeof(float) * static_cast<size_t>(inside));
    for (int64_t i = left + inside; i < columns * depth; ++i) to[i] = 0.0f;
  }
}

/// Where the results of a correlation go: through an epilogue, which only the forward face has.
struct Destination {
  Conv2dEpilogue<float> then;
  float* y;

  /// Output rows and columns that the pool does not drop.
  int64_t rows(const Correlation& s) const { return s.out_h / then.pool_h * then.pool_h; }
  int64_t columns(const Correlation& s) const { return s.out_w / then.pool_w * then.pool_w; }
};

/// Input rows of a strip: `rows` points at input row `first_row`, at the column under the left end
/// of the window of output column 0. `offsets`, if not null: the distances of all (i, j, c).
struct StripInput {
  const float* rows;
  int64_t row_stride, first_row;
  const int64_t* offsets;
};

// Where window rows are short, a loop for each costs more than its products: all taps are listed.
constexpr int64_t kListedSteps = 64;
bool lists_steps(const Correlation& s) {
  return s.taps_w * s.depth <= 8 && s.reduction() <= kListedSteps;
}

/// The tile of output row p and one panel, all but its output.
Tile tile_of_row(const Correlation& s, const StripInput& in, int64_t p, int64_t panel,
                 const float* packed, const Conv2dEpilogue<float>& then) {
  const bool joined = s.dilation_w == 1;  // window columns adjoin: one run for all of them
  const int64_t width = panel_width(s.width, panel);
  const int64_t start = p * s.stride_h - s.pad_h;
  const Range taps = valid_taps(start, s.dilation_h, s.taps_h, s.in_h);
  Tile t = {
      .a = in.rows + (start + taps.first * s.dilation_h - in.first_row) * in.row_stride,
      .lda = s.stride_w * s.depth,
      .steps_h = taps.last - taps.first,
      .steps_w = joined ? 1 : s.taps_w,
      .a_step_h = s.dilation_h * in.row_stride,
      .a_step_w = s.dilation_w * s.depth,
      .length = joined ? s.taps_w * s.depth : s.depth,
      .b = packed + panel * kPanel * s.reduction() + taps.first * s.taps_w * s.depth * width,
      .ldb = width,
      .c = nullptr,
      .ldc = 0,
      .columns = min_of(kPanel, s.width - panel * kPanel),
      .accumulate = false,
      .bias = then.bias ? then.bias + panel * kPanel : nullptr,
      .relu = then.relu && !then.pools(),
  };
  if (in.offsets) {
    t.length = (taps.last - taps.first) * s.taps_w * s.depth;
    t.steps_h = t.steps_w = 1;
    t.offsets = in.offsets;
  }
  return t;
}

void run_row(const StripInput& in, int64_t pixels, const Tile& t) {
  if (in.offsets && is_first_layer(t)) {
    first_layer_row(pixels, t);
  } else if (in.offsets) {
    tile_rows<ReadA::listed_steps>(pixels, t);
  } else {
    tile_rows<ReadA::rows>(pixels, t);
  }
}

/// Output rows p ... p + pool_h - 1 of one panel, pooled: a piece of them at a time is kept in the
/// L1 cache, and only the maxima leave it.
void pooled_rows(const Correlation& s, const StripInput& in, int64_t image, int64_t p,
                 int64_t panel, const float* packed, const Destination& out) {
  constexpr int64_t kPixels = 64;
  const Conv2dEpilogue<float>& then = out.then;
  alignas(64) float sums[2 * kPixels * kPanel];
  const int64_t columns = out.columns(s);
  const int64_t each = round_up(ceil_div(columns, ceil_div(columns, kPixels)), 2);
  const SumRows piece = {.sums = sums,
                         .row = kPixels * kPanel,
                         .pixel = kPanel,
                         .channels = min_of(kPanel, s.width - panel * kPanel)};
  for (int64_t first = 0; first < columns; first += each) {
    const int64_t count = min_of(each, columns - first);
    for (int64_t i = 0; i < then.pool_h; ++i) {
      Tile t = tile_of_row(s, in, p + i, panel, packed, then);
      t.a += first * t.lda;
      t.c = sums + i * piece.row;
      t.ldc = piece.pixel;
      run_row(in, count, t);
    }
    const int64_t y_row = image * (s.out_h / then.pool_h) + p / then.pool_h;
    const int64_t at =
        (y_row * (columns / then.pool_w) + first / then.pool_w) * s.width + panel * kPanel;
    pool_rows(then, piece, count / then.pool_w, s.width, out.y + at,
              then.winner ? then.winner + at : nullptr);
  }
}

/// Output rows [begin, end) of one image, all panels.
void correlate_strip(const Correlation& s, const StripInput& in, int64_t image, int64_t begin,
                     int64_t end, const float* packed, const Destination& out) {
  for (int64_t panel = 0; panel < panel_count(s.width); ++panel) {
    for (int64_t p = begin; p < end; p += out.then.pool_h) {
      if (out.then.pools()) {
        pooled_rows(s, in, image, p, panel, packed, out);
        continue;
      }
      Tile t = tile_of_row(s, in, p, panel, packed, out.then);
      t.c = out.y + image * s.out_image + p * s.out_row + panel * kPanel;
      t.ldc = s.out_pixel;
      run_row(in, s.out_w, t);
    }
  }
}

void correlate(const Correlation& s, const float* x, const float* packed, const Destination& out,
               float* strips) {
  const int64_t rows = out.rows(s);
  if (rows <= 0 || out.columns(s) <= 0) return;
  const int64_t each = strip_rows(s);
  const int64_t products = s.n * s.out_h * s.out_w * s.width * s.reduction();
  const bool parallel = products >= kSerialMultiplyAdds;
  share_out(s.n, ceil_div(rows, each), parallel, [&](int64_t image, int64_t strip) {
    const int64_t begin = strip * each;
    const int64_t end = min_of(begin + each, rows);
    const int64_t low = clamp_of(begin * s.stride_h - s.pad_h, 0, s.in_h);
    const int64_t high =
        clamp_of((end - 1) * s.stride_h - s.pad_h + (s.taps_h - 1) * s.dilation_h + 1, low, s.in_h);
    const float* first = x + (image * s.in_h + low) * s.in_w * s.depth;
    StripInput in = {.rows = first - s.pad_w * s.depth,  // of a crop: start further right
                     .row_stride = s.in_w * s.depth,
                     .first_row = low,
                     .offsets = nullptr};
    if (s.needs_copy()) {
      float* copy = strips + omp_get_thread_num() * strip_size(s);
      copy_padded(first, s.in_w, s.depth, high - low, s.span_w(), s.pad_w, copy);
      in.rows = copy;
      in.row_stride = s.span_w() * s.depth;
    }
    int64_t offsets[kListedSteps];
    if (lists_steps(s)) {
      int64_t* next = offsets;
      for (int64_t i = 0; i < s.taps_h; ++i) {
        for (int64_t j = 0; j < s.taps_w; ++j) {
          for (int64_t c = 0; c < s.depth; ++c) {
            *next++ = i * s.dilation_h * in.row_stride + j * s.dilation_w * s.depth + c;
          }
        }
      }
      in.offsets = offsets;
    }
    correlate_strip(s, in, image, begin, end, packed, out);
  });
}

// conv2d_narrow.inl, for a result of one channel.
bool is_narrow(const Correlation& s);
int64_t narrow_size(const Correlation& s);
void correlate_narrow(const Correlation& s, const float* x, const float* packed,
                      const Conv2dEpilogue<float>& then, float* y, float* scratch);

int64_t thread_scratch_of(const Correlation& s) {
  return max_of(strip_size(s), is_narrow(s) ? narrow_size(s) : 0);
}

/// A 1x1 window with stride 1 and no padding is a matrix product over all pixels.
inline bool is_pointwise(const Conv2dShape& s) {
  return s.kh == 1 && s.kw == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_h == 0 &&
         s.pad_w == 0;
}

Correlation forward_correlation(const Conv2dShape& s) {
  return {.n = s.n,
          .in_h = s.h,
          .in_w = s.w,
          .depth = s.c,
          .out_h = s.oh(),
          .out_w = s.ow(),
          .width = s.k,
          .taps_h = s.kh,
          .taps_w = s.kw,
          .stride_h = s.stride_h,
          .stride_w = s.stride_w,
          .dilation_h = s.dilation_h,
          .dilation_w = s.dilation_w,
          .pad_h = s.pad_h,
          .pad_w = s.pad_w,
          .out_image = s.oh() * s.ow() * s.k,
          .out_row = s.ow() * s.k,
          .out_pixel = s.k};
}

int64_t direct_packed_size(const Conv2dShape& s) { return packed_size(s.kh * s.kw * s.c, s.k); }

void direct_pack(const Conv2dShape& s, const float* w, float* packed) {
  const int64_t reduction = s.kh * s.kw * s.c;
  pack_panels(w, 1, reduction, reduction, s.k, packed);
}

void direct_forward(const Conv2dShape& s, const float* x, const float* packed,
                    const Conv2dEpilogue<float>& then, float* y, float* scratch) {
  const Correlation forward = forward_correlation(s);
  if (is_narrow(forward) && !then.pools()) {
    correlate_narrow(forward, x, packed, then, y, scratch);
  } else if (is_pointwise(s) && !then.pools()) {
    matmul_packed(s.n * s.h * s.w, s.k, s.c, x, false, packed, y, then);
  } else {
    correlate(forward, x, packed, {then, y}, scratch);
  }
}

int64_t direct_forward_scratch(const Conv2dShape& s) {
  return omp_get_max_threads() * thread_scratch_of(forward_correlation(s));
}

// Backward to the data: dx[h] = sum over the (p, i) with p * stride + i * dilation = h + pad of
// g[p] w[i]. Rows h of equal (h + pad) mod stride use the same taps, every (stride / gcd)-th one,
// and consecutive such rows use consecutive p: for each of these phases it is a correlation of g
// with stride 1, the taps in reverse order. With stride 1 there is one phase.

/// One phase of one axis.
struct Phase {
  int64_t first_out;  ///< smallest h of the phase; the others follow at distance `stride`
  int64_t outs;       ///< how many h
  int64_t first_tap, tap_step, taps;
  int64_t dilation;  ///< of the correlation over g
  int64_t pad;       ///< of the correlation over g
};

inline int64_t gcd_of(int64_t a, int64_t b) { return b == 0 ? a : gcd_of(b, a % b); }

Phase phase_of(int64_t remainder, int64_t size, int64_t pad, int64_t stride, int64_t dilation,
               int64_t kernel) {
  Phase phase = {};
  phase.first_out = ((remainder - pad) % stride + stride) % stride;
  phase.outs = phase.first_out < size ? ceil_div(size - phase.first_out, stride) : 0;
  const int64_t common = gcd_of(stride, dilation);
  phase.tap_step = stride / common;
  phase.dilation = dilation / common;
  while (phase.first_tap < kernel && phase.first_tap * dilation % stride != remainder) {
    ++phase.first_tap;
  }
  phase.taps = phase.first_tap < kernel ? ceil_div(kernel - phase.first_tap, phase.tap_step) : 0;
  if (phase.taps == 0) return phase;
  const int64_t first_p = (phase.first_out + pad - phase.first_tap * dilation) / stride;
  phase.pad = (phase.taps - 1) * phase.dilation - first_p;
  return phase;
}

Correlation phase_correlation(const Conv2dShape& s, const Phase& ph, const Phase& pw) {
  return {.n = s.n,
          .in_h = s.oh(),
          .in_w = s.ow(),
          .depth = s.k,
          .out_h = ph.outs,
          .out_w = pw.outs,
          .width = s.c,
          .taps_h = ph.taps,
          .taps_w = pw.taps,
          .stride_h = 1,
          .stride_w = 1,
          .dilation_h = ph.dilation,
          .dilation_w = pw.dilation,
          .pad_h = ph.pad,
          .pad_w = pw.pad,
          .out_image = s.h * s.w * s.c,
          .out_row = s.stride_h * s.w * s.c,
          .out_pixel = s.stride_w * s.c};
}

/// packed rows (i', j', k) of w[k, i, j, :], taps of the phase in reverse order.
void pack_reversed(const Conv2dShape& s, const Phase& ph, const Phase& pw, const float* w,
                   float* packed) {
  const int64_t taps = ph.taps * pw.taps;
  const bool parallel = taps * s.k * s.c >= kSerialElements;
  share_out(panel_count(s.c), taps, parallel, [&](int64_t panel, int64_t tap) {
    const int64_t i = ph.first_tap + (ph.taps - 1 - tap / pw.taps) * ph.tap_step;
    const int64_t j = pw.first_tap + (pw.taps - 1 - tap % pw.taps) * pw.tap_step;
    float* out = packed + panel * kPanel * taps * s.k + tap * s.k * panel_width(s.c, panel);
    pack_panel(w + (i * s.kw + j) * s.c, s.kh * s.kw * s.c, 1, 0, s.k, s.c, panel, out);
  });
}

/// visit(correlation, phase of h, phase of w, offset of its packed weights) for every phase.
template <class Visit> inline void for_each_phase(const Conv2dShape& s, const Visit& visit) {
  int64_t offset = 0;
  for (int64_t rh = 0; rh < s.stride_h; ++rh) {
    const Phase ph = phase_of(rh, s.h, s.pad_h, s.stride_h, s.dilation_h, s.kh);
    for (int64_t rw = 0; rw < s.stride_w; ++rw) {
      const Phase pw = phase_of(rw, s.w, s.pad_w, s.stride_w, s.dilation_w, s.kw);
      const Correlation backward = phase_correlation(s, ph, pw);
      visit(backward, ph, pw, offset);
      offset += round_up(packed_size(backward.reduction(), s.c), 16);
    }
  }
}

int64_t direct_data_packed_size(const Conv2dShape& s) {
  if (is_pointwise(s)) return packed_size(s.k, s.c);
  int64_t size = 0;
  for_each_phase(s, [&](const Correlation& c, const Phase&, const Phase&, int64_t offset) {
    size = offset + packed_size(c.reduction(), s.c);
  });
  return size;
}

void direct_data_pack(const Conv2dShape& s, const float* w, float* packed) {
  if (is_pointwise(s)) {
    pack_panels(w, s.c, 1, s.k, s.c, packed);
    return;
  }
  for_each_phase(s, [&](const Correlation&, const Phase& ph, const Phase& pw, int64_t offset) {
    pack_reversed(s, ph, pw, w, packed + offset);
  });
}

void direct_backward_data(const Conv2dShape& s, const float* packed, const float* g, float* dx,
                          float* scratch) {
  if (is_pointwise(s)) {
    matmul_packed(s.n * s.h * s.w, s.c, s.k, g, false, packed, dx);
    return;
  }
  for_each_phase(s, [&](const Correlation& c, const Phase& ph, const Phase& pw, int64_t offset) {
    if (ph.outs == 0 || pw.outs == 0) return;
    float* first = dx + (ph.first_out * s.w + pw.first_out) * s.c;
    if (is_narrow(c)) {
      correlate_narrow(c, g, packed + offset, {}, first, scratch);
    } else {
      correlate(c, g, packed + offset, {{}, first}, scratch);
    }
  });
}

int64_t direct_data_scratch(const Conv2dShape& s) {
  int64_t most = 0;
  for_each_phase(s, [&](const Correlation& c, const Phase& ph, const Phase& pw, int64_t) {
    if (ph.outs > 0 && pw.outs > 0) most = max_of(most, thread_scratch_of(c));
  });
  return omp_get_max_threads() * most;
}
