// Memory for rows: aligned, filled, hashed, compared.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "bench/row.h"
#include "core/rng.h"

namespace talweg::bench {

/// Zeroed floats that begin at a page, so that no run is faster by the luck of its alignment, and
/// every page has been touched.
class Buffer {
 public:
  explicit Buffer(int64_t size) : size_(size), data_(allocate(size)) {
    std::memset(data_.get(), 0, sizeof(float) * static_cast<size_t>(size_));
  }
  float* data() const { return data_.get(); }
  int64_t size() const { return size_; }
  Memory memory() const { return {data_.get(), sizeof(float) * static_cast<size_t>(size_)}; }

 private:
  static constexpr std::align_val_t kAlignment{4096};
  struct Free {
    void operator()(float* p) const { ::operator delete(p, kAlignment); }
  };
  static float* allocate(int64_t size) {
    return static_cast<float*>(
        ::operator new(sizeof(float) * static_cast<size_t>(size + 1), kAlignment));
  }
  int64_t size_;
  std::unique_ptr<float, Free> data_;
};

/// Uniform in [-1, 1): cheaper to draw than normal numbers, and no less honest.
inline Buffer random_buffer(int64_t size, uint64_t seed, double low = -1, double high = 1) {
  Buffer out(size);
  Rng rng(seed);
  for (int64_t i = 0; i < size; ++i) out.data()[i] = static_cast<float>(rng.uniform(low, high));
  return out;
}

/// FNV-1a over the bits of the numbers, one number at a time.
inline uint64_t hash_of(const float* data, int64_t size) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (int64_t i = 0; i < size; ++i) {
    uint32_t bits = 0;
    std::memcpy(&bits, data + i, sizeof bits);
    hash = (hash ^ bits) * 0x100000001b3u;
  }
  return hash;
}

/// |found - exact| / |exact|, Euclidean norms; NaN where `found` holds one, so that no bound takes it.
inline double relative_error(const float* found, const std::vector<double>& exact) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    const double d = double(found[i]) - exact[i];
    difference += d * d;
    norm += exact[i] * exact[i];
  }
  return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

}  // namespace talweg::bench
