// Winograd's F(4, 3) along the row alone: for windows of three columns and any height, 1 x 3 among
// them, dilated along the row or not. Six products take the place of twelve; the window's rows are
// summed in the register tile, at the points, so that moving to the points and back is paid once for
// all of them. Forward and to the data; the weights' face of such windows is the direct form.
//
// A tile is four outputs `dilation` columns apart, made of six inputs as far apart: the row's columns
// fall into so many combs, each of them an undilated row.

constexpr int kRowPoints = 6, kRowOutputs = 4;

/// One face as a correlation: for the data, of g with the reversed window.
inline Correlation row_correlation(const Conv2dShape& s, Conv2dFace face) {
  if (face == Conv2dFace::forward) return forward_correlation(s);
  return {.n = s.n,
          .in_h = s.oh(),
          .in_w = s.ow(),
          .depth = s.k,
          .out_h = s.h,
          .out_w = s.w,
          .width = s.c,
          .taps_h = s.kh,
          .taps_w = 3,
          .stride_h = 1,
          .stride_w = 1,
          .dilation_h = 1,
          .dilation_w = s.dilation_w,
          .pad_h = s.kh - 1 - s.pad_h,
          .pad_w = 2 * s.dilation_w - s.pad_w,
          .out_image = s.h * s.w * s.c,
          .out_row = s.w * s.c,
          .out_pixel = s.c};
}

// --- weights at the points: U[panel of width][point][window row][depth][panel_width] --------------

/// Between the points of a panel: a cache line more than they need, as in winograd_pack.inl.
inline int64_t row_point_stride(const Correlation& s, int64_t panel) {
  return s.taps_h * s.depth * panel_width(s.width, panel) + 16;
}
inline int64_t row_panel(const Correlation& s, int64_t panel) {
  return panel * kRowPoints * (s.taps_h * s.depth * kPanel + 16);
}
int64_t row_packed_size(const Correlation& s) { return row_panel(s, panel_count(s.width)); }

/// The three taps of window row `i` for kLanes x kLanes pairs (depth, width), the width in a vector;
/// zeros where there are fewer. Walks w[k, i, j, c] in the order in which it lies.
struct RowTaps {
  float tap[3][kLanes][kLanes];
};

void load_row_taps(const Conv2dShape& s, Conv2dFace face, const float* w, int64_t i, Range width,
                   Range depth, RowTaps& block) {
  const bool forward = face == Conv2dFace::forward;
  const Range ks = forward ? width : depth, cs = forward ? depth : width;
  const int64_t row = forward ? i : s.kh - 1 - i;
  block = {};
  for (int64_t k = ks.first; k < ks.last; ++k) {
    for (int64_t j = 0; j < 3; ++j) {
      const float* from = w + ((k * s.kh + row) * 3 + j) * s.c;
      for (int64_t c = cs.first; c < cs.last; ++c) {
        if (forward) {
          block.tap[j][c - cs.first][k - ks.first] = from[c];
        } else {
          block.tap[2 - j][k - ks.first][c - cs.first] = from[c];
        }
      }
    }
  }
}

void row_pack(const Conv2dShape& shape, Conv2dFace face, const float* w, float* packed) {
  const Correlation s = row_correlation(shape, face);
  const bool parallel = s.reduction() * s.width >= kSerialElements;
  share_out(ceil_div(s.width, kLanes), ceil_div(s.depth, kLanes), parallel,
            [&](int64_t column, int64_t block_row) {
              const int64_t first = column * kLanes, deep = block_row * kLanes;
              const Range width = {first, min_of(first + kLanes, s.width)};
              const Range depth = {deep, min_of(deep + kLanes, s.depth)};
              const int64_t panel = first / kPanel, columns = panel_width(s.width, panel);
              const int64_t stride = row_point_stride(s, panel);
              for (int64_t i = 0; i < s.taps_h; ++i) {
                RowTaps block;
                load_row_taps(shape, face, w, i, width, depth, block);
                float* u =
                    packed + row_panel(s, panel) + (i * s.depth + deep) * columns + first % kPanel;
                for (int64_t d = 0; d < depth.last - depth.first; ++d) {
                  Vec tap[3], value[kRowPoints];
                  for (int j = 0; j < 3; ++j) tap[j] = load(block.tap[j][d]);
                  Winograd<4>::weight(tap, value);
                  for (int p = 0; p < kRowPoints; ++p)
                    store(u + p * stride + d * columns, value[p]);
                }
              }
            });
}

