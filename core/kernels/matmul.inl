// Matrix products: vectors are read once; everything else is gemm.inl's.

constexpr int64_t kSerialVector = 1 << 18;  // numbers of the matrix below which threads cost more

/// y[n] += x b for kRows rows of b [k, n] (from 0 if `first`). Each row is a stream that the
/// prefetcher follows, while y stays in the L1 cache.
template <int kRows>
void add_rows(int64_t n, const float* x, const float* b, int64_t ldb, bool first, float* y) {
  Vec factor[kRows];
  for (int r = 0; r < kRows; ++r) factor[r] = broadcast(x[r]);
  int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes) {
    Vec sum = first ? Vec{} : load(y + j);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) sum += factor[r] * load(b + r * ldb + j);
    store(y + j, sum);
  }
  if (j == n) return;
  Vec sum = first ? Vec{} : load_first(y + j, n - j);
  for (int r = 0; r < kRows; ++r) sum += factor[r] * load_first(b + r * ldb + j, n - j);
  store_first(y + j, sum, n - j);
}

/// y[n] = x b for b [k, n]; each output sums in the order of the rows.
void vector_by_rows(int64_t n, int64_t k, const float* x, const float* b, float* y) {
  constexpr int64_t kColumns = 256, kRows = 8;
  share_out(ceil_div(n, kColumns), n * k >= kSerialVector, [=](int64_t chunk) {
    const int64_t from = chunk * kColumns, count = min_of(kColumns, n - from);
    int64_t r = 0;
    for (; r + kRows <= k; r += kRows) {
      add_rows<kRows>(count, x + r, b + r * n + from, n, r == 0, y + from);
    }
    for (; r < k; ++r) add_rows<1>(count, x + r, b + r * n + from, n, r == 0, y + from);
  });
}

/// Dot products of x[k] with kRows rows.
template <int kRows> void dot_rows(int64_t k, const float* x, const float* b, float* y) {
  Vec sum[kRows] = {};
  int64_t j = 0;
  for (; j + kLanes <= k; j += kLanes) {
    const Vec xv = load(x + j);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) sum[r] += xv * load(b + r * k + j);
  }
  if (j < k) {
    const Vec xv = load_first(x + j, k - j);
    for (int r = 0; r < kRows; ++r) sum[r] += xv * load_first(b + r * k + j, k - j);
  }
  for (int r = 0; r < kRows; ++r) y[r] = sum_of_lanes(sum[r]);
}

/// y[n] = b x for b [n, k].
void vector_by_dots(int64_t n, int64_t k, const float* x, const float* b, float* y) {
  constexpr int64_t kRows = 8, kChunk = 64;
  share_out(ceil_div(n, kChunk), n * k >= kSerialVector, [=](int64_t chunk) {
    const int64_t end = min_of((chunk + 1) * kChunk, n);
    int64_t i = chunk * kChunk;
    for (; i + kRows <= end; i += kRows) dot_rows<kRows>(k, x, b + i * k, y + i);
    for (; i < end; ++i) dot_rows<1>(k, x, b + i * k, y + i);
  });
}

/// c = a b for b [k, n] packed by pack_panels, then bias and ReLU (no pool).
void matmul_packed(int64_t m, int64_t n, int64_t k, const float* a, const float* packed, float* c,
                   const Conv2dEpilogue<float>& then, float* scratch) {
  multiply({m, n, k, a, false, packed, false, true, c, then}, scratch);
}

int64_t matmul_packed_scratch(int64_t m, int64_t n, int64_t k) {
  return product_scratch({m, n, k, nullptr, false, nullptr, false, true, nullptr});
}

int64_t matmul_scratch(int64_t m, int64_t n, int64_t k) {
  int64_t most = 0;
  for (int64_t flags = 0; flags < 4; ++flags) {
    const bool ta = flags & 1, tb = flags & 2;
    most = max_of(most, product_scratch({m, n, k, nullptr, ta, nullptr, tb, false, nullptr}));
  }
  return most;
}

void matmul(int64_t m, int64_t n, int64_t k, const float* a, bool transpose_a, const float* b,
            bool transpose_b, float* c, float* scratch) {
  if (k > 0 && m == 1) {
    transpose_b ? vector_by_dots(n, k, a, b, c) : vector_by_rows(n, k, a, b, c);
  } else if (k > 0 && n == 1) {
    transpose_a ? vector_by_rows(m, k, b, a, c) : vector_by_dots(m, k, b, a, c);
  } else {
    multiply({m, n, k, a, transpose_a, b, transpose_b, false, c}, scratch);
  }
}
