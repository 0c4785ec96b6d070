// The end of the forward face, while its sums are still in the cache: ReLU and the maximum of each
// pooling window (Conv2dEpilogue, kernels.h). The bias is in the sums already: they start from it.

typedef uint8_t ByteVec __attribute__((vector_size(TALWEG_LANES)));
typedef uint8_t ByteVecInMemory __attribute__((vector_size(TALWEG_LANES), aligned(1), may_alias));

/// max(v, 0) where NaN stays NaN.
[[gnu::always_inline]] inline Vec rectified(Vec v) { return v <= 0.0f ? Vec{} : v; }

/// The largest number of a window so far, lane by lane, and where it stood.
struct Best {
  Vec value;
  IVec winner;
};

/// Takes v, at place `at` of the window, where it is larger, or the first NaN.
[[gnu::always_inline]] inline void consider(Best& best, Vec v, int32_t at) {
  const IVec keep = (best.value != best.value) | (v <= best.value);
  best.value = keep ? best.value : v;
  best.winner = keep ? best.winner : IVec{} + at;
}

/// Stores the maximum of a window for `channels` channels, and its winner where one is asked for.
/// ReLU may come after the maximum: it changes no order, and a maximum of 0 has no winner.
[[gnu::always_inline]] inline void store_best(const Conv2dEpilogue<float>& then, Best best,
                                              int64_t channels, float* y, uint8_t* winner) {
  if (then.relu) {
    const IVec dead = best.value <= 0.0f;
    best.value = dead ? Vec{} : best.value;
    best.winner = dead ? IVec{} + kDeadWinner : best.winner;
  }
  const ByteVec bytes = __builtin_convertvector(best.winner, ByteVec);
  if (channels >= kLanes) {
    store(y, best.value);
    if (winner) *reinterpret_cast<ByteVecInMemory*>(winner) = bytes;
  } else {
    store_first(y, best.value, channels);
    for (int64_t i = 0; winner && i < channels; ++i) winner[i] = bytes[i];
  }
}

/// Sums of one or two output rows and some channels, with room for whole vectors.
struct SumRows {
  const float* sums;
  int64_t row, pixel;  ///< distances, in floats
  int64_t channels;    ///< that exist
};

template <int kPoolH, int kPoolW>
void pool_rows_of(const Conv2dEpilogue<float>& then, const SumRows& in, int64_t pixels, int64_t k,
                  float* y, uint8_t* winner) {
  for (int64_t q = 0; q < pixels; ++q) {
    const float* window = in.sums + q * kPoolW * in.pixel;
    for (int64_t c = 0; c < in.channels; c += kLanes) {
      Best best = {load(window + c), IVec{}};
      for (int i = 0; i < kPoolH; ++i) {
        for (int j = i == 0; j < kPoolW; ++j) {
          consider(best, load(window + i * in.row + j * in.pixel + c), i * kPoolW + j);
        }
      }
      store_best(then, best, in.channels - c, y + q * k + c, winner ? winner + q * k + c : nullptr);
    }
  }
}

/// `pixels` pooled pixels, K floats apart in y and bytes apart in `winner` (null for none).
void pool_rows(const Conv2dEpilogue<float>& then, const SumRows& in, int64_t pixels, int64_t k,
               float* y, uint8_t* winner) {
  if (then.pool_h == 2 && then.pool_w == 2) {
    pool_rows_of<2, 2>(then, in, pixels, k, y, winner);
  } else if (then.pool_h == 2) {
    pool_rows_of<2, 1>(then, in, pixels, k, y, winner);
  } else {
    pool_rows_of<1, 2>(then, in, pixels, k, y, winner);
  }
}
