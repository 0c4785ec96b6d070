// Vec: kLanes floats that the compiler keeps in one register. Arithmetic, comparison and ?: work
// lane by lane on the type itself (GCC and Clang vector extensions), so no intrinsics are needed.

constexpr int64_t kLanes = TALWEG_LANES;

typedef float Vec __attribute__((vector_size(4 * TALWEG_LANES)));
typedef int32_t IVec __attribute__((vector_size(4 * TALWEG_LANES)));
typedef uint32_t UVec __attribute__((vector_size(4 * TALWEG_LANES)));
// The same in memory, where it may start at any float.
typedef float VecInMemory __attribute__((vector_size(4 * TALWEG_LANES), aligned(4), may_alias));

[[gnu::always_inline]] inline Vec load(const float* p) {
  return *reinterpret_cast<const VecInMemory*>(p);
}
[[gnu::always_inline]] inline void store(float* p, Vec v) {
  *reinterpret_cast<VecInMemory*>(p) = v;
}
// s - 0 is s whatever s is, and so one instruction; s + 0 is not (of -0), and costs an addition.
[[gnu::always_inline]] inline Vec broadcast(float s) { return s - Vec{}; }
[[gnu::always_inline]] inline IVec bits_of(Vec v) { return (IVec)v; }
[[gnu::always_inline]] inline Vec float_of_bits(IVec v) { return (Vec)v; }

/// The first `count` < kLanes floats at p, `fill` in the other lanes; reads nothing beyond them.
[[gnu::always_inline]] inline Vec load_first(const float* p, int64_t count, float fill = 0.0f) {
#if defined(__AVX512F__)  // one masked instruction instead of a way through the stack
  return (Vec)_mm512_mask_loadu_ps(_mm512_set1_ps(fill), __mmask16((1u << count) - 1), p);
#else
  float lane[kLanes];
  for (int64_t i = 0; i < kLanes; ++i) lane[i] = i < count ? p[i] : fill;
  return load(lane);
#endif
}

/// Stores lanes 0 ... count-1 and touches nothing beyond them.
[[gnu::always_inline]] inline void store_first(float* p, Vec v, int64_t count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, __mmask16((1u << count) - 1), (__m512)v);
#else
  float lane[kLanes];
  store(lane, v);
  for (int64_t i = 0; i < count; ++i) p[i] = lane[i];
#endif
}

/// The square root of each lane: the one operation that vector types lack and that the compiler
/// finds by itself.
[[gnu::always_inline]] inline Vec sqrt_of(Vec v) {
  for (int64_t i = 0; i < kLanes; ++i) v[i] = __builtin_sqrtf(v[i]);
  return v;
}

#if TALWEG_LANES == 16
constexpr IVec kLaneNumber = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
#elif TALWEG_LANES == 8
constexpr IVec kLaneNumber = {0, 1, 2, 3, 4, 5, 6, 7};
#else
constexpr IVec kLaneNumber = {0, 1, 2, 3};
#endif

/// Lane i of the result is lane `from[i]` of a and b side by side. Clang has no such builtin; the loop
/// becomes the same instruction where `from` is constant, as it always is here.
[[gnu::always_inline]] inline Vec shuffle(Vec a, Vec b, IVec from) {
#if defined(__clang__)
  Vec out;
  for (int64_t i = 0; i < kLanes; ++i) out[i] = from[i] < kLanes ? a[from[i]] : b[from[i] - kLanes];
  return out;
#else
  return __builtin_shuffle(a, b, from);
#endif
}

/// The lanes folded as a balanced tree, ((l0 . l8) . (l4 . l12)) . ..., each step a shuffle.
template <class Fold> [[gnu::always_inline]] inline float fold_lanes(Vec v, Fold fold) {
  if constexpr (kLanes > 8) v = fold(v, shuffle(v, v, kLaneNumber ^ 8));
  if constexpr (kLanes > 4) v = fold(v, shuffle(v, v, kLaneNumber ^ 4));
  v = fold(v, shuffle(v, v, kLaneNumber ^ 2));
  v = fold(v, shuffle(v, v, kLaneNumber ^ 1));
  return v[0];
}
[[gnu::always_inline]] inline float sum_of_lanes(Vec v) {
  return fold_lanes(v, [](Vec a, Vec b) { return a + b; });
}
[[gnu::always_inline]] inline float max_of_lanes(Vec v) {
  return fold_lanes(v, [](Vec a, Vec b) { return a > b ? a : b; });
}

/// Turns kLanes vectors into their columns. Step by step, squares of side 1, 2, 4 ... across the
/// diagonal change places: the lanes with bit `side` set in the upper row against those without it
/// in the lower.
[[gnu::always_inline]] inline void transpose(Vec (&rows)[kLanes]) {
  IVec lane;
  for (int32_t i = 0; i < kLanes; ++i) lane[i] = i;
#pragma GCC unroll 4
  for (int32_t side = 1; side < kLanes; side *= 2) {
    const IVec set = (lane & side) != 0;
    const IVec upper = set ? lane + (static_cast<int32_t>(kLanes) - side) : lane;
    const IVec lower = set ? lane + static_cast<int32_t>(kLanes) : lane + side;
#pragma GCC unroll 16
    for (int32_t r = 0; r < kLanes; ++r) {
      if (r & side) continue;
      const Vec a = rows[r], b = rows[r + side];
      rows[r] = shuffle(a, b, upper);
      rows[r + side] = shuffle(a, b, lower);
    }
  }
}

inline int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }
inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

/// Work (in elements or multiply-adds) below which waking the other threads costs more than it
/// saves.
constexpr int64_t kSerialElements = 1 << 15;
constexpr int64_t kSerialMultiplyAdds = 1 << 18;
