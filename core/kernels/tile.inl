// The register tile: the one inner loop of matmul and of all three faces of conv2d.
//
// It adds products into P x V vectors of sums that never leave the registers: each step loads V
// vectors of b, broadcasts P numbers of a, and does P * V fused multiply-adds. With P = 14, V = 2
// that is 28 multiply-adds for 16 loads, and 28 independent sums hide the latency of the
// multiply-add. Every output sums its products in the same order whatever the tile, so results
// never depend on how the outputs were split.

constexpr int64_t kTileRows = TALWEG_TILE_ROWS;
constexpr int64_t kTileVecs = 2;
constexpr int64_t kPanel = kTileVecs * kLanes;  // columns of b packed together

/// c[p, :] (+)= sum over s < steps_h, t < steps_w, r < length of a(s, t, r, p) * b[next row, :],
/// rows of b in the order (s, t, r), `ldb` floats apart. The numbers of a lie at a + s * a_step_h +
/// t * a_step_w +
///   r + p * lda             (rows; rows_ahead)
///   r * lda + p             (columns: a read transposed)
///   offsets[r] + p * lda    (listed_steps)
///   r * lda + offsets[p]    (listed_rows)
///   r * lda + p / 3 * a_run + p % 3    (runs_of_three: no register holds an offset of a row)
struct Tile {
  const float* a;
  int64_t lda;
  int64_t steps_h, steps_w, a_step_h, a_step_w, length;
  const float* b;
  int64_t ldb;
  float* c;
  int64_t ldc;
  int64_t columns;                     ///< of c that exist, at most V * kLanes
  bool accumulate;                     ///< the sums start from what c holds
  const float* bias = nullptr;         ///< what the sums start from, one number a column
  bool relu = false;                   ///< store max(sum, 0)
  int64_t b_skip_h = 0, b_skip_w = 0;  ///< floats of b passed over after each s, after each t
  const int64_t* offsets = nullptr;
  int64_t a_run = 0;
  int64_t a_ahead = 0, b_ahead = 0;  ///< prefetched (columns only): so many floats further on
  const float* ahead = nullptr;      ///< prefetched (rows_ahead), so many floats further each r
  int64_t ahead_step = 0;
};

enum class ReadA { rows, rows_ahead, columns, listed_steps, listed_rows, runs_of_three };

/// The first kLanes of `exist` numbers, zeros for those that are missing.
inline Vec load_columns(const float* p, int64_t exist) {
  return exist >= kLanes ? load(p) : load_first(p, exist);
}

/// Stores sums[rows][vectors] where the last vector of a row is cut.
inline void store_tail(const Tile& t, int64_t rows, int64_t vectors, const float* sums) {
  for (int64_t p = 0; p < rows; ++p) {
    float* c = t.c + p * t.ldc;
    for (int64_t v = 0; v < vectors; ++v) {
      const int64_t exist = min_of(kLanes, t.columns - v * kLanes);
      Vec out = load(sums + (p * vectors + v) * kLanes);
      if (t.accumulate) out += load_columns(c + v * kLanes, exist);
      if (t.relu) out = rectified(out);
      store_first(c + v * kLanes, out, exist);
    }
  }
}

template <int P, int V, ReadA kRead> void tile(const Tile& t) {
  Vec start[V] = {};
  if (t.bias) {
    for (int v = 0; v < V; ++v)
      start[v] = load_columns(t.bias + v * kLanes, t.columns - v * kLanes);
  }
  const bool whole = t.columns >= V * kLanes;
  Vec sum[P][V];
  if (t.accumulate && whole) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) sum[p][v] = load(t.c + p * t.ldc + v * kLanes);
    }
  } else {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) sum[p][v] = start[v];
    }
  }
  constexpr bool kOneByOne = kRead == ReadA::rows || kRead == ReadA::rows_ahead;
  constexpr bool kByRows = kOneByOne || kRead == ReadA::listed_steps;
  const float* b = t.b;
  const int64_t ldb = t.ldb;
  const int64_t lda = t.lda;
  constexpr bool kTaps = kRead == ReadA::listed_rows || kRead == ReadA::runs_of_three;
  constexpr int64_t kAhead = 64;  // steps; under few channels b comes from far away
  if constexpr (kRead == ReadA::listed_steps) {
    // Few steps: the stores set the pace. Ask for the lines of a later tile.
    for (int p = 2 * P; p < 3 * P; ++p) {
      for (int v = 0; v < V; ++v) __builtin_prefetch(t.c + p * t.ldc + v * kLanes, 1);
    }
  }
  if constexpr (kRead == ReadA::rows) {
    // Ask for the lines of this tile's own results.
    for (int p = 0; p < P; ++p) {
      for (int v = 0; v < V; ++v) __builtin_prefetch(t.c + p * t.ldc + v * kLanes, 1);
    }
  }
  const int64_t a_ahead = t.a_ahead, b_ahead = t.b_ahead, b_skip_w = t.b_skip_w;
  const int64_t a_run = t.a_run;
  const float* ahead = t.ahead;
  int64_t offset[P];
  if constexpr (kRead == ReadA::listed_rows) {
    for (int p = 0; p < P; ++p) offset[p] = t.offsets[p];
  }
  for (int64_t s = 0; s < t.steps_h; ++s) {
    for (int64_t u = 0; u < t.steps_w; ++u) {
      const float* a = t.a + s * t.a_step_h + u * t.a_step_w;
      for (int64_t r = 0; r < t.length; ++r) {
        const float* at = kRead == ReadA::listed_steps ? a + t.offsets[r] : a;
        Vec bv[V];
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) bv[v] = load(b + v * kLanes);
        if (kRead == ReadA::columns) {
          __builtin_prefetch(a + a_ahead, 0, 2);
          for (int v = 0; v < V; ++v) __builtin_prefetch(b + b_ahead + v * kLanes, 0, 2);
        }
        if (kRead == ReadA::rows_ahead) {
          __builtin_prefetch(ahead, 0, 2);
          ahead += t.ahead_step;
        }
        if (kTaps) __builtin_prefetch(b + kAhead * ldb);
        if (kTaps && V > 1) __builtin_prefetch(b + kAhead * ldb + kLanes);
#pragma GCC unroll 16
        for (int p = 0; p < P; ++p) {
          const int64_t place = kByRows                         ? p * lda
                                : kRead == ReadA::columns       ? p
                                : kRead == ReadA::runs_of_three ? p / 3 * a_run + p % 3
                                                                : offset[p];
          const Vec av = broadcast(at[place]);
#pragma GCC unroll 2
          for (int v = 0; v < V; ++v) sum[p][v] += av * bv[v];
        }
        if (kOneByOne) a += 1;
        if (!kByRows) a += lda;
        b += ldb;
      }
      b += b_skip_w;
    }
    b += t.b_skip_h;
  }
  if (!whole) {
    float sums[P * V * kLanes];
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) store(sums + (p * V + v) * kLanes, sum[p][v]);
    }
    store_tail(t, P, V, sums);
    return;
  }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      float* c = t.c + p * t.ldc + v * kLanes;
      store(c, t.relu ? rectified(sum[p][v]) : sum[p][v]);
    }
  }
}

