// Convolution, backward to the weights: dw[k, i, j, c] = sum over n, p, q of
// x[n, p * stride + i * dilation - pad, ..., c] * g[n, p, q, k].
//
// The same tile with its roles turned: its rows are the (j, c) of one window row i, its columns
// vectors of k, and the sum runs over output pixels, so x is read transposed and g is b as it lies.
// Work is cut into (part of the images, window row i, panel of k); each piece owns a buffer, and the
// parts are added in order. The cut depends on the shape only.

struct WeightSplit {
  int64_t parts;   ///< of the images
  int64_t pieces;  ///< parts * kh * panels
  int64_t rows;    ///< KW * C, the rows of one piece
};

WeightSplit weight_split(const Conv2dShape& s) {
  constexpr int64_t kPieces = 16;  // enough work for many threads, little to add up at the end
  const int64_t pieces_per_part = max_of(1, s.kh * panel_count(s.k));
  const int64_t parts = clamp_of(ceil_div(kPieces, pieces_per_part), 1, max_of(1, s.n));
  return {parts, parts * pieces_per_part, s.kw * s.c};
}

/// Output rows of one pass: their input rows and their part of g stay in the L2 cache.
int64_t weight_strip_rows(const Conv2dShape& s, const Correlation& forward) {
  constexpr int64_t kBudget = 1 << 15;
  const int64_t row = max_of(forward.span_w() * s.c, s.ow() * kPanel);
  return clamp_of(kBudget / max_of(1, row), 1, max_of(1, s.oh()));
}

/// Scratch of one thread: padded input rows, then a zero-filled panel of g.
int64_t weight_thread_scratch(const Conv2dShape& s) {
  const Correlation forward = forward_correlation(s);
  const int64_t rows = weight_strip_rows(s, forward);
  return round_up(rows * forward.span_w() * s.c, 16) + round_up(rows * s.ow() * kPanel, 16);
}

/// Adds output rows [begin, end) of one image to one piece, sums[KW * C, width].
void weights_of_strip(const Conv2dShape& s, const Correlation& forward, const float* x,
                      const float* g, int64_t i, int64_t panel, int64_t begin, int64_t end,
                      float* sums, float* scratch) {
  const int64_t columns = min_of(kPanel, s.k - panel * kPanel);
  const int64_t width = panel_width(s.k, panel);
  const int64_t row_floats = s.w * s.c;
  const int64_t strip_floats = forward.span_w() * s.c;
  float* copy = scratch;

  const float* a = x + (begin * s.stride_h + i * s.dilation_h - s.pad_h) * row_floats;
  int64_t a_step = s.stride_h * row_floats;
  if (forward.needs_copy()) {
    for (int64_t p = begin; p < end; ++p) {
      copy_padded(a + (p - begin) * a_step, s.w, s.c, 1, forward.span_w(), s.pad_w,
                  copy + (p - begin) * strip_floats);
    }
    a = copy;
    a_step = strip_floats;
  }
  const float* b = g + begin * s.ow() * s.k + panel * kPanel;
  int64_t ldb = s.k;
  if (columns < width) {  // whole vectors of the last panel would reach into the next pixel
    float* padded = scratch + round_up(weight_strip_rows(s, forward) * strip_floats, 16);
    pack_panel(g + begin * s.ow() * s.k, s.k, 1, (end - begin) * s.ow(), s.k, panel, padded);
    b = padded;
    ldb = width;
  }
  const bool joined = s.dilation_w == 1;
  for (int64_t j = 0; j < (joined ? 1 : s.kw); ++j) {
    const Tile t = {
        .a = a + j * s.dilation_w * s.c,
        .lda = s.stride_w * s.c,
        .steps_h = end - begin,
        .steps_w = 1,
        .a_step_h = a_step,
        .a_step_w = 0,
        .length = s.ow(),
        .b = b,
        .ldb = ldb,
        .c = sums + j * s.c * width,
        .ldc = width,
        .columns = width,
        .accumulate = true,
    };
    tile_rows<ReadA::columns>(joined ? s.kw * s.c : s.c, t);
  }
}

