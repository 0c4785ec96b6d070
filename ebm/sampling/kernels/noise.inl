// Philox and Box-Muller on vectors, and the loops over them. What is computed: noise_kernels.h.

typedef uint64_t UWide __attribute__((vector_size(4 * TALWEG_LANES)));

/// The 64-bit products of the even 32-bit lanes of a with m: one instruction that vector types lack.
[[gnu::always_inline]] inline UWide multiply_even(UVec a, uint32_t m) {
#if defined(__AVX512F__)  // the unmasked form sets off a false warning of GCC 12
  return (UWide)_mm512_maskz_mul_epu32(0xff, (__m512i)a, _mm512_set1_epi64(m));
#elif defined(__AVX2__)
  return (UWide)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(m));
#elif defined(__SSE2__)
  return (UWide)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(m));
#else
  return ((UWide)a & 0xffffffffu) * m;
#endif
}

/// Lower and upper halves of the products of all lanes. (x86 and ARM are little-endian.)
[[gnu::always_inline]] inline void multiply(UVec a, uint32_t m, UVec& low, UVec& high) {
  const UWide even = multiply_even(a, m);
  const UWide odd = multiply_even((UVec)((UWide)a >> 32), m);
  constexpr uint64_t kLower = 0xffffffffu;
  low = (UVec)((even & kLower) | (odd << 32));
  high = (UVec)((even >> 32) | (odd & ~kLower));
}

/// The words of kLanes consecutive blocks from `block` on.
[[gnu::always_inline]] inline void philox(const NoiseStream& noise, uint32_t block,
                                          UVec (&word)[4]) {
  word[0] = (UVec)kLaneNumber + block;
  word[1] = UVec{} + noise.stream;
  word[2] = UVec{} + static_cast<uint32_t>(noise.step);
  word[3] = UVec{} + static_cast<uint32_t>(noise.step >> 32);
  uint32_t key0 = static_cast<uint32_t>(noise.key), key1 = static_cast<uint32_t>(noise.key >> 32);
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
    UVec low0, high0, low1, high1;
    multiply(word[0], 0xd2511f53u, low0, high0);
    multiply(word[2], 0xcd9e8d57u, low1, high1);
    word[0] = high1 ^ word[1] ^ key0;
    word[1] = low1;
    word[2] = high0 ^ word[3] ^ key1;
    word[3] = low0;
    key0 += 0x9e3779b9u;
    key1 += 0xbb67ae85u;
  }
}

/// Two normals a lane of two words. The angle is cut into quadrants: 2^30 units are pi / 2, and what
/// is left, within +-pi / 4, goes through the polynomials of Cephes sinf and cosf.
[[gnu::always_inline]] inline void box_muller(UVec w0, UVec w1, Vec& z0, Vec& z1) {
  const Vec x = __builtin_convertvector((IVec)(w0 >> 1), Vec) + 1.0f;
  const Vec radius = sqrt_of(-2.0f * log_of_normal(bits_of(x), IVec{} + 31));

  const UVec quadrant = (w1 + (1u << 29)) >> 30;
  const IVec rest = (IVec)(w1 - (quadrant << 30));
  const Vec a = __builtin_convertvector(rest, Vec) * 1.46291807927e-9f;  // pi / 2^31
  const Vec q = a * a;
  Vec s = broadcast(-1.9515295891e-4f);
  s = s * q + 8.3321608736e-3f;
  s = s * q - 1.6666654611e-1f;
  s = s * q * a + a;
  Vec c = broadcast(2.443315711809948e-5f);
  c = c * q - 1.388731625493765e-3f;
  c = c * q + 4.166664568298827e-2f;
  c = c * q * q - q * 0.5f + 1.0f;

  const IVec odd = (quadrant & 1u) != 0u;
  const UVec cos_sign = ((quadrant + 1u) & 2u) << 30, sin_sign = (quadrant & 2u) << 30;
  z0 = radius * float_of_bits((IVec)((UVec)bits_of(odd ? s : c) ^ cos_sign));
  z1 = radius * float_of_bits((IVec)((UVec)bits_of(odd ? c : s) ^ sin_sign));
}

/// use(i, z): z are numbers i ... i+kLanes-1 of the group that begins with block `block`.
template <class Use>
[[gnu::always_inline]] inline void for_group(const NoiseStream& noise, uint32_t block, Use use) {
#pragma GCC unroll 4
  for (int64_t part = 0; part < 16; part += kLanes) {
    UVec word[4];
    philox(noise, block + static_cast<uint32_t>(part), word);
    Vec z0, z1;
    box_muller(word[0], word[1], z0, z1);
    use(part, z0);
    use(16 + part, z1);
    box_muller(word[2], word[3], z0, z1);
    use(32 + part, z0);
    use(48 + part, z1);
  }
}

[[gnu::always_inline]] inline uint32_t block_of(int64_t i) { return static_cast<uint32_t>(i / 4); }

void normal(const NoiseStream& noise, int64_t first, int64_t n, float* out) {
  int64_t i = 0;
  for (; i + kNoiseGroup <= n; i += kNoiseGroup) {
    float* to = out + i;
    for_group(noise, block_of(first + i), [=](int64_t k, Vec z) { store(to + k, z); });
  }
  if (i == n) return;
  float group[kNoiseGroup];
  for_group(noise, block_of(first + i), [&](int64_t k, Vec z) { store(group + k, z); });
  for (int64_t k = 0; i + k < n; ++k) out[i + k] = group[k];
}

bool langevin(const NoiseStream& noise, int64_t first, int64_t n, const LangevinUpdate<float>& u,
              const float* g, float* y) {
  IVec outside = {};
  const auto step = [&](const float* from, float* to, Vec z) {
    const Vec moved = load(to) - u.rate * load(from) + u.sigma * z;
    outside |= ~(abs_of(moved) <= u.bound);  // also where it is NaN
    store(to, moved);
  };
  int64_t i = 0;
  for (; i + kNoiseGroup <= n; i += kNoiseGroup) {
    for_group(noise, block_of(first + i), [&](int64_t k, Vec z) { step(g + i + k, y + i + k, z); });
  }
  if (i < n) {
    float forces[kNoiseGroup] = {}, moved[kNoiseGroup] = {};
    for (int64_t k = 0; i + k < n; ++k) forces[k] = g[i + k], moved[k] = y[i + k];
    for_group(noise, block_of(first + i),
              [&](int64_t k, Vec z) { step(forces + k, moved + k, z); });
    for (int64_t k = 0; i + k < n; ++k) y[i + k] = moved[k];
  }
  int32_t any = 0;
  for (int64_t k = 0; k < kLanes; ++k) any |= outside[k];
  return any != 0;
}

void quartic_gradient(int64_t n, const QuarticCoefficients<float>& c, const float* y, float* g) {
  static_assert(kQuarticLanes % kLanes == 0);
  int64_t i = 0, j = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vec x = load(y + i);
    store(g + i, (load(c.a + j) * x * x + load(c.k + j)) * x + load(c.b + j));
    j += kLanes;
    if (j == c.period) j = 0;
  }
  for (; i < n; ++i, ++j) g[i] = (c.a[j] * y[i] * y[i] + c.k[j]) * y[i] + c.b[j];
}