// --- the correlation -------------------------------------------------------------------------------

/// How it is cut: blocks of tiles, the same in every row, and groups of panels where the blocks alone
/// would leave threads without work. The cut depends on the shape only.
struct RowCut {
  int64_t tiles_w, tiles;      ///< of one row; of that row of all images
  int64_t block, blocks;       ///< tiles in a block
  int64_t groups;              ///< of panels; each group transforms its input anew
  int64_t depth;               ///< input channels in whole vectors
  int64_t v_row;               ///< between the input rows of V[point][row][tile][depth]
  int64_t v_stride, m_stride;  ///< between the points of V and M, an odd number of cache lines
};

RowCut row_cut(const Correlation& s) {
  constexpr int64_t kBudget = 150'000, kUnits = 4;
  RowCut cut;
  cut.tiles_w = s.dilation_w * ceil_div(s.out_w, kRowOutputs * s.dilation_w);
  cut.tiles = s.n * cut.tiles_w;
  cut.depth = round_up(s.depth, kLanes);
  const int64_t fit = kBudget / (kRowPoints * (s.in_h * cut.depth + kPanel));
  cut.blocks = ceil_div(cut.tiles, max_of(fit, 2 * kTileRows));
  if (cut.blocks >= kUnits) cut.blocks = round_up(cut.blocks, kUnits);
  cut.block = ceil_div(cut.tiles, max_of(1, cut.blocks));
  cut.groups = clamp_of(kUnits / 2 / max_of(1, cut.blocks), 1, panel_count(s.width));
  cut.v_row = cut.block * cut.depth;
  cut.v_stride = s.in_h * cut.v_row + 16;
  cut.m_stride = cut.block * kPanel + 16;
  return cut;
}

int64_t row_scratch(const Correlation& s) {
  const RowCut cut = row_cut(s);
  return cut.depth + omp_get_max_threads() * kRowPoints * (cut.v_stride + cut.m_stride);
}

/// The first output column of a tile.
inline int64_t row_tile_begin(const Correlation& s, int64_t tile) {
  return tile / s.dilation_w * kRowOutputs * s.dilation_w + tile % s.dilation_w;
}

/// Stage 1: the inputs of tiles [begin, end) of every row, at the points.
void transform_rows(const Correlation& s, const RowCut& cut, int64_t begin, int64_t end,
                    const float* x, const float* zeros, float* v) {
  for (int64_t y = 0; y < s.in_h; ++y) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t image = t / cut.tiles_w;
      const int64_t left = row_tile_begin(s, t % cut.tiles_w) - s.pad_w;
      const float* row = x + (image * s.in_h + y) * s.in_w * s.depth;
      const float* pixel[kRowPoints];
      for (int64_t j = 0; j < kRowPoints; ++j) {
        const int64_t column = left + j * s.dilation_w;
        pixel[j] = 0 <= column && column < s.in_w ? row + column * s.depth : zeros;
      }
      float* to = v + y * cut.v_row + (t - begin) * cut.depth;
      for (int64_t c = 0; c < s.depth; c += kLanes) {
        Vec in[kRowPoints], value[kRowPoints];
        for (int j = 0; j < kRowPoints; ++j) {
          in[j] =
              c + kLanes <= s.depth ? load(pixel[j] + c) : load_first(pixel[j] + c, s.depth - c);
        }
        Winograd<4>::input(in, value);
        for (int p = 0; p < kRowPoints; ++p) store(to + p * cut.v_stride + c, value[p]);
      }
    }
  }
}

