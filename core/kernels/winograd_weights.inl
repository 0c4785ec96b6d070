// Winograd convolution, backward to the weights: the adjoint of the forward form in its weights,
//   dw = G' [ sum over tiles of (B' x B) . (A g A') ] G,
// so the three stages are: transform patches of x and tiles of g, at each point a matrix product
// that sums over tiles, transform the sums back.
//
// The points of one row of the M+2 rows have nothing to do with the other rows': their share of the
// transforms, their products and their sums are a piece of work of its own. So the threads share the
// rows of points. A row reads all of x and g, but what it keeps, its values of a chunk of tiles and
// its sums, fits the L2 cache, and no thread waits for another or reads what another wrote. Every
// sum has one owner that adds in the order of the tiles: the bits cannot depend on the number of
// threads.

struct WinogradWeightsCut {
  int64_t tiles_h, tiles_w, tiles, chunk;
  int64_t depth, panels;                 ///< C in whole vectors; panels of K
  int64_t x_stride, g_stride, s_stride;  ///< between points, odd numbers of cache lines
};

template <int M> WinogradWeightsCut winograd_weights_cut(const Conv2dShape& s) {
  constexpr int64_t kBudget = 140'000;  // the values of one row of points and one chunk
  WinogradWeightsCut cut;
  cut.tiles_h = ceil_div(s.oh(), M);
  cut.tiles_w = ceil_div(s.ow(), M);
  cut.tiles = s.n * cut.tiles_h * cut.tiles_w;
  cut.depth = round_up(s.c, kLanes);
  cut.panels = panel_count(s.k);
  const int64_t fit = kBudget / ((M + 2) * (cut.depth + cut.panels * kPanel));
  cut.chunk = ceil_div(cut.tiles, max_of(1, ceil_div(cut.tiles, max_of(64, fit))));
  cut.x_stride = cut.chunk * cut.depth + 16;
  cut.g_stride = cut.chunk * cut.panels * kPanel + 16;
  cut.s_stride = s.c * cut.panels * kPanel + 16;
  return cut;
}

template <int M> int64_t winograd_weights_scratch(const Conv2dShape& s) {
  const WinogradWeightsCut cut = winograd_weights_cut<M>(s);
  return max_of(cut.depth, cut.panels * kPanel) + kWinogradPoints<M> * cut.s_stride +
         omp_get_max_threads() * (M + 2) * (cut.x_stride + cut.g_stride);
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
        both_axes(sum, tap, kWeightGradient<M>);
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

template <int I> struct Constant { static constexpr int kValue = I; };

/// f(Constant<i>{}) for the run-time number i in [0, N).
template <int N, class F> inline void with_constant(int64_t i, const F& f) {
  if (i == N - 1) {
    f(Constant<N - 1>{});
  } else if constexpr (N > 1) {
    with_constant<N - 1>(i, f);
  }
}

/// Row `Row` of the points of one patch, whose numbers load(i, j) gives.
template <int P, int Points, int Row, class F, class Load>
[[gnu::always_inline]] inline void transform_row_of(F f, Load load, int64_t point_stride,
                                                    float* out) {
  Vec half[P], value[Points];
#pragma GCC unroll 6
  for (int j = 0; j < P; ++j) {
    Vec column[P], changed[Points];
#pragma GCC unroll 6
    for (int i = 0; i < P; ++i) column[i] = load(i, j);
    f(column, changed);
    half[j] = changed[Row];
  }
  f(half, value);
#pragma GCC unroll 6
  for (int j = 0; j < Points; ++j) store(out + j * point_stride, value[j]);
}

/// Row `Row` of the points of patches [begin, end): point (Row, j) of channels c ... of patch t goes
/// to to(t, c)[j * point_stride].
template <int P, int Points, int Row, class F, class To>
inline void transform_row(const Patches& s, int64_t begin, int64_t end, int64_t point_stride, F f,
                          To to) {
  for (int64_t t = begin; t < end; ++t) {
    const float* pixel[P][P];
    locate_patch(s, t, pixel);
    int64_t c = 0;
    for (; c + kLanes <= s.channels; c += kLanes) {
      transform_row_of<P, Points, Row>(
          f, [&](int i, int j) __attribute__((always_inline)) { return load(pixel[i][j] + c); },
          point_stride, to(t, c));
    }
    if (c == s.channels) continue;
    transform_row_of<P, Points, Row>(
        f,
        [&](int i, int j)
            __attribute__((always_inline)) { return load_first(pixel[i][j] + c, s.channels - c); },
        point_stride, to(t, c));
  }
}

/// The sums of one row of points. `values` holds its values of x and g of a chunk.
template <int M, int Row>
void sums_of_row(const Conv2dShape& s, const WinogradWeightsCut& cut, const Patches& x,
                 const Patches& g, float* values, float* sums) {
  float* xs = values;                       // [point][tile][depth]
  float* gs = xs + (M + 2) * cut.x_stride;  // [point][panel][tile][width]
  sums += Row * (M + 2) * cut.s_stride;     // [point][panel][c][width]
  for (int64_t first = 0; first < cut.tiles; first += cut.chunk) {
    const int64_t last = min_of(first + cut.chunk, cut.tiles);
    transform_row<M + 2, M + 2, Row>(
        x, first, last, cut.x_stride, kInput<M>,
        [&](int64_t t, int64_t c) { return xs + (t - first) * cut.depth + c; });
    transform_row<M, M + 2, Row>(g, first, last, cut.g_stride, kGradient<M>,
                                 [&](int64_t t, int64_t k) {
                                   const int64_t panel = k / kPanel;
                                   return gs + panel * kPanel * cut.chunk +
                                          (t - first) * panel_width(s.k, panel) + k % kPanel;
                                 });
    for (int64_t point = 0; point < M + 2; ++point) {
      for (int64_t panel = 0; panel < cut.panels; ++panel) {
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
      }
    }
  }
}

template <int M>
void winograd_backward_weights(const Conv2dShape& s, const float* x, const float* g, float* dw,
                               float* scratch) {
  const WinogradWeightsCut cut = winograd_weights_cut<M>(s);
  const int64_t zeros = max_of(cut.depth, cut.panels * kPanel);
  for (int64_t c = 0; c < zeros; ++c) scratch[c] = 0.0f;
  float* sums = scratch + zeros;
  float* values = sums + kWinogradPoints<M> * cut.s_stride;
  if (cut.tiles == 0) {  // nobody will write the sums
    for (int64_t e = 0; e < kWinogradPoints<M> * cut.s_stride; ++e) sums[e] = 0.0f;
  }
  const Patches x_patches = {x,           s.h, s.w,     s.c,     cut.tiles_h,
                             cut.tiles_w, M,   s.pad_h, s.pad_w, scratch};
  const Patches g_patches = {g, s.oh(), s.ow(), s.k, cut.tiles_h, cut.tiles_w, M, 0, 0, scratch};
  const bool parallel = cut.tiles * s.c * s.k * kWinogradPoints<M> >= kSerialMultiplyAdds;
  share_out(M + 2, parallel, [&](int64_t row) {
    float* own = values + omp_get_thread_num() * (M + 2) * (cut.x_stride + cut.g_stride);
    with_constant<M + 2>(row, [&](auto r) {
      sums_of_row<M, decltype(r)::kValue>(s, cut, x_patches, g_patches, own, sums);
    });
  });
  weights_from_sums<M>(s, cut, sums, dw);
}
