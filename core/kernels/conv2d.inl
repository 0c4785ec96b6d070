// Direct convolution: the forward face, and the correlation that backward to the data shares with it,
// as register tiles over output pixels.
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

// conv2d_first.inl, for images of one channel.
bool is_first_layer(const Correlation& s);

int64_t strip_size(const Correlation& s) {
  if (!s.needs_copy() && !is_first_layer(s)) return 0;
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
  if (in.offsets) {
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

void correlate_first(const Correlation& s, const float* image, int64_t n, int64_t begin,
                     int64_t end, const float* packed, const Destination& out, float* copy);

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
    if (is_first_layer(s)) {
      correlate_first(s, x + image * s.in_h * s.in_w, image, begin, end, packed, out,
                      strips + omp_get_thread_num() * strip_size(s));
      return;
    }
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
    matmul_packed(s.n * s.h * s.w, s.k, s.c, x, packed, y, then, scratch);
  } else {
    correlate(forward, x, packed, {then, y}, scratch);
  }
}

int64_t direct_forward_scratch(const Conv2dShape& s) {
  const int64_t product = is_pointwise(s) ? matmul_packed_scratch(s.n * s.h * s.w, s.k, s.c) : 0;
  return max_of(product, omp_get_max_threads() * thread_scratch_of(forward_correlation(s)));
}
