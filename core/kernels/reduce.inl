// Reductions over the rows or the columns of x[rows, cols]. Every sum is cut into blocks that
// depend on the shape only, each block is summed by one thread, and the blocks are added in order:
// the same bits for any number of threads. Short blocks also keep the rounding error of long sums
// small.

/// Loads a vector that may run into the following row, or, in the last rows, would leave the array.
/// The lanes beyond the row are never used; reading them whole is cheaper than picking single
/// lanes.
struct Matrix {
  const float* data;
  int64_t size;
  [[gnu::always_inline]] Vec at(int64_t i) const {
    return i + kLanes <= size ? load(data + i) : load_first(data + i, size - i);
  }
};

/// Rows [begin, end) of one vector of columns, in four interleaved sums.
template <class Term> inline Vec sum_rows(int64_t begin, int64_t end, Term term) {
  Vec sum[4] = {};
  int64_t r = begin;
  for (; r + 4 <= end; r += 4) {
    for (int64_t u = 0; u < 4; ++u) sum[u] += term(r + u);
  }
  for (; r < end; ++r) sum[0] += term(r);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/// out[j] = sum over r of term(r * cols + j, j), a vector of columns at a time.
template <class Term>
inline void reduce_columns(int64_t rows, int64_t cols, float* out, Term term) {
  constexpr int64_t kBlocks = 32, kGroup = 4;  // 4 vectors of columns x 32 blocks of rows
  const int64_t block_rows = max_of(128, ceil_div(rows, kBlocks));
  const int64_t blocks = ceil_div(rows, block_rows);
  for (int64_t first = 0; first < cols; first += kGroup * kLanes) {
    const int64_t vectors = min_of(kGroup, ceil_div(cols - first, kLanes));
    Vec partial[kBlocks][kGroup];
    const bool parallel = rows * vectors * kLanes >= kSerialElements;
    share_out(blocks, vectors, parallel, [&](int64_t block, int64_t v) {
      const int64_t j = first + v * kLanes;
      const int64_t begin = block * block_rows;
      partial[block][v] = sum_rows(begin, min_of(begin + block_rows, rows),
                                   [&](int64_t r) { return term(r * cols + j, j); });
    });
    for (int64_t v = 0; v < vectors; ++v) {
      Vec sum = {};
      for (int64_t block = 0; block < blocks; ++block) sum += partial[block][v];
      const int64_t j = first + v * kLanes;
      store_first(out + j, sum, min_of(kLanes, cols - j));
    }
  }
}

void col_sum(int64_t rows, int64_t cols, const float* x, float* out) {
  const Matrix mx = {x, rows * cols};
  reduce_columns(rows, cols, out, [=](int64_t i, int64_t) { return mx.at(i); });
}
void col_dot(int64_t rows, int64_t cols, const float* a, const float* b, float* out) {
  const Matrix ma = {a, rows * cols}, mb = {b, rows * cols};
  reduce_columns(rows, cols, out, [=](int64_t i, int64_t) { return ma.at(i) * mb.at(i); });
}
void col_sqdev(int64_t rows, int64_t cols, const float* x, const float* mean, float* out) {
  const Matrix mx = {x, rows * cols}, means = {mean, cols};
  reduce_columns(rows, cols, out, [=](int64_t i, int64_t j) {
    const Vec d = mx.at(i) - means.at(j);
    return d * d;
  });
}

/// y[r, :] = f(j, inputs[r, :]...) for every row, a vector of columns at a time; in place is fine.
template <class F, class... Inputs>
inline void map_rows(int64_t rows, int64_t cols, float* y, F f, Inputs... inputs) {
  constexpr int64_t kRowBlock = 256;
  share_out(ceil_div(rows, kRowBlock), rows * cols >= kSerialElements, [=](int64_t block) {
    for (int64_t r = block * kRowBlock; r < min_of((block + 1) * kRowBlock, rows); ++r) {
      const int64_t at = r * cols;
      int64_t j = 0;
      for (; j + kLanes <= cols; j += kLanes) store(y + at + j, f(j, load(inputs + at + j)...));
      if (j == cols) continue;
      store_first(y + at + j, f(j, load_first(inputs + at + j, cols - j)...), cols - j);
    }
  });
}

void col_affine(int64_t rows, int64_t cols, const float* x, const float* a, const float* b,
                float* y) {
  const Matrix ma = {a, cols}, mb = {b, cols};
  map_rows(
      rows, cols, y, [=](int64_t j, Vec v) { return ma.at(j) * v + mb.at(j); }, x);
}
void col_affine2(int64_t rows, int64_t cols, const float* x, const float* g, const float* a,
                 const float* b, const float* d, float* y) {
  const Matrix ma = {a, cols}, mb = {b, cols}, md = {d, cols};
  map_rows(
      rows, cols, y,
      [=](int64_t j, Vec v, Vec w) { return ma.at(j) * v + (mb.at(j) * w + md.at(j)); }, x, g);
}

/// Sum of n numbers in a row: halves down to 4096, four interleaved vectors below.
float sum_of_run(const float* x, int64_t n) {
  constexpr int64_t kLeaf = 4096;
  if (n > kLeaf) {
    const int64_t half = round_up(n / 2, kLeaf);
    return sum_of_run(x, half) + sum_of_run(x + half, n - half);
  }
  const int64_t whole = n / kLanes;
  Vec sum = sum_rows(0, whole, [x](int64_t r) { return load(x + r * kLanes); });
  sum += load_first(x + whole * kLanes, n - whole * kLanes);
  return sum_of_lanes(sum);
}

void row_sum(int64_t rows, int64_t cols, const float* x, float* out) {
  constexpr int64_t kPieces = 64, kFewRows = 16, kPieceLength = 1 << 13;
  if (rows >= kFewRows || cols < 2 * kPieceLength) {
    share_out(rows, rows * cols >= kSerialElements,
              [=](int64_t r) { out[r] = sum_of_run(x + r * cols, cols); });
    return;
  }
  const int64_t length = max_of(kPieceLength, ceil_div(cols, kPieces));
  const int64_t pieces = ceil_div(cols, length);
  for (int64_t r = 0; r < rows; ++r) {
    float partial[kPieces];
    share_out(pieces, true, [&](int64_t piece) {
      const int64_t begin = piece * length;
      partial[piece] = sum_of_run(x + r * cols + begin, min_of(length, cols - begin));
    });
    out[r] = sum_of_run(partial, pieces);
  }
}

/// shift + log sum exp(x - shift), shift the largest entry. With shift = 0 where the largest is
/// infinite the formula itself gives -inf for an empty or all -inf row, +inf where an entry is
/// +inf, and NaN where one is NaN.
float logsumexp_of_run(const float* x, int64_t n) {
  const float infinity = __builtin_inff();
  const int64_t whole = n / kLanes * kLanes;
  const Vec tail = load_first(x + whole, n - whole, -infinity);
  Vec best = tail;
  for (int64_t i = 0; i < whole; i += kLanes) {
    const Vec v = load(x + i);
    best = v > best ? v : best;
  }
  const float largest = max_of_lanes(best);
  const float shift = __builtin_isfinite(largest) ? largest : 0.0f;
  Vec sum = exp_of(tail - shift);
  for (int64_t i = 0; i < whole; i += kLanes) sum += exp_of(load(x + i) - shift);
  float result[kLanes];
  store(result, log_of(broadcast(sum_of_lanes(sum))) + shift);
  return result[0];
}

void row_logsumexp(int64_t rows, int64_t cols, const float* x, float* out) {
  share_out(rows, rows * cols >= kSerialElements / 8,
            [=](int64_t r) { out[r] = logsumexp_of_run(x + r * cols, cols); });
}
