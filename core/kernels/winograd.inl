// Winograd convolution, forward and to the data: a correlation in three stages, a block of tiles at
// a time so that everything between the stages stays in the L2 cache.
//
//   1. each (M+2) x (M+2) patch of the input, one for each M x M tile of the output, becomes its
//      values at (M+2)^2 points: V[point][tile][channel];
//   2. at each point a matrix product over channels, V[point] U[point] with the transformed weights:
//      the register tile of tile.inl does the work, (M+2)^2 multiplications for M^2 outputs, where
//      the direct form has 9 M^2;
//   3. the products become M x M outputs, which get bias, ReLU and pooling on their way out.

/// An image tensor [n, h, w, channels] seen as patches, one for each tile: patch (r, q) of an image
/// begins at pixel (r * step - pad_h, q * step - pad_w).
struct Patches {
  const float* data;
  int64_t h, w, channels;
  int64_t tiles_h, tiles_w;  ///< of one image
  int64_t step, pad_h, pad_w;
  const float* zeros;  ///< `channels` of them: what lies outside the image
};

/// Where the pixels of patch `tile` are.
template <int P>
inline void locate_patch(const Patches& s, int64_t tile, const float* (&pixel)[P][P]) {
  const int64_t image = tile / (s.tiles_h * s.tiles_w);
  const int64_t top = tile / s.tiles_w % s.tiles_h * s.step - s.pad_h;
  const int64_t left = tile % s.tiles_w * s.step - s.pad_w;
  for (int64_t i = 0; i < P; ++i) {
    const bool row_inside = 0 <= top + i && top + i < s.h;
    const float* row = s.data + ((image * s.h + top + i) * s.w + left) * s.channels;
    for (int64_t j = 0; j < P; ++j) {
      const bool inside = row_inside && 0 <= left + j && left + j < s.w;
      pixel[i][j] = inside ? row + j * s.channels : s.zeros;
    }
  }
}

/// Transforms patches [begin, end): value `point` of channels c ... of patch t goes to
/// to(t, c)[point * point_stride].
template <int P, int Points, class F, class To>
inline void transform_patches(const Patches& s, int64_t begin, int64_t end, int64_t point_stride,
                              F f, To to) {
  for (int64_t t = begin; t < end; ++t) {
    const float* pixel[P][P];
    locate_patch(s, t, pixel);
    for (int64_t c = 0; c < s.channels; c += kLanes) {
      Vec patch[P][P], value[Points][Points];
      if (c + kLanes <= s.channels) {
#pragma GCC unroll 6
        for (int i = 0; i < P; ++i) {
#pragma GCC unroll 6
          for (int j = 0; j < P; ++j) patch[i][j] = load(pixel[i][j] + c);
        }
      } else {
        for (int i = 0; i < P; ++i) {
          for (int j = 0; j < P; ++j) patch[i][j] = load_first(pixel[i][j] + c, s.channels - c);
        }
      }
      both_axes(patch, value, f);
      float* out = to(t, c);
#pragma GCC unroll 6
      for (int i = 0; i < Points; ++i) {
#pragma GCC unroll 6
        for (int j = 0; j < Points; ++j) store(out + (i * Points + j) * point_stride, value[i][j]);
      }
    }
  }
}

/// How a correlation is cut: blocks of tiles, and groups of output panels where the blocks alone
/// would leave threads without work. The cut depends on the shape only.
struct WinogradCut {
  int64_t tiles_h, tiles_w, tiles;  ///< of one image; of all images
  int64_t block, blocks;            ///< tiles in a block
  int64_t groups;                   ///< of panels; each group transforms its input anew
  int64_t depth;                    ///< input channels in whole vectors
  int64_t v_stride, m_stride;       ///< between the points of V and M, an odd number of cache lines
};