/// dw from the pieces [part][i][panel][KW * C][width], the parts added in order.
void add_parts(const Conv2dShape& s, const WeightSplit& split, const float* pieces, float* dw) {
  const int64_t panels = panel_count(s.k);
  const int64_t piece_size = split.rows * kPanel;
#pragma omp parallel for collapse(2) schedule(static) if (s.w_size() >= kSerialElements)
  for (int64_t k = 0; k < s.k; ++k) {
    for (int64_t i = 0; i < s.kh; ++i) {
      const int64_t panel = k / kPanel;
      const int64_t width = panel_width(s.k, panel);
      float* out = dw + (k * s.kh + i) * split.rows;
      for (int64_t r = 0; r < split.rows; ++r) {
        float sum = 0.0f;
        for (int64_t part = 0; part < split.parts; ++part) {
          sum += pieces[((part * s.kh + i) * panels + panel) * piece_size + r * width + k % kPanel];
        }
        out[r] = sum;
      }
    }
  }
}

void conv2d_backward_weights(const Conv2dShape& s, const float* x, const float* g, float* dw,
                             float* scratch) {
  const Correlation forward = forward_correlation(s);
  const WeightSplit split = weight_split(s);
  const int64_t panels = panel_count(s.k);
  const int64_t piece_size = split.rows * kPanel;
  const int64_t strip = weight_strip_rows(s, forward);
  float* thread_scratch = scratch + split.pieces * piece_size;
  const int64_t products = s.y_size() * forward.reduction();

#pragma omp parallel for schedule(static) if (products >= kSerialMultiplyAdds)
  for (int64_t piece = 0; piece < split.pieces; ++piece) {
    const int64_t panel = piece % panels;
    const int64_t i = piece / panels % s.kh;
    const int64_t part = piece / (panels * s.kh);
    float* sums = scratch + piece * piece_size;
    for (int64_t e = 0; e < piece_size; ++e) sums[e] = 0.0f;
    // Output rows whose input row p * stride + i * dilation - pad lies inside the image.
    const Range rows = valid_taps(i * s.dilation_h - s.pad_h, s.stride_h, s.oh(), s.h);
    for (int64_t image = s.n * part / split.parts; image < s.n * (part + 1) / split.parts; ++image) {
      for (int64_t begin = rows.first; begin < rows.last; begin += strip) {
        weights_of_strip(s, forward, x + image * s.h * s.w * s.c, g + image * s.oh() * s.ow() * s.k,
                         i, panel, begin, min_of(begin + strip, rows.last), sums,
                         thread_scratch + omp_get_thread_num() * weight_thread_scratch(s));
      }
    }
  }
  add_parts(s, split, scratch, dw);
}

int64_t conv2d_scratch(const Conv2dShape& s, Conv2dFace face) {
  const int64_t threads = omp_get_max_threads();
  if (face == Conv2dFace::backward_weights) {
    const WeightSplit split = weight_split(s);
    return split.pieces * split.rows * kPanel + threads * weight_thread_scratch(s);
  }
  if (face == Conv2dFace::forward) {
    const Correlation forward = forward_correlation(s);
    return packed_size(forward.reduction(), s.k) + threads * strip_size(forward);
  }
  int64_t most = packed_size(s.k, s.c);
  for (int64_t rh = 0; rh < s.stride_h; ++rh) {
    const Phase ph = phase_of(rh, s.h, s.pad_h, s.stride_h, s.dilation_h, s.kh);
    for (int64_t rw = 0; rw < s.stride_w; ++rw) {
      const Phase pw = phase_of(rw, s.w, s.pad_w, s.stride_w, s.dilation_w, s.kw);
      if (ph.outs == 0 || pw.outs == 0) continue;
      const Correlation backward = phase_correlation(s, ph, pw);
      most = max_of(most, packed_size(backward.reduction(), s.c) + threads * strip_size(backward));
    }
  }
  return most;
}