/// Stage 2 for one panel and output row: M[point] = sum over window rows of V[point] U[point].
void multiply_rows(const Correlation& s, const RowCut& cut, int64_t tiles, int64_t out_row,
                   int64_t panel, const float* v, const float* packed, float* products) {
  const int64_t width = panel_width(s.width, panel);
  const Range taps = valid_taps(out_row - s.pad_h, 1, s.taps_h, s.in_h);
  const int64_t first_row = out_row - s.pad_h + taps.first;
  for (int64_t point = 0; point < kRowPoints; ++point) {
    const Tile t = {
        .a = v + point * cut.v_stride + (taps.first < taps.last ? first_row * cut.v_row : 0),
        .lda = cut.depth,
        .steps_h = taps.last - taps.first,
        .steps_w = 1,
        .a_step_h = cut.v_row,
        .a_step_w = 0,
        .length = s.depth,
        .b = packed + row_panel(s, panel) + point * row_point_stride(s, panel) +
             taps.first * s.depth * width,
        .ldb = width,
        .c = products + point * cut.m_stride,
        .ldc = width,
        .columns = width,
        .accumulate = false,
    };
    tile_rows<ReadA::rows>(tiles, t);
  }
}

/// Stage 3 for one panel and output row.
void output_rows(const Correlation& s, const RowCut& cut, int64_t begin, int64_t end,
                 int64_t out_row, int64_t panel, const float* products,
                 const Conv2dEpilogue<float>& then, float* y) {
  const int64_t width = panel_width(s.width, panel);
  for (int64_t t = begin; t < end; ++t) {
    const int64_t column = row_tile_begin(s, t % cut.tiles_w);
    float* row = y + t / cut.tiles_w * s.out_image + out_row * s.out_row;
    for (int64_t k = panel * kPanel; k < min_of(panel * kPanel + width, s.width); k += kLanes) {
      const int64_t exist = s.width - k;
      const float* m = products + (t - begin) * width + k - panel * kPanel;
      Vec product[kRowPoints], value[kRowOutputs];
      for (int p = 0; p < kRowPoints; ++p) product[p] = load(m + p * cut.m_stride);
      Winograd<4>::output(product, value);
      const Vec bias = then.bias ? load_columns(then.bias + k, exist) : Vec{};
      for (int64_t j = 0; j < kRowOutputs; ++j) {
        const int64_t at = column + j * s.dilation_w;
        if (at >= s.out_w) break;
        Vec out = value[j] + bias;
        if (then.relu) out = rectified(out);
        exist >= kLanes ? store(row + at * s.out_pixel + k, out)
                        : store_first(row + at * s.out_pixel + k, out, exist);
      }
    }
  }
}

void row_correlate(const Correlation& s, const float* x, const float* packed,
                   const Conv2dEpilogue<float>& then, float* y, float* scratch) {
  const RowCut cut = row_cut(s);
  for (int64_t c = 0; c < cut.depth; ++c) scratch[c] = 0.0f;
  const bool parallel =
      cut.tiles * s.out_h * s.taps_h * s.depth * s.width * kRowPoints >= kSerialMultiplyAdds;
  share_out(cut.blocks, cut.groups, parallel, [&](int64_t block, int64_t group) {
    const int64_t begin = block * cut.block, end = min_of(begin + cut.block, cut.tiles);
    if (begin >= end) return;
    float* v =
        scratch + cut.depth + omp_get_thread_num() * kRowPoints * (cut.v_stride + cut.m_stride);
    float* products = v + kRowPoints * cut.v_stride;
    transform_rows(s, cut, begin, end, x, scratch, v);
    const int64_t panels = panel_count(s.width);
    for (int64_t panel = panels * group / cut.groups; panel < panels * (group + 1) / cut.groups;
         ++panel) {
      for (int64_t row = 0; row < s.out_h; ++row) {
        multiply_rows(s, cut, end - begin, row, panel, v, packed, products);
        output_rows(s, cut, begin, end, row, panel, products, then, y);
      }
    }
  });
}
