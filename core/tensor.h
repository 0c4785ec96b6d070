// Tensor: an owning, row-major array. Parameters, optimiser state and data live in Tensors; what a
// step computes lives on the tape.
#pragma once

#include <algorithm>
#include <memory>
#include <new>
#include <span>

#include "core/arena.h"
#include "core/shape.h"

namespace talweg {

/// A dense row-major array of T, 64-byte aligned, with value semantics (copies copy the elements).
template <class T> class Tensor {
 public:
  Tensor() : Tensor(Shape{0}) {}
  /// A tensor of the given shape, every element `value`.
  explicit Tensor(const Shape& shape, T value = T(0)) : shape_(shape), data_(allocate(shape)) {
    fill(value);
  }
  /// A tensor that copies `values`, whose count must match the shape.
  Tensor(const Shape& shape, std::span<const T> values) : shape_(shape), data_(allocate(shape)) {
    expect(int64_t(values.size()) == shape.size(), "[tensor] shape ", shape, " needs ",
           shape.size(), " values, found ", values.size());
    std::copy(values.begin(), values.end(), data());
  }
  Tensor(const Tensor& other) : Tensor(other.shape_, other.values()) {}
  Tensor(Tensor&& other) noexcept = default;
  Tensor& operator=(Tensor other) noexcept {
    std::swap(shape_, other.shape_);
    std::swap(data_, other.data_);
    return *this;
  }

  const Shape& shape() const { return shape_; }
  int64_t size() const { return shape_.size(); }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::span<T> values() { return {data(), std::size_t(size())}; }
  std::span<const T> values() const { return {data(), std::size_t(size())}; }
  T& operator[](int64_t i) { return data_[i]; }
  T operator[](int64_t i) const { return data_[i]; }
  void fill(T value) { std::fill_n(data(), size(), value); }

 private:
  using Storage = std::unique_ptr<T[], AlignedDelete>;
  static Storage allocate(const Shape& shape) {
    return Storage(reinterpret_cast<T*>(aligned_block(shape.size() * sizeof(T)).release()));
  }

  Shape shape_;
  Storage data_;
};

}  // namespace talweg
