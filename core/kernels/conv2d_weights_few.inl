// Convolution, backward to the weights, of few channels: a tile of so few rows would be narrow, so
// its rows are the taps (i, j, c), listed by their distance in x. For that the padding must exist:
// x, small as it is here, is copied with it.

/// Input rows under one strip of an image, input columns under an output row.
int64_t few_rows(const WeightPlan& plan, const Conv2dShape& s) {
  return max_of(0, plan.rows - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1;
}
int64_t few_span(const Conv2dShape& s) { return forward_correlation(s).span_w(); }

int64_t few_scratch(const WeightPlan& plan, const Conv2dShape& s) {
  return plan.few ? round_up(plan.images * few_rows(plan, s) * few_span(s) * s.c, 16) : 0;
}

/// The x of a strip, zeros for what lies outside the image.
void copy_strip_x(const WeightPlan& plan, const Conv2dShape& s, const WeightStrip& strip,
                  const float* x, float* out) {
  const int64_t low = strip.first_row * s.stride_h - s.pad_h, rows = few_rows(plan, s);
  const int64_t row = few_span(s) * s.c;
  const int64_t before = clamp_of(-low, 0, rows), after = clamp_of(s.h - low, before, rows);
  for (int64_t image = strip.first_image; image < strip.last_image; ++image) {
    for (int64_t e = 0; e < before * row; ++e) out[e] = 0.0f;
    copy_padded(x + (image * s.h + max_of(0, low)) * s.w * s.c, s.w, s.c, after - before,
                few_span(s), s.pad_w, out + before * row);
    for (int64_t e = after * row; e < rows * row; ++e) out[e] = 0.0f;
    out += rows * row;
  }
}

/// One channel under 3x3 taps that adjoin, a first layer: what most users of `few` are.
inline bool is_nine_taps(const Conv2dShape& s) {
  return s.c == 1 && s.kh == 3 && s.kw == 3 && s.dilation_w == 1;
}

/// All (i, j, c), as many at a time as a tile has rows; t lacks what concerns x.
void tiles_of_taps(const WeightPlan& plan, const Conv2dShape& s, const float* x_strip, Tile t) {
  const int64_t taps = s.kh * s.kw * s.c, span = few_span(s);
  const int64_t each = ceil_div(taps, ceil_div(taps, kTileRows));
  t.a = x_strip;
  t.lda = s.stride_w * s.c;
  t.a_step_h = few_rows(plan, s) * span * s.c;
  t.a_step_w = s.stride_h * span * s.c;
  if (is_nine_taps(s) && kNineFit) {
    t.a_run = s.dilation_h * span;
    return t.columns > kLanes ? tile<9, 2, ReadA::runs_of_three>(t)
                              : tile<9, 1, ReadA::runs_of_three>(t);
  }
  int64_t offsets[kTileRows], rows = 0;
  t.offsets = offsets;
  for (int64_t i = 0; i < s.kh; ++i) {
    for (int64_t j = 0; j < s.kw; ++j) {
      for (int64_t c = 0; c < s.c; ++c) {
        offsets[rows++] = (i * s.dilation_h * span + j * s.dilation_w) * s.c + c;
        const bool last = i + 1 == s.kh && j + 1 == s.kw && c + 1 == s.c;
        if (rows < each && !last) continue;
        tile_once<ReadA::listed_rows>(rows, t);
        t.c += rows * kPanel;
        rows = 0;
      }
    }
  }
}
