// Winograd convolution, backward to the weights: the adjoint of the forward form in its weights,
//   dw = G' [ sum over tiles of (B' x B) . (A g A') ] G,
// so the three stages are: transform patches of x and tiles of g, at each point a matrix product
// that sums over tiles, transform the sums back.
//
// The sums, (M+2)^2 C K numbers, are too many to keep one copy a thread. So the tiles are cut into
// chunks, and all threads work on one chunk at a time: first they share its tiles (stage 1), then
// the points and panels (stage 2). Each sum has one owner that adds in the order of the tiles, and
// nothing is left to reduce: the bits cannot depend on the number of threads.

struct WinogradWeightsCut {
  int64_t tiles_h, tiles_w, tiles, chunk;
  int64_t depth, panels;                 ///< C in whole vectors; panels of K
  int64_t x_stride, g_stride, s_stride;  ///< between points, odd numbers of cache lines
};

template <int M> WinogradWeightsCut winograd_weights_cut(const Conv2dShape& s) {
  constexpr int64_t kBudget = 1'700'000;  // V and G of a chunk, 7 MB: part of an L3 cache
  WinogradWeightsCut cut;
  cut.tiles_h = ceil_div(s.oh(), M);
  cut.tiles_w = ceil_div(s.ow(), M);
  cut.tiles = s.n * cut.tiles_h * cut.tiles_w;
  cut.depth = round_up(s.c, kLanes);
  cut.panels = panel_count(s.k);
  const int64_t fit =
      max_of(64, kBudget / (kWinogradPoints<M> * (cut.depth + cut.panels * kPanel)));
  cut.chunk = ceil_div(cut.tiles, max_of(1, ceil_div(cut.tiles, fit)));
  cut.x_stride = cut.chunk * cut.depth + 16;
  cut.g_stride = cut.chunk * cut.panels * kPanel + 16;
  cut.s_stride = s.c * cut.panels * kPanel + 16;
  return cut;
}

template <int M> int64_t winograd_weights_scratch(const Conv2dShape& s) {
  const WinogradWeightsCut cut = winograd_weights_cut<M>(s);
  return max_of(cut.depth, cut.panels * kPanel) +
         kWinogradPoints<M> * (cut.x_stride + cut.g_stride + cut.s_stride);
}

/// Stage 3: dw[k, :, :, c] from the sums [point][panel][c][width].
template <int M>
void weights_from_sums(const Conv2dShape& s, const WinogradWeightsCut& cut, const float* sums,
                       float* dw) {
  const bool parallel = s.w_size() >= kSerialElements;
  share_out(cut.panels, ceil_div(s.c, kLanes), parallel, [&](int64_t panel, int64_t block) {
    const int64_t width = panel_width(s.k, panel);
    const int64_t first_c = block * kLanes, count = min_of(kLanes, s.c - first_c);
    for (int64_t v = 0; v < width; v += kLanes) {
      const int64_t first_k = panel * kPanel + v;
      float taps[3][3][kLanes][kLanes];  // [i][j][c][k]
      for (int64_t c = 0; c < count; ++c) {
        const float* from = sums + panel * kPanel * s.c + (first_c + c) * width + v;
        Vec sum[M + 2][M + 2], tap[3][3];
        for (int i = 0; i < M + 2; ++i) {
          for (int j = 0; j < M + 2; ++j) sum[i][j] = load(from + (i * (M + 2) + j) * cut.s_stride);
        }
        both_axes(sum, tap, Winograd<M>::weight_gradient);
        for (int i = 0; i < 3; ++i) {
          for (int j = 0; j < 3; ++j) store(taps[i][j][c], tap[i][j]);
        }
      }
      for (int64_t k = 0; k < min_of(kLanes, s.k - first_k); ++k) {
        for (int64_t ij = 0; ij < 9; ++ij) {
          float* out = dw + ((first_k + k) * 9 + ij) * s.c + first_c;
          for (int64_t c = 0; c < count; ++c) out[c] = taps[ij / 3][ij % 3][c][k];
        }
      }
    }
  });
}

template <int M>
void winograd_backward_weights(const Conv2dShape& s, const float* x, const float* g, float* dw,
                               float* scratch) {
  const WinogradWeightsCut cut = winograd_weights_cut<M>(s);
  const int64_t zeros = max_of(cut.depth, cut.panels * kPanel);
  for (int64_t c = 0; c < zeros; ++c) scratch[c] = 0.0f;
  float* xs = scratch + zeros;                           // [point][tile][depth]
  float* gs = xs + kWinogradPoints<M> * cut.x_stride;    // [point][panel][tile][width]
  float* sums = gs + kWinogradPoints<M> * cut.g_stride;  // [point][panel][c][width]
  const Patches x_patches = {x,           s.h, s.w,     s.c,     cut.tiles_h,
                             cut.tiles_w, M,   s.pad_h, s.pad_w, scratch};
  const Patches g_patches = {g, s.oh(), s.ow(), s.k, cut.tiles_h, cut.tiles_w, M, 0, 0, scratch};
  const bool parallel = cut.tiles * s.c * s.k * kWinogradPoints<M> >= kSerialMultiplyAdds;
  constexpr int64_t kRun = 8;  // tiles transformed by one unit of work
  for (int64_t first = 0; first < cut.tiles; first += cut.chunk) {
    const int64_t last = min_of(first + cut.chunk, cut.tiles);
    share_out(ceil_div(last - first, kRun), parallel, [&](int64_t run) {
      const int64_t begin = first + run * kRun, end = min_of(begin + kRun, last);
      transform_patches<M + 2, M + 2>(
          x_patches, begin, end, cut.x_stride, Winograd<M>::input,
          [&](int64_t t, int64_t c) { return xs + (t - first) * cut.depth + c; });
      transform_patches<M, M + 2>(g_patches, begin, end, cut.g_stride, Winograd<M>::gradient,
                                  [&](int64_t t, int64_t k) {
                                    const int64_t panel = k / kPanel;
                                    return gs + panel * kPanel * cut.chunk +
                                           (t - first) * panel_width(s.k, panel) + k % kPanel;
                                  });
    });
    share_out(kWinogradPoints<M>, cut.panels, parallel, [&](int64_t point, int64_t panel) {
      const int64_t width = panel_width(s.k, panel);
      const Tile t = {
          .a = xs + point * cut.x_stride,
          .lda = cut.depth,
          .steps_h = 1,
          .steps_w = 1,
          .a_step_h = 0,
          .a_step_w = 0,
          .length = last - first,
          .b = gs + point * cut.g_stride + panel * kPanel * cut.chunk,
          .ldb = width,
          .c = sums + point * cut.s_stride + panel * kPanel * s.c,
          .ldc = width,
          .columns = width,
          .accumulate = first > 0,
      };
      tile_rows<ReadA::columns>(s.c, t);
    });
  }
  if (cut.tiles == 0) {  // nobody has written the sums
    for (int64_t e = 0; e < kWinogradPoints<M> * cut.s_stride; ++e) sums[e] = 0.0f;
  }
  weights_from_sums<M>(s, cut, sums, dw);
}
