// The first layer: 3x3 windows over images of one channel. A tile has 9 steps only, and what surrounds
// them would cost as much as they do. So there is no loop over steps: nine weights for two vectors of
// channels stay in registers (where there are 32) while the pixels of a row pass by.

/// Can the row kernel below do this tile of listed steps?
inline bool is_first_layer(const Tile& t) {
  return t.length == 9 && t.columns == kPanel && t.offsets[1] == t.offsets[0] + 1 &&
         t.offsets[2] == t.offsets[0] + 2;
}

/// `P` neighbouring pixels; `row` are the three input rows under the first one's window.
template <int P>
[[gnu::always_inline]] inline void nine_taps(const Tile& t, const Vec (&w)[9][2],
                                             const Vec (&start)[2], const float* const (&row)[3],
                                             float* c) {
  Vec sum[P][2];
#pragma GCC unroll 6
  for (int p = 0; p < P; ++p) {
    sum[p][0] = start[0];
    sum[p][1] = start[1];
  }
#pragma GCC unroll 9
  for (int r = 0; r < 9; ++r) {
#pragma GCC unroll 6
    for (int p = 0; p < P; ++p) {
      const Vec x = broadcast(row[r / 3][p * t.lda + r % 3]);
      sum[p][0] += x * w[r][0];
      sum[p][1] += x * w[r][1];
    }
  }
#pragma GCC unroll 6
  for (int p = 0; p < P; ++p) {
    store(c + p * t.ldc, t.relu ? rectified(sum[p][0]) : sum[p][0]);
    store(c + p * t.ldc + kLanes, t.relu ? rectified(sum[p][1]) : sum[p][1]);
  }
}

void first_layer_row(int64_t pixels, const Tile& t) {
  constexpr int kAtOnce = 6, kAhead = 36;  // pixels; the lines that stores will want
  Vec w[9][2], start[2] = {};
  for (int r = 0; r < 9; ++r) {
    for (int v = 0; v < 2; ++v) w[r][v] = load(t.b + r * t.ldb + v * kLanes);
  }
  for (int v = 0; v < 2 && t.bias; ++v) start[v] = load(t.bias + v * kLanes);
  const float* row[3] = {t.a + t.offsets[0], t.a + t.offsets[3], t.a + t.offsets[6]};
  float* c = t.c;
  int64_t p = 0;
  for (; p + kAtOnce <= pixels; p += kAtOnce) {
    for (int q = kAhead; q < kAhead + kAtOnce; ++q) {
      __builtin_prefetch(c + q * t.ldc, 1);
      __builtin_prefetch(c + q * t.ldc + kLanes, 1);
    }
    nine_taps<kAtOnce>(t, w, start, row, c);
    for (const float*& r : row) r += kAtOnce * t.lda;
    c += kAtOnce * t.ldc;
  }
  for (; p < pixels; ++p) {
    nine_taps<1>(t, w, start, row, c);
    for (const float*& r : row) r += t.lda;
    c += t.ldc;
  }
}
