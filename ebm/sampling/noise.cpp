#include "ebm/sampling/noise.h"

#include <algorithm>

#include "core/parallel.h"
#include "core/rng.h"

namespace talweg::ebm {

template <class T> void fill_normal(const NoiseStream& noise, std::span<T> out) {
  constexpr int64_t kPiece = 64 * kNoiseGroup;
  const int64_t n = std::ssize(out);
  parallel_for((n + kPiece - 1) / kPiece, n >= 4 * kPiece, [&](int64_t piece) {
    const int64_t first = piece * kPiece;
    noise_table<T>().normal(noise, first, std::min(kPiece, n - first), out.data() + first);
  });
}

template void fill_normal(const NoiseStream&, std::span<float>);
template void fill_normal(const NoiseStream&, std::span<double>);

void fill_uniform(const NoiseStream& noise, std::span<double> out) {
  const std::array<uint32_t, 2> key{uint32_t(noise.key), uint32_t(noise.key >> 32)};
  for (std::size_t i = 0; i < out.size(); i += 4) {
    const auto word = philox4x32(
        {uint32_t(i / 4), noise.stream, uint32_t(noise.step), uint32_t(noise.step >> 32)}, key);
    for (std::size_t k = 0; k < 4 && i + k < out.size(); ++k) {
      out[i + k] = (double(word[k]) + 0.5) * 0x1p-32;
    }
  }
}

uint64_t seed_of_part(uint64_t seed, uint64_t i) { return Rng(seed).split(i).key(); }

}  // namespace talweg::ebm
