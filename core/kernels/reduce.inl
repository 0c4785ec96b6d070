// Reductions over the rows or the columns of x[rows, cols]. Every sum is cut into blocks that
// depend on the shape only, each block is summed by one thread, and the blocks are added in order:
// the same bits for any number of threads. Short blocks also keep the rounding error of long sums
// small.

/// A constant that a generic lambda can be called with.
template <bool kValue> struct Flag {};

/// Loads a vector that may run into the following row, or, in the last rows, would leave the array.
/// The lanes beyond the row are never used; reading them whole is cheaper than picking single
/// lanes.
struct Matrix {
  const float* data;
  int64_t size;
  [[gnu::always_inline]] Vec at(int64_t i) const {
    return i + kLanes <= size ? load(data + i) : load_first(data + i, size - i);
  }
  /// The same where the caller knows that it stays inside: the check costs more than the load.
  template <bool kInside> [[gnu::always_inline]] Vec at(Flag<kInside>, int64_t i) const {
    return kInside ? load(data + i) : at(i);
  }
};

/// One number a column, kLanes times in a row where columns are fewer than lanes: see for_wide.
struct Repeated {
  float copies[kLanes * kLanes];
  const float* data;
  int64_t size;

  Repeated(const float* a, int64_t cols) : data(a), size(cols) {
    if (cols >= kLanes) return;
    for (int64_t i = 0; i < kLanes * cols; ++i) copies[i] = a[i % max_of(cols, 1)];
    data = copies;
    size = kLanes * cols;
  }
  Matrix matrix() const { return {data, size}; }
};

/// part(first element, rows, cols) once, or, where columns are fewer than lanes, twice: kLanes rows
/// seen as one of whole vectors, and then the rest of the rows.
template <class Part> inline void for_wide(int64_t rows, int64_t cols, const Part& part) {
  const int64_t wide = cols < kLanes ? rows / kLanes : 0;
  if (wide > 0) part(0, wide, cols * kLanes);
  if (wide * kLanes < rows) part(wide * kLanes * cols, rows - wide * kLanes, cols);
}

/// partial[v] += the sum over rows [begin, end) of term(r, v), for vectors v of columns. Several
/// rows are summed apart, so that no sum waits for the one before.
template <int kVectors, class Term>
inline void add_tile(int64_t begin, int64_t end, Vec* partial, Term term) {
  constexpr int kRows = kVectors == 1 ? 8 : kVectors == 2 ? 4 : 2;
  Vec sum[kRows][kVectors] = {};
  int64_t r = begin;
  for (; r + kRows <= end; r += kRows) {
    for (int u = 0; u < kRows; ++u) {
      for (int v = 0; v < kVectors; ++v) sum[u][v] += term(r + u, v);
    }
  }
  for (; r < end; ++r) {
    for (int v = 0; v < kVectors; ++v) sum[0][v] += term(r, v);
  }
  for (int half = kRows / 2; half > 0; half /= 2) {
    for (int u = 0; u < half; ++u) {
      for (int v = 0; v < kVectors; ++v) sum[u][v] += sum[u + half][v];
    }
  }
  for (int v = 0; v < kVectors; ++v) partial[v] += sum[0][v];
}

/// add_tile for `width` vectors of columns from j on.
template <bool kInside, class Term>
inline void add_group(Flag<kInside> inside, int64_t begin, int64_t end, int64_t cols, int64_t j,
                      int64_t width, Vec* partial, Term term) {
  const auto at = [=](int64_t r, int64_t v) __attribute__((always_inline)) {
    return term(inside, r * cols + j + v * kLanes, j + v * kLanes);
  };
  if (width == 4) add_tile<4>(begin, end, partial, at);
  if (width == 3) add_tile<3>(begin, end, partial, at);
  if (width == 2) add_tile<2>(begin, end, partial, at);
  if (width == 1) add_tile<1>(begin, end, partial, at);
}

