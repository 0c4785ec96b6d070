// Convolution, backward to the weights: dw[k, i, j, c] = sum over n, p, q of
// x[n, p * stride + i * dilation - pad, ..., c] * g[n, p, q, k].
//
// The same tile with its roles turned: its rows are input channels, its columns vectors of k, and
// the sum runs over output pixels, for each tap (i, j) over those whose pixel of x exists. In
// channels-last order both lie as the tile wants them: neighbouring channels of x under one pixel,
// neighbouring k of g. So nothing is copied but a last panel that ends amid a vector. Each step of
// 14 x 2 products, 14 cycles, reads 4 cache lines at most, a third of what the L2 cache gives; so
// strips need not fit the L1 cache.

/// Scratch of one thread: x of a strip with few channels, the last panel of g.
bool copies_last_panel(const Conv2dShape& s) { return s.k % kLanes != 0; }
int64_t weight_thread_scratch(const WeightPlan& plan, const Conv2dShape& s) {
  const int64_t g = copies_last_panel(s) ? plan.images * plan.rows * s.ow() * kPanel : 0;
  return few_scratch(plan, s) + round_up(g, 16);
}

/// The tile of one strip and panel, all but its rows: where g is, and the pixels.
Tile tile_of_panel(const Conv2dShape& s, const WeightStrip& strip, int64_t panel, const float* g,
                   float* copy) {
  const int64_t width = panel_width(s.k, panel), exist = s.k - panel * kPanel;
  const float* b =
      g + (strip.first_image * s.oh() + strip.first_row) * s.ow() * s.k + panel * kPanel;
  int64_t ldb = s.k;
  if (exist < width) {
    const int64_t pixels = strip.images() * strip.rows() * s.ow();
    for (int64_t q = 0; q < pixels; ++q) {
      copy_panel_row(b + q * s.k, exist, width, copy + q * width);
    }
    b = copy;
    ldb = width;
  }
  return {.a = nullptr,
          .lda = 0,
          .steps_h = strip.images(),
          .steps_w = strip.rows(),
          .a_step_h = 0,
          .a_step_w = 0,
          .length = s.ow(),
          .b = b,
          .ldb = ldb,
          .c = nullptr,
          .ldc = kPanel,
          .columns = width,
          .accumulate = false};
}

/// Channels [first, last): a tile for each tap, of the pixels where it meets the image.
/// `sums`: [KH * KW * C][kPanel] of the panel. `a_ahead`, `b_ahead`: from this strip to the next.
void tiles_of_channels(const Conv2dShape& s, const WeightStrip& strip, const Range& channels,
                       const float* x, const Tile& panel, float* sums, int64_t a_ahead,
                       int64_t b_ahead) {
  Tile t = panel;
  t.lda = s.stride_w * s.c;
  t.a_step_h = s.h * s.w * s.c;
  t.a_step_w = s.stride_h * s.w * s.c;
  for (int64_t i = 0; i < s.kh; ++i) {
    const int64_t top = strip.first_row * s.stride_h + i * s.dilation_h - s.pad_h;
    const Range rows = valid_taps(top, s.stride_h, strip.rows(), s.h);
    t.steps_w = rows.last - rows.first;
    t.b_skip_h = (strip.rows() - t.steps_w) * s.ow() * t.ldb;
    for (int64_t j = 0; j < s.kw; ++j) {
      const int64_t left = j * s.dilation_w - s.pad_w;
      const Range columns = valid_taps(left, s.stride_w, s.ow(), s.w);
      const int64_t h = top + rows.first * s.stride_h, w = left + columns.first * s.stride_w;
      const bool once = i == s.kh / 2 && j == s.kw / 2;  // the tap that meets every pixel
      t.length = columns.last - columns.first;
      t.a = x + ((strip.first_image * s.h + h) * s.w + w) * s.c + channels.first;
      t.b = panel.b + (rows.first * s.ow() + columns.first) * t.ldb;
      t.b_skip_w = (s.ow() - t.length) * t.ldb;
      t.c = sums + ((i * s.kw + j) * s.c + channels.first) * kPanel;
      t.a_ahead = once ? a_ahead : 0;
      t.b_ahead = once ? b_ahead : 0;
      tile_once<ReadA::columns>(channels.last - channels.first, t);
    }
  }
}

