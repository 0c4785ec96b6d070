// exp, log and their kin of each lane of a Vec (vec.inl), for whichever kernels need them.

// ln 2 in two parts; the first has so few bits that n * kLn2High is exact for |n| < 2^12.
constexpr float kLn2High = 0.693359375f;
constexpr float kLn2Low = -2.12194440e-4f;

/// 2^n for integer lanes -126 <= n <= 127.
[[gnu::always_inline]] inline Vec power_of_two(IVec n) { return float_of_bits((n + 127) << 23); }

/// x brought into [low, high]; NaN stays NaN.
[[gnu::always_inline]] inline Vec clamp(Vec x, float low, float high) {
#if defined(__AVX512F__)             // max and min give their second argument where one is NaN
  constexpr __mmask16 all = 0xffff;  // the unmasked forms set off a false warning of GCC 12
  const __m512 above = _mm512_maskz_max_ps(all, _mm512_set1_ps(low), (__m512)x);
  return (Vec)_mm512_maskz_min_ps(all, _mm512_set1_ps(high), above);
#else
  const Vec above = x < low ? broadcast(low) : x;
  return above > high ? broadcast(high) : above;
#endif
}

/// p 2^n for whole n, rounded once where the result is subnormal.
[[gnu::always_inline]] inline Vec scale_by_power(Vec p, Vec n) {
#if defined(__AVX512F__)
  return (Vec)_mm512_maskz_scalef_ps(0xffff, (__m512)p, (__m512)n);
#else
  // Two factors 2^(n/2) reach results from subnormal to FLT_MAX.
  const IVec whole = __builtin_convertvector(n, IVec);
  const IVec half = whole >> 1;
  return p * power_of_two(half) * power_of_two(whole - half);
#endif
}

/// e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2 (Cody and Waite's reduction), e^r by
/// the degree-7 polynomial of Cephes expf.
[[gnu::always_inline]] inline Vec exp_of(Vec x) {
  constexpr float kLog2E = 1.44269504088896341f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it leaves an integer in the mantissa
  const Vec clamped = clamp(x, -104.0f, 89.0f);  // e^low rounds to 0, e^high to infinity
  const Vec n = (clamped * kLog2E + kRound) - kRound;
  const Vec r = (clamped - n * kLn2High) - n * kLn2Low;
  Vec p = broadcast(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = (p * (r * r) + r) + 1.0f;
  const Vec y = scale_by_power(p, n);
  return x != x ? x : y;  // a NaN has no whole n
}

/// log (x 2^-shift) for the bits of a positive normal x: e ln 2 + log m with m in [sqrt 1/2, sqrt 2),
/// log m by the polynomial of Cephes logf.
[[gnu::always_inline]] inline Vec log_of_normal(IVec bits, IVec shift) {
  // Subtracting the bits of sqrt(1/2) makes the exponent field step at sqrt(1/2) 2^e, not at 2^e.
  // In unsigned numbers, which may wrap around: those of negative x do.
  const IVec shifted = (IVec)((UVec)bits - 0x3f3504f3u);
  const IVec exponent = shifted >> 23;
  const Vec m = float_of_bits((IVec)((UVec)bits - ((UVec)exponent << 23))) - 1.0f;
  const Vec e = __builtin_convertvector(exponent - shift, Vec);
  Vec p = broadcast(7.0376836292e-2f);
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  const Vec square = m * m;
  const Vec y = p * m * square + e * kLn2Low - square * 0.5f;
  return (m + y) + e * kLn2High;
}

/// log x; a subnormal x is brought among the normal ones first.
[[gnu::always_inline]] inline Vec log_of(Vec x) {
  constexpr float kSmallestNormal = 1.17549435e-38f;
  const IVec subnormal = x < kSmallestNormal;
  Vec y = log_of_normal(bits_of(subnormal ? x * 8388608.0f : x), subnormal & 23);  // 2^23
  const Vec infinity = broadcast(__builtin_inff());
  y = x == infinity ? infinity : y;
  y = x == 0.0f ? -infinity : y;
  return x >= 0.0f ? y : broadcast(__builtin_nanf(""));  // false for NaN too
}

/// tanh x = x + x^3 p(x^2) for |x| < 0.625 (Cephes tanhf), else sign(x) (1 - 2 / (e^2|x| + 1)).
[[gnu::always_inline]] inline Vec tanh_of(Vec x) {
  const IVec sign = bits_of(x) & (int32_t)0x80000000;
  const Vec size = float_of_bits(bits_of(x) ^ sign);
  const Vec far = 1.0f - 2.0f / (exp_of(size + size) + 1.0f);
  const Vec square = x * x;
  Vec p = broadcast(-5.70498872745e-3f);
  p = p * square + 2.06390887954e-2f;
  p = p * square - 5.37397155531e-2f;
  p = p * square + 1.33314422036e-1f;
  p = p * square - 3.33332819422e-1f;
  const Vec near = (p * square) * x + x;
  return size < 0.625f ? near : float_of_bits(bits_of(far) | sign);
}

[[gnu::always_inline]] inline Vec abs_of(Vec x) { return float_of_bits(bits_of(x) & 0x7fffffff); }

/// 1 / (1 + e^-x), through e^-|x| in (0, 1], which cannot overflow.
[[gnu::always_inline]] inline Vec sigmoid_of(Vec x) {
  const Vec e = exp_of(-abs_of(x));
  return (x >= 0.0f ? broadcast(1.0f) : e) / (1.0f + e);  // NaN comes through e
}

/// log(1 + e^x) = max(x, 0) + log(1 + e) with e = e^-|x|. What u = 1 + e loses of e is added back
/// to the first order, (e - (u - 1)) / u: all of e where it is small.
[[gnu::always_inline]] inline Vec softplus_of(Vec x) {
  const Vec e = exp_of(-abs_of(x));
  const Vec u = 1.0f + e;
  return (x > 0.0f ? x : Vec{}) + (log_of(u) + (e - (u - 1.0f)) / u);
}
