// Convolution, backward to the weights: dw[k, i, j, c] = sum over n, p, q of
// x[n, p * stride + i * dilation - pad, ..., c] * g[n, p, q, k].
//
// The same tile with its roles turned: its rows are input channels, its columns vectors of k, and
// the sum runs over output pixels. The pixels are cut into strips; of a strip, g is copied in
// panels, and x block by block, a block being the channels of one tile, with its padding. A panel
// and a block fit the L1 cache together, and a block serves all taps (i, j) and panels: each is one
// tile that starts elsewhere in it. Few channels would make narrow tiles; there the rows of a tile
// are taps, listed by their distance in x.
//
// Work is cut into pieces, (part of the strips, group of panels), by the shape only; each part has
// its own sums, added in order at the end.

constexpr int64_t kStripPixels = 160;
/// Floats from pixel to pixel of a block of x, enough for the channels of a tile.
constexpr int64_t kSlot = (kTileRows + kLanes - 1) / kLanes * kLanes;

struct WeightPlan {
  bool few;              ///< channels: tiles of taps instead of channels
  int64_t images, rows;  ///< at most, of one strip; several images only if whole
  int64_t strips_per_image, strips;
  int64_t parts, groups;
  int64_t in_rows, span;  ///< of the x of one image of a strip
  int64_t panel_size;     ///< sums of one panel: KH * KW * C * kPanel
};

/// Cuts the work into at least kPieces, if it can, so that copies of x (one a group) and of the
/// sums (one a part) are few.
void choose_pieces(const Conv2dShape& s, WeightPlan& plan) {
  constexpr int64_t kPieces = 8;
  const int64_t panels = panel_count(s.k);
  int64_t least = -1;
  for (int64_t parts = 1; parts <= kPieces; parts *= 2) {
    const int64_t possible = clamp_of(parts, 1, max_of(1, plan.strips));
    const int64_t groups = min_of(max_of(1, panels), ceil_div(kPieces, possible));
    if (possible * groups < kPieces && parts < kPieces) continue;
    const int64_t cost = 2 * possible * panels * plan.panel_size + groups * s.x_size();
    if (least >= 0 && cost >= least) continue;
    least = cost;
    plan.parts = possible;
    plan.groups = groups;
  }
}

WeightPlan weight_plan(const Conv2dShape& s) {
  constexpr int64_t kFewChannels = 6;
  WeightPlan plan = {};
  plan.few = s.c <= kFewChannels;
  const int64_t pixels = max_of(1, s.oh() * s.ow());
  plan.images = max_of(1, min_of(s.n, kStripPixels / pixels));
  plan.strips_per_image = 1;
  if (plan.images == 1) {
    const int64_t fit = clamp_of(kStripPixels / max_of(1, s.ow()), 1, max_of(1, s.oh()));
    plan.strips_per_image = ceil_div(max_of(1, s.oh()), fit);
  }
  plan.rows = ceil_div(s.oh(), plan.strips_per_image);
  plan.strips = plan.images > 1 ? ceil_div(s.n, plan.images) : s.n * plan.strips_per_image;
  plan.in_rows = max_of(0, plan.rows - 1) * s.stride_h + (s.kh - 1) * s.dilation_h + 1;
  plan.span = forward_correlation(s).span_w();
  plan.panel_size = s.kh * s.kw * s.c * kPanel;
  choose_pieces(s, plan);
  return plan;
}

/// Blocks of channels, as equal as possible.
int64_t block_count(const Conv2dShape& s) { return ceil_div(s.c, kTileRows); }
int64_t first_channel(const Conv2dShape& s, int64_t block) { return s.c * block / block_count(s); }

/// Scratch of one thread: x of a strip, in blocks, then the panels of g of a group. Blocks and
/// panels lie an odd number of cache lines apart, lest equal places of all fall into one cache set.
int64_t block_size(const WeightPlan& plan, const Conv2dShape& s) {
  const int64_t slot = plan.few ? s.c : kSlot;
  return round_up(plan.images * plan.in_rows * plan.span * slot + kSlot, 32) + 16;
}
int64_t weight_x_scratch(const WeightPlan& plan, const Conv2dShape& s) {
  return block_size(plan, s);
}
int64_t weight_g_size(const WeightPlan& plan, const Conv2dShape& s) {
  return round_up(plan.images * plan.rows * s.ow() * kPanel, 32) + 16;
}
int64_t weight_thread_scratch(const WeightPlan& plan, const Conv2dShape& s) {
  const int64_t panels = ceil_div(panel_count(s.k), plan.groups);
  return weight_x_scratch(plan, s) + panels * weight_g_size(plan, s);
}

