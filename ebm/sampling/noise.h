// Random numbers for many chains at once: functions of (seed, stream, step, place), without a state.
// Whoever draws them, in whatever order and on however many threads, gets the same.
#pragma once

#include <span>

#include "ebm/sampling/kernels/noise_kernels.h"

namespace talweg::ebm {

/// What randomness is used for: each purpose has a stream of its own.
enum class Purpose : uint32_t { start, move, accept, swap, site, slice, corrupt };

/// The stream of `purpose`, at one step, of what `seed` stands for.
inline NoiseStream noise_of(uint64_t seed, Purpose purpose, uint64_t step) {
  return {.key = seed, .step = step, .stream = static_cast<uint32_t>(purpose)};
}

/// out[i] = standard normal number i of the stream; kernels/noise_kernels.h says how it is made.
template <class T> void fill_normal(const NoiseStream& noise, std::span<T> out);

/// Number i of the stream, uniform in (0, 1) with 32 random bits, so that its log is finite.
inline double uniform(const NoiseStream& noise, int64_t i) {
  const auto word =
      philox4x32({uint32_t(i / 4), noise.stream, uint32_t(noise.step), uint32_t(noise.step >> 32)},
                 {uint32_t(noise.key), uint32_t(noise.key >> 32)});
  return (double(word[std::size_t(i % 4)]) + 0.5) * 0x1p-32;
}

/// out[i] = uniform(noise, i).
void fill_uniform(const NoiseStream& noise, std::span<double> out);

/// The key of part i of what `seed` stands for: rung i of a ladder, experiment i.
uint64_t seed_of_part(uint64_t seed, uint64_t i);

}  // namespace talweg::ebm
