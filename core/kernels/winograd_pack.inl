// The weights of a Winograd correlation at the points, G w G', in panels for the register tile:
// U[panel of width][point][depth][panel_width]. The forward face reads w[k, i, j, c] with its depth
// along c; the face to the data reads it reversed, with its depth along k.

template <int M> constexpr int64_t kWinogradPoints = (M + 2) * (M + 2);

/// One face as a correlation: for the data, of g with the reversed window.
inline Correlation winograd_correlation(const Conv2dShape& s, Conv2dFace face) {
  if (face == Conv2dFace::forward) return forward_correlation(s);
  return phase_correlation(s, phase_of(0, s.h, s.pad_h, 1, 1, 3),
                           phase_of(0, s.w, s.pad_w, 1, 1, 3));
}

/// Between the points of a panel: a cache line more than they need, so that the points of one pair of
/// channels don't all fall into one set of the cache.
inline int64_t point_stride(const Correlation& s, int64_t panel) {
  return s.depth * panel_width(s.width, panel) + 16;
}

/// Where a panel begins.
template <int M> int64_t point_panel(const Correlation& s, int64_t panel) {
  return panel * kWinogradPoints<M> * (s.depth * kPanel + 16);
}

template <int M> int64_t winograd_packed_size(const Correlation& s) {
  return point_panel<M>(s, panel_count(s.width));
}

/// The 9 taps of kLanes x kLanes pairs (depth, width), the width in a vector.
struct TapBlock {
  float tap[9][kLanes][kLanes];
};

/// Taps of channels c in [first_c, first_c + count_c) and k in [first_k, first_k + count_k), zeros
/// elsewhere. Walks w in the order in which it lies: 9 runs of c for each k.
void load_taps(const Conv2dShape& s, Conv2dFace face, const float* w, int64_t first_k,
               int64_t count_k, int64_t first_c, int64_t count_c, TapBlock& block) {
  const bool forward = face == Conv2dFace::forward;
  if (count_k < kLanes || count_c < kLanes) block = {};
  for (int64_t k = 0; k < count_k; ++k) {
    for (int64_t ij = 0; ij < 9; ++ij) {
      const float* from = w + ((first_k + k) * 9 + ij) * s.c + first_c;
      if (forward) {
        for (int64_t c = 0; c < count_c; ++c) block.tap[ij][c][k] = from[c];
      } else {
        for (int64_t c = 0; c < count_c; ++c) block.tap[8 - ij][k][c] = from[c];
      }
    }
  }
}

template <int M>
void winograd_pack(const Conv2dShape& shape, Conv2dFace face, const float* w, float* packed) {
  const bool forward = face == Conv2dFace::forward;
  const Correlation s = winograd_correlation(shape, face);
  const bool parallel = s.depth * s.width * 9 >= kSerialElements;
  const int64_t width_blocks = ceil_div(s.width, kLanes);
  share_out(width_blocks, ceil_div(s.depth, kLanes), parallel, [&](int64_t column, int64_t row) {
    const int64_t first = column * kLanes, depth = row * kLanes;
    const int64_t count = min_of(kLanes, s.width - first), deep = min_of(kLanes, s.depth - depth);
    TapBlock block;
    if (forward) {
      load_taps(shape, face, w, first, count, depth, deep, block);
    } else {
      load_taps(shape, face, w, depth, deep, first, count, block);
    }
    const int64_t panel = first / kPanel, width = panel_width(s.width, panel);
    const int64_t stride = point_stride(s, panel);
    float* u = packed + point_panel<M>(s, panel) + depth * width + first % kPanel;
    for (int64_t d = 0; d < deep; ++d) {
      Vec tap[3][3], value[M + 2][M + 2];
      for (int ij = 0; ij < 9; ++ij) tap[ij / 3][ij % 3] = load(block.tap[ij][d]);
      both_axes(tap, value, kWeight<M>);
      for (int i = 0; i < M + 2; ++i) {
        for (int j = 0; j < M + 2; ++j) {
          store(u + (i * (M + 2) + j) * stride + d * width, value[i][j]);
        }
      }
    }
  });
}