template <int M> WinogradCut winograd_cut(const Correlation& s) {
  constexpr int64_t kBudget = 150'000, kUnits = 4;
  WinogradCut cut;
  cut.tiles_h = ceil_div(s.out_h, M);
  cut.tiles_w = ceil_div(s.out_w, M);
  cut.tiles = s.n * cut.tiles_h * cut.tiles_w;
  cut.depth = round_up(s.depth, kLanes);
  const int64_t fit = kBudget / (kWinogradPoints<M> * (cut.depth + kPanel));
  // Weights of so many channels come from memory each time: use them for more tiles.
  const int64_t least = s.depth > 256 ? 2 * kTileRows : kTileRows;
  cut.blocks = ceil_div(cut.tiles, max_of(fit, least));
  if (cut.blocks >= kUnits) cut.blocks = round_up(cut.blocks, kUnits);
  cut.block = ceil_div(cut.tiles, max_of(1, cut.blocks));
  cut.groups = clamp_of(kUnits / 2 / max_of(1, cut.blocks), 1, panel_count(s.width));
  cut.v_stride = cut.block * cut.depth + 16;
  cut.m_stride = cut.block * kPanel + 16;
  return cut;
}

template <int M> int64_t winograd_scratch(const Correlation& s) {
  const WinogradCut cut = winograd_cut<M>(s);
  const int64_t thread = kWinogradPoints<M> * (cut.v_stride + cut.m_stride);
  return cut.depth + omp_get_max_threads() * thread;
}

/// Stage 2 for one panel: M[point] = V[point] U[point].
template <int M>
void multiply_points(const Correlation& s, const WinogradCut& cut, int64_t tiles, int64_t panel,
                     const float* v, const float* packed, float* products) {
  const int64_t width = panel_width(s.width, panel);
  const float* u = packed + point_panel<M>(s, panel);
  for (int64_t point = 0; point < kWinogradPoints<M>; ++point) {
    const Tile t = {
        .a = v + point * cut.v_stride,
        .lda = cut.depth,
        .steps_h = 1,
        .steps_w = 1,
        .a_step_h = 0,
        .a_step_w = 0,
        .length = s.depth,
        .b = u + point * point_stride(s, panel),
        .ldb = width,
        .c = products + point * cut.m_stride,
        .ldc = width,
        .columns = width,
        .accumulate = false,
    };
    tile_rows<ReadA::rows>(tiles, t);
  }
}

/// Where a tile's outputs go: pooled if the epilogue pools.
struct TileOutput {
  int64_t rows, columns;  ///< outputs of the tile, after pooling, that lie in the image
  int64_t row_stride, pixel_stride, channels;
  float* y;
  uint8_t* winner;  ///< null for none
};

/// Pools windows of PoolH x PoolW outputs, which a tile holds whole, and stores.
template <int PoolH, int PoolW, int M>
[[gnu::always_inline]] inline void store_tile(const Conv2dEpilogue<float>& then,
                                              const Vec (&value)[M][M], const TileOutput& out) {
#pragma GCC unroll 4
  for (int i = 0; i < M / PoolH; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < M / PoolW; ++j) {
      if (i >= out.rows || j >= out.columns) continue;
      const int64_t at = i * out.row_stride + j * out.pixel_stride;
      if constexpr (PoolH * PoolW > 1) {
        Best best = {value[i * PoolH][j * PoolW], IVec{}};
#pragma GCC unroll 4
        for (int e = 1; e < PoolH * PoolW; ++e) {
          consider(best, value[i * PoolH + e / PoolW][j * PoolW + e % PoolW], e);
        }
        store_best(then, best, out.channels, out.y + at, out.winner ? out.winner + at : nullptr);
      } else {
        const Vec v = then.relu ? rectified(value[i][j]) : value[i][j];
        if (out.channels >= kLanes) {
          store(out.y + at, v);
        } else {
          store_first(out.y + at, v, out.channels);
        }
      }
    }
  }
}

