// Wide: as many doubles as half a vector of floats has, in one register of the instruction set.

constexpr int64_t kWide = TALWEG_LANES / 2;

typedef double Wide __attribute__((vector_size(4 * TALWEG_LANES)));
typedef int64_t WideInt __attribute__((vector_size(4 * TALWEG_LANES)));
typedef double WideInMemory __attribute__((vector_size(4 * TALWEG_LANES), aligned(8), may_alias));
typedef float Half __attribute__((vector_size(2 * TALWEG_LANES)));
typedef float HalfInMemory __attribute__((vector_size(2 * TALWEG_LANES), aligned(4), may_alias));
typedef int8_t Bytes __attribute__((vector_size(TALWEG_LANES / 2)));
typedef int8_t BytesInMemory __attribute__((vector_size(TALWEG_LANES / 2), aligned(1), may_alias));

constexpr double kInf = __builtin_inf();

[[gnu::always_inline]] inline Wide load(const double* p) {
  return *reinterpret_cast<const WideInMemory*>(p);
}
[[gnu::always_inline]] inline Wide load(const float* p) {
  return __builtin_convertvector(*reinterpret_cast<const HalfInMemory*>(p), Wide);
}
[[gnu::always_inline]] inline void store(double* p, Wide v) {
  *reinterpret_cast<WideInMemory*>(p) = v;
}
[[gnu::always_inline]] inline void store(float* p, Wide v) {
  *reinterpret_cast<HalfInMemory*>(p) = __builtin_convertvector(v, Half);
}
[[gnu::always_inline]] inline Wide broadcast(double s) { return s - Wide{}; }
/// b < a ? b : a, which is what the instruction does, NaN and all; the compiler does not see it.
[[gnu::always_inline]] inline Wide least(Wide a, Wide b) {
#if defined(__AVX512F__)
  return (Wide)_mm512_maskz_min_pd(0xff, (__m512d)b, (__m512d)a);
#elif defined(__AVX2__)
  return (Wide)_mm256_min_pd((__m256d)b, (__m256d)a);
#else
  return b < a ? b : a;
#endif
}

#if TALWEG_LANES == 16
constexpr WideInt kWideLane = {0, 1, 2, 3, 4, 5, 6, 7};
#elif TALWEG_LANES == 8
constexpr WideInt kWideLane = {0, 1, 2, 3};
#else
constexpr WideInt kWideLane = {0, 1};
#endif

/// Lane i is lane i + kFrom of a and b side by side.
template <int64_t kFrom> [[gnu::always_inline]] inline Wide window(Wide a, Wide b) {
#if defined(__clang__)
  Wide out;
  for (int64_t i = 0; i < kWide; ++i)
    out[i] = i + kFrom < kWide ? a[i + kFrom] : b[i + kFrom - kWide];
  return out;
#else
  return __builtin_shuffle(a, b, kWideLane + kFrom);
#endif
}
/// Every lane's left neighbour, and its right one.
[[gnu::always_inline]] inline Wide left_of(Wide before, Wide v) {
  return window<kWide - 1>(before, v);
}
[[gnu::always_inline]] inline Wide right_of(Wide v, Wide after) { return window<1>(v, after); }

/// The lanes folded as a balanced tree, each step a shuffle.
template <class Fold> [[gnu::always_inline]] inline double fold_lanes(Wide v, Fold fold) {
  if constexpr (kWide > 4) v = fold(v, window<kWide / 2>(v, v));
  if constexpr (kWide > 2) v = fold(v, window<2>(v, v));
  v = fold(v, window<1>(v, v));
  return v[0];
}
[[gnu::always_inline]] inline double sum_of_lanes(Wide v) {
  return fold_lanes(v, [](Wide a, Wide b) { return a + b; });
}
[[gnu::always_inline]] inline double least_of_lanes(Wide v) {
  return fold_lanes(v, [](Wide a, Wide b) { return least(a, b); });
}
[[gnu::always_inline]] inline bool any_of_lanes(WideInt mask) {
  int64_t any = 0;
  for (int64_t i = 0; i < kWide; ++i) any |= mask[i];
  return any != 0;
}

/// 2^x for x <= 0 (or barely above), to 5e-14; exactly 0 below 2^-1022, and for NaN, which is how
/// inf - inf, the gap between two impossible things, arrives here. 2^x = 2^n 2^f with n = round(x) and
/// |f| <= 1/2; adding kRound leaves n in the low bits. 2^f = 1 + f q(f), q of degree 8 through its
/// Chebyshev nodes; summed as a tree, because the loops here wait for results, not for multipliers.
[[gnu::always_inline]] inline Wide exp2_of(Wide x) {
  constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52
  const Wide clamped = x > -1023.0 ? x : broadcast(-1023.0);
  const Wide r = clamped + kRound;
  const Wide f = clamped - (r - kRound), f2 = f * f, f4 = f2 * f2;
  const Wide p01 = f * 0.6931471805599453 + 1.0;
  const Wide p23 = f * 0.055504108664760424 + 0.2402265069581299;
  const Wide p45 = f * 0.0013333558179043886 + 0.00961812915940257;
  const Wide p67 = f * 1.5252686845677514e-05 + 0.0001540345585244324;
  const Wide p89 = f * 1.0203121192445366e-07 + 1.3255224881232879e-06;
  const Wide p = (p01 + f2 * p23) + f4 * ((p45 + f2 * p67) + f4 * p89);
  return p * (Wide)(((WideInt)r + 1023) << 52);
}