/// out[j] = sum over r of term(inside, r * cols + j, j). Memory is read in the order in which it
/// lies: a few rows, all their columns, the next rows; many rows only where one group of vectors is
/// a row.
template <class Term>
inline void reduce_columns(int64_t rows, int64_t cols, float* out, Term term) {
  constexpr int64_t kBlocks = 32, kStripe = 16, kGroup = 4;
  const int64_t block_rows = max_of(128, ceil_div(rows, kBlocks));
  const int64_t blocks = ceil_div(rows, block_rows);
  for (int64_t first = 0; first < cols; first += kStripe * kLanes) {
    const int64_t vectors = min_of(kStripe, ceil_div(cols - first, kLanes));
    const int64_t tile_rows = vectors <= kGroup ? 32 : 16;
    Vec partial[kBlocks][kStripe];
    const bool parallel = rows * vectors * kLanes >= kSerialElements;
    share_out(blocks, parallel, [&](int64_t block) {
      Vec* const sums = partial[block];
      for (int64_t v = 0; v < vectors; ++v) sums[v] = Vec{};
      const int64_t block_end = min_of((block + 1) * block_rows, rows);
      for (int64_t begin = block * block_rows; begin < block_end; begin += tile_rows) {
        const int64_t end = min_of(begin + tile_rows, block_end);
        for (int64_t group = 0; group < vectors; group += kGroup) {
          const int64_t width = min_of(kGroup, vectors - group), j = first + group * kLanes;
          // Only the last row's last vector can leave the array.
          if (end < rows || j + width * kLanes <= cols) {
            add_group(Flag<true>(), begin, end, cols, j, width, sums + group, term);
          } else {
            add_group(Flag<false>(), begin, end, cols, j, width, sums + group, term);
          }
        }
      }
    });
    for (int64_t v = 0; v < vectors; ++v) {
      Vec sum = {};
      for (int64_t block = 0; block < blocks; ++block) sum += partial[block][v];
      const int64_t j = first + v * kLanes, count = min_of(kLanes, cols - j);
      count == kLanes ? store(out + j, sum) : store_first(out + j, sum, count);
    }
  }
}

/// Adds up what the copies of each column gave: reduce(first element, rows, cols, out) for both
/// parts of for_wide.
template <class Reduce>
inline void reduce_wide(int64_t rows, int64_t cols, float* out, const Reduce& reduce) {
  if (cols >= kLanes) {
    reduce(0, rows, cols, out);
    return;
  }
  for (int64_t j = 0; j < cols; ++j) out[j] = 0;
  for_wide(rows, cols, [&](int64_t begin, int64_t wide_rows, int64_t wide_cols) {
    float sums[kLanes * kLanes];
    reduce(begin, wide_rows, wide_cols, sums);
    for (int64_t j = 0; j < wide_cols; ++j) out[j % cols] += sums[j];
  });
}

void col_sum(int64_t rows, int64_t cols, const float* x, float* out) {
  reduce_wide(rows, cols, out, [=](int64_t begin, int64_t n, int64_t width, float* sums) {
    const Matrix mx = {x + begin, n * width};
    reduce_columns(n, width, sums,
                   [=](auto inside, int64_t i, int64_t) { return mx.at(inside, i); });
  });
}
void col_dot(int64_t rows, int64_t cols, const float* a, const float* b, float* out) {
  reduce_wide(rows, cols, out, [=](int64_t begin, int64_t n, int64_t width, float* sums) {
    const Matrix ma = {a + begin, n * width}, mb = {b + begin, n * width};
    reduce_columns(n, width, sums, [=](auto inside, int64_t i, int64_t) {
      return ma.at(inside, i) * mb.at(inside, i);
    });
  });
}
void col_sqdev(int64_t rows, int64_t cols, const float* x, const float* mean, float* out) {
  const Repeated repeated(mean, cols);
  const Matrix means = repeated.matrix();
  reduce_wide(rows, cols, out, [=](int64_t begin, int64_t n, int64_t width, float* sums) {
    const Matrix mx = {x + begin, n * width};
    reduce_columns(n, width, sums, [=](auto inside, int64_t i, int64_t j) {
      const Vec d = mx.at(inside, i) - means.at(j);
      return d * d;
    });
  });
}