/// Adds one strip to the sums of one piece.
void weights_of_strip(const WeightPlan& plan, const Conv2dShape& s, const WeightStrip& strip,
                      const WeightPiece& piece, bool accumulate, const float* x, const float* g,
                      float* sums, float* scratch) {
  if (plan.few) copy_strip_x(plan, s, strip, x, scratch);
  // Strips lie one behind the other in x and in g; of what the next one needs, each pixel is
  // asked for once: x by the first panel, g by the first block.
  const int64_t x_ahead = strip.images() * strip.rows() * s.stride_h * s.w * s.c;
  const int64_t g_ahead = strip.images() * strip.rows() * s.ow() * s.k;
  for (int64_t panel = piece.panels.first; panel < piece.panels.last; ++panel) {
    float* panel_sums = sums + panel * plan.panel_size;
    Tile t = tile_of_panel(s, strip, panel, g, scratch + few_scratch(plan, s));
    t.accumulate = accumulate;
    if (plan.few) {
      t.c = panel_sums;
      tiles_of_taps(plan, s, scratch, t);
      continue;
    }
    for (int64_t block = piece.blocks.first; block < piece.blocks.last; ++block) {
      const Range channels = {first_channel(s, block), first_channel(s, block + 1)};
      tiles_of_channels(s, strip, channels, x, t, panel_sums,
                        panel == piece.panels.first ? x_ahead : 0,
                        block == piece.blocks.first && t.ldb == s.k ? g_ahead : 0);
    }
  }
}

/// dw of one panel and tap from its sums [part][C][kPanel], the parts added in order.
void add_parts(const Conv2dShape& s, int64_t parts, int64_t part_size, int64_t panel,
               const float* sums, float* dw) {
  const int64_t per_k = s.kh * s.kw * s.c;
  const int64_t exist = min_of(kPanel, s.k - panel * kPanel);
  for (int64_t c = 0; c < s.c; c += kLanes) {
    const int64_t channels = min_of(kLanes, s.c - c);
    for (int64_t v = 0; v < exist; v += kLanes) {
      Vec block[kLanes] = {};
      for (int64_t part = 0; part < parts; ++part) {
        const float* in = sums + part * part_size + c * kPanel + v;
        for (int64_t r = 0; r < channels; ++r) block[r] += load(in + r * kPanel);
      }
      transpose(block);
      for (int64_t k = 0; k < min_of(kLanes, exist - v); ++k) {
        float* out = dw + (panel * kPanel + v + k) * per_k + c;
        if (channels == kLanes) {
          store(out, block[k]);
        } else {
          store_first(out, block[k], channels);
        }
      }
    }
  }
}

bool nothing_to_sum(const Conv2dShape& s) { return s.y_size() == 0 || s.w_size() == 0; }

void direct_backward_weights(const Conv2dShape& s, const float* x, const float* g, float* dw,
                             float* scratch) {
  if (is_filter(s)) {
    filter_backward_weights(s, x, g, dw, scratch);
    return;
  }
  if (nothing_to_sum(s)) {
    for (int64_t e = 0; e < s.w_size(); ++e) dw[e] = 0.0f;
    return;
  }
  if (is_pointwise(s)) return multiply(pointwise_weights(s, x, g, dw), scratch);
  const WeightPlan plan = weight_plan(s);
  const int64_t panels = panel_count(s.k), taps = s.kh * s.kw;
  const int64_t part_size = panels * plan.panel_size;
  float* thread_scratch = scratch + round_up(plan.parts * part_size, 16);
  const int64_t blocks = block_count(s), groups = plan.panel_groups * plan.block_groups;
  const int64_t products = s.y_size() * taps * s.c;
  share_out(plan.parts, groups, products >= kSerialMultiplyAdds, [&](int64_t part, int64_t group) {
    const WeightPiece piece = {group_of(panels, plan.panel_groups, group / plan.block_groups),
                               group_of(blocks, plan.block_groups, group % plan.block_groups)};
    const Range strips = group_of(plan.strips, plan.parts, part);
    float* own = thread_scratch + omp_get_thread_num() * weight_thread_scratch(plan, s);
    for (int64_t strip = strips.first; strip < strips.last; ++strip) {
      weights_of_strip(plan, s, weight_strip(plan, s, strip), piece, strip > strips.first, x, g,
                       scratch + part * part_size, own);
    }
  });
  const bool parallel = plan.parts * s.w_size() >= kSerialElements;
  share_out(panels, taps, parallel, [&](int64_t panel, int64_t tap) {
    add_parts(s, plan.parts, part_size, panel,
              scratch + panel * plan.panel_size + tap * s.c * kPanel, dw + tap * s.c);
  });
}

int64_t direct_weights_scratch(const Conv2dShape& s) {
  if (is_filter(s)) return filter_scratch(s);
  if (nothing_to_sum(s)) return 0;
  if (is_pointwise(s)) return product_scratch(pointwise_weights(s, nullptr, nullptr, nullptr));
  const WeightPlan plan = weight_plan(s);
  return round_up(plan.parts * panel_count(s.k) * plan.panel_size, 16) +
         omp_get_max_threads() * weight_thread_scratch(plan, s);
}
