// Tensor: an owning, row-major array. Parameters, optimiser state and data live in Tensors; what a
// step computes lives on the tape.
#pragma once

#include <algorithm>
#include <new>
#include <span>

#include "core/arena.h"
#include "core/shape.h"

namespace talweg {

/// How often a tensor was opened for writing, and where last. It stands in front of the elements, so
/// that a tape they are lent to can tell.
struct alignas(kAlignment) WriteLog {
  uint64_t version = 0;
  Site last;
};

/// A dense row-major array of T, 64-byte aligned, with value semantics (copies copy the elements).
template <class T> class Tensor {
 public:
  Tensor() : shape_{0}, block_(allocate(shape_)) {}
  /// A tensor of the given shape, every element `value`.
  explicit Tensor(const Shape& shape, T value = T(0)) : shape_(shape), block_(allocate(shape)) {
    std::fill_n(elements(), size(), value);
  }
  /// A tensor that copies `values`, whose count must match the shape.
  Tensor(const Shape& shape, std::span<const T> values) : shape_(shape), block_(allocate(shape)) {
    expect(int64_t(values.size()) == shape.size(), "[tensor] shape ", shape, " needs ",
           shape.size(), " values, found ", values.size());
    std::copy(values.begin(), values.end(), elements());
  }
  Tensor(const Tensor& other) : Tensor(other.shape_, other.values()) {}
  Tensor(Tensor&& other) noexcept = default;
  Tensor& operator=(Tensor other) noexcept {
    std::swap(shape_, other.shape_);
    std::swap(block_, other.block_);
    return *this;
  }

  const Shape& shape() const { return shape_; }
  int64_t size() const { return shape_.size(); }
  const T* data() const { return elements(); }
  T operator[](int64_t i) const { return elements()[i]; }
  std::span<const T> values() const { return {elements(), std::size_t(size())}; }

  // For writing: noted in the log, but for single elements, which loops go through.
  T* data(Site at = Site::here()) { return ++log().version, log().last = at, elements(); }
  T& operator[](int64_t i) { return elements()[i]; }
  std::span<T> values(Site at = Site::here()) { return {data(at), std::size_t(size())}; }
  void fill(T value, Site at = Site::here()) { std::fill_n(data(at), size(), value); }

  const WriteLog& log() const { return *reinterpret_cast<const WriteLog*>(block_.get()); }

 private:
  static Block allocate(const Shape& shape) {
    Block block = aligned_block(sizeof(WriteLog) + std::size_t(shape.size()) * sizeof(T));
    new (block.get()) WriteLog;
    return block;
  }
  WriteLog& log() { return *reinterpret_cast<WriteLog*>(block_.get()); }
  T* elements() const { return reinterpret_cast<T*>(block_.get() + sizeof(WriteLog)); }

  Shape shape_;
  Block block_;  // the log, then the elements
};

}  // namespace talweg
