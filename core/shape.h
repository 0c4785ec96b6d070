// Shape: the extents of a row-major tensor, a small value type that never touches the heap.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "core/error.h"

namespace talweg {

inline constexpr int kMaxRank = 6;

/// Extents d0 x d1 x ... of a row-major tensor (the last axis varies fastest). Rank 0 is a scalar.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) {
    for (int64_t d : dims) push_back(d);
  }

  int rank() const { return rank_; }
  int64_t operator[](int axis) const { return dims_[axis]; }
  int64_t& operator[](int axis) { return dims_[axis]; }
  int64_t back() const { return dims_[rank_ - 1]; }

  /// Number of elements: the product of the extents, 1 for a scalar, 0 if any extent is 0.
  int64_t size() const { return size_between(0, rank_); }
  /// Product of the extents of the axes in [first, last).
  int64_t size_between(int first, int last) const {
    int64_t n = 1;
    for (int i = first; i < last; ++i) n *= dims_[i];
    return n;
  }

  void push_back(int64_t d) {
    expect(rank_ < kMaxRank, "[shape] a tensor has at most ", kMaxRank, " axes");
    expect(d >= 0, "[shape] extent ", d, " of axis ", rank_, " is negative");
    dims_[rank_++] = d;
  }

  bool operator==(const Shape& other) const {
    bool same = rank_ == other.rank_;
    for (int i = 0; i < rank_; ++i) same &= dims_[i] == other.dims_[i];
    return same;
  }

  std::string to_string() const {
    std::string s = "[";
    for (int i = 0; i < rank_; ++i) s += (i ? "," : "") + std::to_string(dims_[i]);
    return s + "]";
  }
  friend std::ostream& operator<<(std::ostream& out, const Shape& s) {
    return out << s.to_string();
  }

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

}  // namespace talweg
