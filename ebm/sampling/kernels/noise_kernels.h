// Random numbers by the vector, and the samplers' innermost loops on them, compiled once per
// instruction set. Nothing here has a state: number i of a stream is a function of (key, stream,
// step, i), so that any thread may draw any part of it.
//
// Philox4x32-10 turns a counter of four 32-bit words (block, stream, step's two halves) into four
// random words; Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC
// 2011. A group is 16 consecutive blocks; its 64 numbers are word by word, number 16 w + b being
// made of word w of block b. So the layout does not depend on how many lanes a vector has.
//
// Normals are Box and Muller's: words 0 and 1 of a block give its normals 0 and 1,
//   u = (floor(w0 / 2) + 1) / 2^31,   sqrt(-2 ln u) cos(2 pi w1 / 2^32)   and the same with sin,
// words 2 and 3 give normals 2 and 3. The largest is sqrt(62 ln 2) = 6.56, beyond which lie 5e-11 of
// the distribution.
#pragma once

#include <array>
#include <cstdint>

namespace talweg::ebm {

/// Which numbers: those of one step of one stream under one key.
struct NoiseStream {
  uint64_t key = 0;
  uint64_t step = 0;
  uint32_t stream = 0;
};

inline constexpr int64_t kNoiseGroup = 64;  ///< numbers in a group; pieces of work are whole groups

/// The four words that Philox4x32-10 makes of a counter and a key.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// What one Langevin step does to each coordinate: y <- y - rate g + sigma xi.
template <class T> struct LangevinUpdate {
  T rate, sigma;
  T bound;  ///< |y| beyond it means that the sampler diverges
};

/// A polynomial energy in each coordinate, sum_j a_j y_j^4 / 4 + k_j y_j^2 / 2 + b_j y_j. The
/// coefficients are written out `period` long, a multiple of the dimension and of kQuarticLanes.
template <class T> struct QuarticCoefficients {
  int64_t period;
  const T *a, *k, *b;
};
inline constexpr int64_t kQuarticLanes = 16;

/// Numbers first ... first+n-1 of a stream, `first` a multiple of kNoiseGroup, which `out` and `y`
/// point at.
template <class T> struct NoiseTable {
  void (*normal)(const NoiseStream& noise, int64_t first, int64_t n, T* out);
  /// Returns whether some |y| is now not within the bound.
  bool (*langevin)(const NoiseStream& noise, int64_t first, int64_t n, const LangevinUpdate<T>& u,
                   const T* g, T* y);
  /// g = a y^3 + k y + b; y begins at a multiple of the period.
  void (*quartic_gradient)(int64_t n, const QuarticCoefficients<T>& c, const T* y, T* g);
};

/// For float: the kernels of the instruction set that core/kernels uses. For double, and where
/// core/kernels runs its reference: plain loops, the specification.
template <class T> const NoiseTable<T>& noise_table();

}  // namespace talweg::ebm
