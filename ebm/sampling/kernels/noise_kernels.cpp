#include "ebm/sampling/kernels/noise_kernels.h"

#include <cmath>
#include <numbers>

#include "core/kernels/isa_tables.h"
#include "ebm/sampling/kernels/noise_isa.h"

namespace talweg::ebm {

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> c, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xd2511f53u} * c[0], p1 = uint64_t{0xcd9e8d57u} * c[2];
    c = {uint32_t(p1 >> 32) ^ c[1] ^ key[0], uint32_t(p1), uint32_t(p0 >> 32) ^ c[3] ^ key[1],
         uint32_t(p0)};
    key = {key[0] + 0x9e3779b9u, key[1] + 0xbb67ae85u};
  }
  return c;
}

namespace {

/// The numbers of the group that begins with number `first`, in double: the specification.
std::array<double, kNoiseGroup> group_of(const NoiseStream& noise, int64_t first) {
  std::array<double, kNoiseGroup> out;
  for (uint32_t b = 0; b < 16; ++b) {
    const auto word = philox4x32(
        {uint32_t(first / 4) + b, noise.stream, uint32_t(noise.step), uint32_t(noise.step >> 32)},
        {uint32_t(noise.key), uint32_t(noise.key >> 32)});
    for (std::size_t pair = 0; pair < 2; ++pair) {
      const double u = (double(word[2 * pair] >> 1) + 1) * 0x1p-31;
      const double angle = std::numbers::pi * 0x1p-31 * double(word[2 * pair + 1]);
      const double radius = std::sqrt(-2 * std::log(u));
      out[32 * pair + b] = radius * std::cos(angle);
      out[32 * pair + 16 + b] = radius * std::sin(angle);
    }
  }
  return out;
}

template <class T> void normal(const NoiseStream& noise, int64_t first, int64_t n, T* out) {
  for (int64_t i = 0; i < n; i += kNoiseGroup) {
    const auto z = group_of(noise, first + i);
    for (int64_t k = 0; k < kNoiseGroup && i + k < n; ++k) out[i + k] = T(z[std::size_t(k)]);
  }
}

template <class T>
bool langevin(const NoiseStream& noise, int64_t first, int64_t n, const LangevinUpdate<T>& u,
              const T* g, T* y) {
  bool outside = false;
  for (int64_t i = 0; i < n; i += kNoiseGroup) {
    const auto z = group_of(noise, first + i);
    for (int64_t k = 0; k < kNoiseGroup && i + k < n; ++k) {
      T& x = y[i + k];
      x = x - u.rate * g[i + k] + u.sigma * T(z[std::size_t(k)]);
      outside |= !(std::abs(x) <= u.bound);
    }
  }
  return outside;
}

template <class T>
void quartic_gradient(int64_t n, const QuarticCoefficients<T>& c, const T* y, T* g) {
  for (int64_t i = 0; i < n; ++i) {
    const int64_t j = i % c.period;
    g[i] = (c.a[j] * y[i] * y[i] + c.k[j]) * y[i] + c.b[j];
  }
}

template <class T>
constexpr NoiseTable<T> kPlainNoise = {
    .normal = normal<T>, .langevin = langevin<T>, .quartic_gradient = quartic_gradient<T>};

}  // namespace

template <> const NoiseTable<double>& noise_table() { return kPlainNoise<double>; }

template <> const NoiseTable<float>& noise_table() {
  const kernels::KernelTable<float>* in_use = &kernels::table<float>();
#if defined(__x86_64__)
  if (in_use == &kernels::kAvx512Table) return kAvx512Noise;
  if (in_use == &kernels::kAvx2Table) return kAvx2Noise;
#endif
  return in_use == &kernels::kPortableTable ? kPortableNoise : kPlainNoise<float>;
}

}  // namespace talweg::ebm
