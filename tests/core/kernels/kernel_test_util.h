// What the kernel tests share: random arrays that start off any alignment, and the error of a float
// result against the double one, in units that fit sums of products.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "core/kernels/kernels.h"
#include "core/rng.h"

namespace talweg::kernels {

/// Every float array starts 4 bytes after an aligned address and ends at the end of its allocation,
/// where a sanitizer sees a read or write beyond it.
template <class T> class Array {
 public:
  explicit Array(int64_t size, T fill = T(0)) : values_(static_cast<size_t>(size) + 1, fill) {}
  T* data() { return values_.data() + 1; }
  const T* data() const { return values_.data() + 1; }
  int64_t size() const { return static_cast<int64_t>(values_.size()) - 1; }
  T& operator[](int64_t i) { return data()[i]; }
  const T& operator[](int64_t i) const { return data()[i]; }

 private:
  std::vector<T> values_;
};

inline Array<float> random_array(int64_t size, Rng& rng) {
  Array<float> out(size);
  for (int64_t i = 0; i < size; ++i) out[i] = static_cast<float>(rng.normal());
  return out;
}

inline Array<double> in_double(const Array<float>& a) {
  Array<double> out(a.size());
  for (int64_t i = 0; i < a.size(); ++i) out[i] = a[i];
  return out;
}

/// 64-byte aligned scratch, filled with NaN so that a kernel that trusts old contents is caught.
template <class T> class Scratch {
 public:
  explicit Scratch(int64_t size)
      : data_(static_cast<T*>(::operator new(sizeof(T) * (size + 1), std::align_val_t(64)))) {
    std::fill(data_, data_ + size, std::nan(""));
  }
  ~Scratch() { ::operator delete(data_, std::align_val_t(64)); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() { return data_; }

 private:
  T* data_;
};

/// Largest |a - b| over all i, relative to the root mean square of b: the scale of sums of
/// products, whose single terms may cancel. Infinite if a NaN is anywhere.
inline double error_against(const Array<float>& a, const Array<double>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0, square = 0;
  for (int64_t i = 0; i < b.size(); ++i) {
    const double d = std::abs(a[i] - b[i]);
    worst = d <= worst ? worst : d;
    if (std::isnan(d)) return HUGE_VAL;
    square += b[i] * b[i];
  }
  if (worst == 0) return 0;
  return worst / std::sqrt(square / static_cast<double>(b.size()));
}

inline bool same_bits(const Array<float>& a, const Array<float>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), sizeof(float) * static_cast<size_t>(a.size())) == 0;
}

/// Runs `body(table)` with each instruction set of this machine in use, and checks that it is.
template <class Body> void on_every_isa(Body body) {
  for (const std::string& name : available_isas()) {
    CAPTURE(name);
    const ScopedIsa scope(name);
    REQUIRE(table<float>().name == name);
    body(table<float>());
  }
}

}  // namespace talweg::kernels
