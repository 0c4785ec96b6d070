// A counter-based random generator: every number is a hash of (key, counter), so that a stream can
// be split, saved in a checkpoint and resumed, and so that sample i is the same whichever thread
// draws it.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace talweg {

/// Explicit, seedable, copyable state of two words; there is no global generator.
class Rng {
 public:
  explicit Rng(uint64_t seed = 0) : key_(mix(seed + 0x9e3779b97f4a7c15u)) {}
  /// The state of a stream, as saved in a checkpoint.
  Rng(uint64_t key, uint64_t counter) : key_(key), counter_(counter) {}

  /// An independent stream for item `i` (a sample, a layer); does not advance this one.
  Rng split(uint64_t i) const { return Rng(mix(key_ ^ mix(i + 0xd1b54a32d192ed03u)), 0); }

  uint64_t next() { return mix(key_ + 0x9e3779b97f4a7c15u * ++counter_); }
  /// Uniform in [0, 1) with 53 random bits.
  double uniform() { return double(next() >> 11) * 0x1p-53; }
  double uniform(double lo, double hi) { return lo + (hi - lo) * uniform(); }
  /// Uniform over 0 ... n-1 (n > 0), by Lemire's multiply-shift; the bias is below n / 2^64.
  uint64_t below(uint64_t n) {
    return uint64_t((static_cast<unsigned __int128>(next()) * n) >> 64);
  }
  /// Standard normal, by Box and Muller; two uniforms a number keeps the state two words.
  double normal() {
    const double u = 1.0 - uniform(), v = uniform();
    return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  }

  uint64_t key() const { return key_; }
  uint64_t counter() const { return counter_; }

 private:
  // SplitMix64's finaliser (Steele, Lea, Flood 2014): a bijection that passes BigCrush on a
  // counter.
  static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  uint64_t key_ = 0;
  uint64_t counter_ = 0;
};

}  // namespace talweg