/// y[r, :] = f(j, inputs[r, :]...) for every row, a vector of columns at a time; in place is fine.
/// Where columns are fewer than lanes, j runs over kLanes copies of them.
template <class F, class... Inputs>
inline void map_rows(int64_t rows, int64_t cols, float* y, const F& f, Inputs... inputs) {
  constexpr int64_t kPiece = 1 << 12;
  const bool parallel = rows * cols >= kSerialElements;
  for_wide(rows, cols, [&](int64_t begin, int64_t n, int64_t width) {
    const int64_t block_rows = max_of(1, kPiece / max_of(width, 1));
    share_out(ceil_div(n, block_rows), parallel, [&](int64_t block) {
      for (int64_t r = block * block_rows; r < min_of((block + 1) * block_rows, n); ++r) {
        const int64_t at = begin + r * width;
        int64_t j = 0;
        for (; j + kLanes <= width; j += kLanes) store(y + at + j, f(j, load(inputs + at + j)...));
        if (j == width) continue;
        store_first(y + at + j, f(j, load_first(inputs + at + j, width - j)...), width - j);
      }
    });
  });
}

void col_affine(int64_t rows, int64_t cols, const float* x, const float* a, const float* b,
                float* y) {
  const Repeated ra(a, cols), rb(b, cols);
  const Matrix ma = ra.matrix(), mb = rb.matrix();
  map_rows(
      rows, cols, y, [=](int64_t j, Vec v) { return ma.at(j) * v + mb.at(j); }, x);
}
void col_affine2(int64_t rows, int64_t cols, const float* x, const float* g, const float* a,
                 const float* b, const float* d, float* y) {
  const Repeated ra(a, cols), rb(b, cols), rd(d, cols);
  const Matrix ma = ra.matrix(), mb = rb.matrix(), md = rd.matrix();
  map_rows(
      rows, cols, y,
      [=](int64_t j, Vec v, Vec w) { return ma.at(j) * v + (mb.at(j) * w + md.at(j)); }, x, g);
}
void col_add(int64_t rows, int64_t cols, const float* x, const float* b, float* y) {
  const Repeated rb(b, cols);
  const Matrix mb = rb.matrix();
  map_rows(
      rows, cols, y, [=](int64_t j, Vec v) { return v + mb.at(j); }, x);
}
void col_sub(int64_t rows, int64_t cols, const float* x, const float* b, float* y) {
  const Repeated rb(b, cols);
  const Matrix mb = rb.matrix();
  map_rows(
      rows, cols, y, [=](int64_t j, Vec v) { return v - mb.at(j); }, x);
}
void col_mul(int64_t rows, int64_t cols, const float* x, const float* b, float* y) {
  const Repeated rb(b, cols);
  const Matrix mb = rb.matrix();
  map_rows(
      rows, cols, y, [=](int64_t j, Vec v) { return v * mb.at(j); }, x);
}
void col_div(int64_t rows, int64_t cols, const float* x, const float* b, float* y) {
  const Repeated rb(b, cols);
  const Matrix mb = rb.matrix();
  map_rows(
      rows, cols, y, [=](int64_t j, Vec v) { return v / mb.at(j); }, x);
}

/// The sum over [begin, end) of term(r), in four interleaved sums.
template <class Term> inline Vec sum_rows(int64_t begin, int64_t end, Term term) {
  Vec sum[4] = {};
  int64_t r = begin;
  for (; r + 4 <= end; r += 4) {
    for (int64_t u = 0; u < 4; ++u) sum[u] += term(r + u);
  }
  for (; r < end; ++r) sum[0] += term(r);
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
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

/// body(r) for each row, in blocks of some rows that the threads share. Exponentials cost more than
/// memory does: threads pay earlier.
template <class Body> inline void for_each_row(int64_t rows, int64_t cols, const Body& body) {
  const int64_t block_rows = max_of(1, 2048 / max_of(cols, 1));
  share_out(ceil_div(rows, block_rows), rows * cols >= kSerialElements / 4, [&](int64_t block) {
    const int64_t end = min_of((block + 1) * block_rows, rows);
    for (int64_t r = block * block_rows; r < end; ++r) body(r);
  });
}

void row_logsumexp(int64_t rows, int64_t cols, const float* x, float* out) {
  for_each_row(rows, cols, [=](int64_t r) { out[r] = logsumexp_of_run(x + r * cols, cols); });
}