/// Output rows [first_row, last_row) of the images [first_image, last_image).
struct WeightStrip {
  int64_t first_image, last_image, first_row, last_row;
};

WeightStrip weight_strip(const WeightPlan& plan, const Conv2dShape& s, int64_t strip) {
  if (plan.images > 1) {
    return {strip * plan.images, min_of(s.n, (strip + 1) * plan.images), 0, s.oh()};
  }
  const int64_t image = strip / plan.strips_per_image, at = strip % plan.strips_per_image;
  return {image, image + 1, s.oh() * at / plan.strips_per_image,
          s.oh() * (at + 1) / plan.strips_per_image};
}

/// Channels [first, first + count) of `pixels` pixels, kSlot apart in `out`. Whole slots, which
/// may reach into what follows in the row, as far as the row goes.
void copy_block_row(const float* row, int64_t depth, int64_t pixels, int64_t first, int64_t count,
                    float* out) {
  const int64_t reach = pixels * depth - first - kSlot;
  const int64_t whole = reach < 0 ? 0 : min_of(pixels, reach / depth + 1);
  for (int64_t q = 0; q < whole; ++q) {
    for (int64_t v = 0; v < kSlot; v += kLanes) {
      store(out + q * kSlot + v, load(row + q * depth + first + v));
    }
  }
  for (int64_t q = whole; q < pixels; ++q) {
    for (int64_t c = 0; c < count; ++c) out[q * kSlot + c] = row[q * depth + first + c];
  }
}

/// The x of a strip, rows outside the image included as zeros: `count` channels from `first` on,
/// or with few channels all of them, close together.
void copy_strip_x(const WeightPlan& plan, const Conv2dShape& s, const WeightStrip& strip,
                  const float* x, int64_t first, int64_t count, float* out) {
  const int64_t slot = plan.few ? s.c : kSlot;
  const int64_t low = strip.first_row * s.stride_h - s.pad_h;
  const int64_t left = clamp_of(s.pad_w, 0, plan.span);
  const int64_t inside = clamp_of(s.w, 0, plan.span - left);
  for (int64_t image = strip.first_image; image < strip.last_image; ++image) {
    for (int64_t r = 0; r < plan.in_rows; ++r) {
      float* row = out + ((image - strip.first_image) * plan.in_rows + r) * plan.span * slot;
      const int64_t h = low + r;
      const bool exists = h >= 0 && h < s.h;
      const int64_t begin = exists ? left : 0, end = exists ? left + inside : 0;
      for (int64_t e = 0; e < begin * slot; ++e) row[e] = 0.0f;
      for (int64_t e = end * slot; e < plan.span * slot; ++e) row[e] = 0.0f;
      if (!exists) continue;
      const float* in = x + (image * s.h + h) * s.w * s.c;
      if (plan.few) {
        const auto bytes = sizeof(float) * static_cast<size_t>(inside * slot);
        __builtin_memcpy(row + begin * slot, in, bytes);
      } else {
        copy_block_row(in, s.c, inside, first, count, row + begin * slot);
      }
    }
  }
}

/// `pixels` pixels of g into the panels [first, last), each `size` long.
void copy_strip_g(const Conv2dShape& s, const float* g, int64_t pixels, int64_t first, int64_t last,
                  int64_t size, float* out) {
  for (int64_t q = 0; q < pixels; ++q) {
    for (int64_t panel = first; panel < last; ++panel) {
      const int64_t width = panel_width(s.k, panel);
      copy_panel_row(g + q * s.k + panel * kPanel, min_of(width, s.k - panel * kPanel), width,
                     out + (panel - first) * size + q * width);
    }
  }
}

/// What the next strip will read: the tiles of this one bring it into the L2 cache meanwhile.
struct NextStrip {
  const float *x = nullptr, *x_end = nullptr, *g = nullptr, *g_end = nullptr;
  int64_t step = 0;  ///< floats for each step of a tile