/// Runs tile<rows, V> for the run-time number of rows, 1 <= rows <= P.
template <int V, ReadA kRead, int P = kTileRows>
[[gnu::always_inline]] inline void tile_of(int64_t rows, const Tile& t) {
  if (rows == P) {
    tile<P, V, kRead>(t);
  } else if constexpr (P > 1) {
    tile_of<V, kRead, P - 1>(rows, t);
  }
}

/// One tile of 1 ... kTileRows rows.
template <ReadA kRead> void tile_once(int64_t rows, const Tile& t) {
  if (t.columns > kLanes) {
    tile_of<2, kRead>(rows, t);
  } else {
    tile_of<1, kRead>(rows, t);
  }
}

/// `rows` rows of c by any number of tiles as equal as possible (18 rows are 9 + 9, not 14 + 4).
template <ReadA kRead> void tile_rows(int64_t rows, Tile t) {
  if (rows <= 0) return;
  // Rows a multiple of 4 KiB apart share one set of the L1 cache, which holds 8 lines or more.
  const bool aliased = kRead == ReadA::rows && t.lda % 1024 == 0;
  const int64_t most = aliased ? min_of(8, kTileRows) : kTileRows;
  const int64_t each = ceil_div(rows, ceil_div(rows, most));
  for (int64_t done = 0; done < rows; done += each) {
    const int64_t count = min_of(each, rows - done);
    tile_once<kRead>(count, t);
    t.a += count * (kRead == ReadA::columns ? 1 : t.lda);
    t.c += count * t.ldc;
  }
}

/// Panels: `columns` columns in groups of kPanel, each group contiguous and `rows` high. The last
/// is one vector wide where that is enough, and zeros fill it up.
inline int64_t panel_count(int64_t columns) { return ceil_div(columns, kPanel); }
inline int64_t panel_width(int64_t columns, int64_t panel) {
  return columns - panel * kPanel > kLanes ? kPanel : kLanes;
}
inline int64_t packed_size(int64_t rows, int64_t columns) {
  return rows * round_up(columns, kPanel);
}

/// One row of a panel from `exist` adjoining numbers, zeros up to `width`.
inline void copy_panel_row(const float* source, int64_t exist, int64_t width, float* out) {
  for (int64_t v = 0; v < width; v += kLanes) {
    store(out + v, v + kLanes <= exist ? load(source + v) : load_first(source + v, exist - v));
  }
}

/// Rows [begin, end) of one packed panel [rows, panel_width], where
/// element(row, column) = source[row * row_step + column * column_step] and one of the steps is 1.
void pack_panel(const float* source, int64_t row_step, int64_t column_step, int64_t begin,
                int64_t end, int64_t columns, int64_t panel, float* packed) {
  const int64_t width = panel_width(columns, panel);
  const int64_t exist = min_of(width, columns - panel * kPanel);
  source += panel * kPanel * column_step;
  if (column_step == 1) {
    for (int64_t r = begin; r < end; ++r) {
      copy_panel_row(source + r * row_step, exist, width, packed + r * width);
    }
    return;
  }
  for (int64_t r = begin; r < end; r += kLanes) {
    const int64_t rows = min_of(kLanes, end - r);
    for (int64_t v = 0; v < width; v += kLanes) {
      Vec square[kLanes];  // a column each, and turned, a row
      for (int64_t j = 0; j < kLanes; ++j) {
        const float* in = source + (v + j) * column_step + r;
        square[j] = v + j >= exist ? Vec{} : load_columns(in, rows);
      }
      transpose(square);
      for (int64_t i = 0; i < rows; ++i) store(packed + (r + i) * width + v, square[i]);
    }
  }
}

/// All panels of a matrix [rows, columns], shared by the threads; panel i begins at i * kPanel *
/// rows.
void pack_panels(const float* source, int64_t row_step, int64_t column_step, int64_t rows,
                 int64_t columns, float* packed) {
  constexpr int64_t kRowBlock = 64;
  const bool parallel = rows * columns >= kSerialElements;
  share_out(panel_count(columns), ceil_div(rows, kRowBlock), parallel,
            [=](int64_t panel, int64_t block) {
              const int64_t begin = block * kRowBlock;
              pack_panel(source, row_step, column_step, begin, min_of(begin + kRowBlock, rows),
                         columns, panel, packed + panel * kPanel * rows);
            });
}