/// Stage 3 for one panel.
template <int M>
void output_points(const Correlation& s, const WinogradCut& cut, int64_t begin, int64_t end,
                   int64_t panel, const float* products, const Conv2dEpilogue<float>& then,
                   float* y) {
  const int64_t width = panel_width(s.width, panel);
  const int64_t out_h = s.out_h / then.pool_h, out_w = s.out_w / then.pool_w;
  for (int64_t t = begin; t < end; ++t) {
    const int64_t image = t / (cut.tiles_h * cut.tiles_w);
    const int64_t top = t / cut.tiles_w % cut.tiles_h * (M / then.pool_h);
    const int64_t left = t % cut.tiles_w * (M / then.pool_w);
    const int64_t pixel = (image * out_h + top) * out_w + left;
    for (int64_t k = panel * kPanel; k < min_of(panel * kPanel + width, s.width); k += kLanes) {
      const float* m = products + (t - begin) * width + k - panel * kPanel;
      Vec product[M + 2][M + 2], value[M][M];
#pragma GCC unroll 6
      for (int i = 0; i < M + 2; ++i) {
#pragma GCC unroll 6
        for (int j = 0; j < M + 2; ++j) {
          product[i][j] = load(m + (i * (M + 2) + j) * cut.m_stride);
        }
      }
      both_axes(product, value, kOutput<M>);
      if (then.bias) {
        const Vec bias =
            k + kLanes <= s.width ? load(then.bias + k) : load_first(then.bias + k, s.width - k);
#pragma GCC unroll 4
        for (int i = 0; i < M; ++i) {
#pragma GCC unroll 4
          for (int j = 0; j < M; ++j) value[i][j] += bias;
        }
      }
      const int64_t at = pixel * s.width + k;
      const TileOutput out = {.rows = out_h - top,
                              .columns = out_w - left,
                              .row_stride = out_w * s.width,
                              .pixel_stride = s.width,
                              .channels = s.width - k,
                              .y = y + at,
                              .winner = then.pools() && then.winner ? then.winner + at : nullptr};
      if (then.pool_h == 2) {
        then.pool_w == 2 ? store_tile<2, 2>(then, value, out) : store_tile<2, 1>(then, value, out);
      } else {
        then.pool_w == 2 ? store_tile<1, 2>(then, value, out) : store_tile<1, 1>(then, value, out);
      }
    }
  }
}

template <int M>
void winograd_correlate(const Correlation& s, const float* x, const float* packed,
                        const Conv2dEpilogue<float>& then, float* y, float* scratch) {
  const WinogradCut cut = winograd_cut<M>(s);
  for (int64_t c = 0; c < cut.depth; ++c) scratch[c] = 0.0f;
  const Patches patches = {x,           s.in_h, s.in_w,  s.depth, cut.tiles_h,
                           cut.tiles_w, M,      s.pad_h, s.pad_w, scratch};
  const bool parallel = cut.tiles * s.depth * s.width * kWinogradPoints<M> >= kSerialMultiplyAdds;
  share_out(cut.blocks, cut.groups, parallel, [&](int64_t block, int64_t group) {
    const int64_t begin = block * cut.block, end = min_of(begin + cut.block, cut.tiles);
    if (begin >= end) return;
    float* v = scratch + cut.depth +
               omp_get_thread_num() * kWinogradPoints<M> * (cut.v_stride + cut.m_stride);
    float* products = v + kWinogradPoints<M> * cut.v_stride;
    transform_patches<M + 2, M + 2>(
        patches, begin, end, cut.v_stride, kInput<M>,
        [&](int64_t t, int64_t c) { return v + (t - begin) * cut.depth + c; });
    const int64_t panels = panel_count(s.width);
    for (int64_t panel = panels * group / cut.groups; panel < panels * (group + 1) / cut.groups;
         ++panel) {
      multiply_points<M>(s, cut, end - begin, panel, v, packed, products);
      output_points<M>(s, cut, begin, end, panel, products, then, y);
    }
  });
}