  void share(Tile& t) {
    const float*& at = x < x_end ? x : g;
    if (at >= (x < x_end ? x_end : g_end)) return;
    t.ahead = at;
    t.ahead_step = step;
    at += step * t.steps_h * t.steps_w * t.length;
  }
};

NextStrip next_strip(const WeightPlan& plan, const Conv2dShape& s, int64_t strip, int64_t panels,
                     const float* x, const float* g) {
  if (plan.few || strip >= plan.strips) return {};
  const WeightStrip next = weight_strip(plan, s, strip);
  const int64_t images = next.last_image - next.first_image;
  const int64_t rows = next.last_row - next.first_row;
  const int64_t low = clamp_of(next.first_row * s.stride_h - s.pad_h, 0, s.h);
  const int64_t high = clamp_of(next.first_row * s.stride_h - s.pad_h + plan.in_rows, low, s.h);
  NextStrip ahead;
  ahead.x = x + (next.first_image * s.h + low) * s.w * s.c;
  ahead.x_end = ahead.x + ((images - 1) * s.h + high - low) * s.w * s.c;
  ahead.g = g + (next.first_image * s.oh() + next.first_row) * s.ow() * s.k;
  // With several groups the part of g that this one reads lies scattered.
  ahead.g_end = ahead.g + (plan.groups == 1 ? images * rows * s.ow() * s.k : 0);
  const int64_t tiles = block_count(s) * panels * s.kh * s.kw;
  const int64_t steps = max_of(1, tiles * images * rows * s.ow());
  const int64_t floats = (ahead.x_end - ahead.x) + (ahead.g_end - ahead.g);
  ahead.step = min_of(16, ceil_div(floats, steps) + 1);
  return ahead;
}

/// Everything that the tiles of one strip and panel share.
struct StripTiles {
  const float* x;  ///< as copy_strip_x left it
  const float* g;
  int64_t ldb, width;
  float* sums;  ///< [KH * KW * C][kPanel] of the panel
  bool accumulate;
};

/// The tile of tap (i, j), all but its rows: only output rows whose input row exists.
Tile tile_of_tap(const WeightPlan& plan, const Conv2dShape& s, const WeightStrip& strip,
                 const StripTiles& at, const Range& rows, int64_t slot) {
  const int64_t row = plan.span * slot;
  const int64_t skipped = strip.last_row - strip.first_row - (rows.last - rows.first);
  return {
      .a = at.x + rows.first * s.stride_h * row,
      .lda = s.stride_w * slot,
      .steps_h = strip.last_image - strip.first_image,
      .steps_w = rows.last - rows.first,
      .a_step_h = plan.in_rows * row,
      .a_step_w = s.stride_h * row,
      .length = s.ow(),
      .b = at.g + rows.first * s.ow() * at.ldb,
      .ldb = at.ldb,
      .c = at.sums,
      .ldc = kPanel,
      .columns = at.width,
      .accumulate = at.accumulate,
      .b_skip = skipped * s.ow() * at.ldb,
  };
}

/// Channels [first, first + count): a tile for each tap.
void tiles_of_channels(const WeightPlan& plan, const Conv2dShape& s, const WeightStrip& strip,
                       const StripTiles& at, int64_t first, int64_t count, NextStrip& next) {
  for (int64_t i = 0; i < s.kh; ++i) {
    const int64_t start = strip.first_row * s.stride_h + i * s.dilation_h - s.pad_h;
    const Range rows = valid_taps(start, s.stride_h, strip.last_row - strip.first_row, s.h);
    Tile t = tile_of_tap(plan, s, strip, at, rows, kSlot);
    t.a += i * s.dilation_h * plan.span * kSlot;
    for (int64_t j = 0; j < s.kw; ++j) {
      t.c = at.sums + ((i * s.kw + j) * s.c + first) * kPanel;
      next.share(t);
      tile_once<ReadA::columns>(count, t);
      t.a += s.dilation_w * kSlot;
    }
  }
}

/// All (i, j, c), as many at a time as a tile has rows.
void tiles_of_taps(const WeightPlan& plan, const Conv2dShape& s, const WeightStrip& strip,
                   const StripTiles& at) {
  const int64_t taps = s.kh * s.kw * s.c;
  const int64_t each = ceil_div(taps, ceil_div(taps, kTileRows));
  Tile t = tile_of_tap(plan, s, strip, at, {0, strip.last_row - strip.first_row}, s.c);
  int64_t offsets[kTileRows], rows = 0;
  t.offsets = offsets;
  for (int64_t i = 0; i < s.kh; ++i) {
    for (int64_t j = 0; j < s.kw; ++j) {
      for (int64_t c = 0; c < s.c; ++c) {
        offsets[rows++] = (i * s.dilation_h * plan.span + j * s.dilation_w) * s.c + c;
        const bool last = i + 1 == s.kh && j + 1 == s.kw && c + 1 == s.c;
        if (rows < each && !last) continue;
        tile_once<ReadA::listed_rows>(rows, t);
        t.c += rows * kPanel;
        rows = 0;
      }
    }
  }
}

/// Adds one strip to the sums of the panels [first, last).
void weights_of_strip(const WeightPlan& plan, const Conv2dShape& s, const WeightStrip& strip,
                      int64_t first, int64_t last, bool accumulate, const float* x, const float* g,
                      float* sums, float* scratch, NextStrip next) {
  float* g_panels = scratch + weight_x_scratch(plan, s);
  const int64_t g_size = weight_g_size(plan, s);
  const int64_t pixels =
      (strip.last_image - strip.first_image) * (strip.last_row - strip.first_row) * s.ow();
  const float* g_strip = g + (strip.first_image * s.oh() + strip.first_row) * s.ow() * s.k;
  const bool as_it_lies = plan.few && s.k % kLanes == 0;
  const auto tiles_of = [&](int64_t panel) {
    const int64_t width = panel_width(s.k, panel);
    return StripTiles{
        .x = scratch,
        .g = as_it_lies ? g_strip + panel * kPanel : g_panels + (panel - first) * g_size,
        .ldb = as_it_lies ? s.k : width,
        .width = width,
        .sums = sums + panel * plan.panel_size,
        .accumulate = accumulate};
  };
  if (!as_it_lies) copy_strip_g(s, g_strip, pixels, first, last, g_size, g_panels);
  if (plan.few) {
    copy_strip_x(plan, s, strip, x, 0, s.c, scratch);
    for (int64_t panel = first; panel < last; ++panel) {
      tiles_of_taps(plan, s, strip, tiles_of(panel));
    }
    return;
  }
  const int64_t blocks = block_count(s);
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t c = first_channel(s, block), count = first_channel(s, block + 1) - c;
    copy_strip_x(plan, s, strip, x, c, count, scratch);
    for (int64_t panel = first; panel < last; ++panel) {
      tiles_of_channels(plan, s, strip, tiles_of(panel), c, count, next);
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

void direct_backward_weights(const Conv2dShape& s, const float* x, const float* g, float* dw,
                             float* scratch) {
  if (is_filter(s)) {
    filter_backward_weights(s, x, g, dw, scratch);
    return;
  }
  const WeightPlan plan = weight_plan(s);
  const int64_t panels = panel_count(s.k), taps = s.kh * s.kw;
  const int64_t part_size = panels * plan.panel_size;
  float* thread_scratch = scratch + round_up(plan.parts * part_size, 16);
  if (plan.strips == 0 || s.oh() * s.ow() == 0) {
    for (int64_t e = 0; e < s.w_size(); ++e) dw[e] = 0.0f;
    return;
  }
  const int64_t products = s.y_size() * taps * s.c;
  share_out(plan.parts, plan.groups, products >= kSerialMultiplyAdds,
            [&](int64_t part, int64_t group) {
              const int64_t begin = plan.strips * part / plan.parts;
              const int64_t end = plan.strips * (part + 1) / plan.parts;
              const int64_t first = panels * group / plan.groups;
              const int64_t last = panels * (group + 1) / plan.groups;
              const int64_t after = group + 1 < plan.groups ? begin : end;  // of the next piece
              float* own = thread_scratch + omp_get_thread_num() * weight_thread_scratch(plan, s);
              for (int64_t strip = begin; strip < end; ++strip) {
                weights_of_strip(
                    plan, s, weight_strip(plan, s, strip), first, last, strip > begin, x, g,
                    scratch + part * part_size, own,
                    next_strip(plan, s, strip + 1 < end ? strip + 1 : after, last - first, x, g));
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
  const WeightPlan plan = weight_plan(s);
  return round_up(plan.parts * panel_count(s.k) * plan.panel_size, 16) +
         omp_get_max_threads() * weight_thread_scratch(plan, s);
}
