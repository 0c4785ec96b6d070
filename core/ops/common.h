// What ops share: axes, the broadcasting rule, the tape of their arguments, working space.
#pragma once

#include "core/shape.h"
#include "core/tape.h"

namespace talweg {

/// The index of `axis` counted from the front; negative axes count from the back, as in NumPy.
inline int resolve_axis(const char* op, int axis, int rank) {
  expect(-rank <= axis && axis < rank, "[", op, "] axis ", axis, " is out of range for rank ",
         rank);
  return axis < 0 ? axis + rank : axis;
}

/// NumPy's broadcasting rule: shapes are aligned at their last axes; an extent of 1, or a missing
/// axis, stretches to the other's extent. Throws, naming `op` and both shapes, where they disagree.
inline Shape broadcast(const char* op, const Shape& a, const Shape& b) {
  if (a == b) return a;
  Shape out;
  const int rank = a.rank() > b.rank() ? a.rank() : b.rank();
  for (int i = 0; i < rank; ++i) {
    const int ia = i - (rank - a.rank()), ib = i - (rank - b.rank());
    const int64_t da = ia < 0 ? 1 : a[ia], db = ib < 0 ? 1 : b[ib];
    expect(da == db || da == 1 || db == 1, "[", op, "] shapes ", a, " and ", b,
           " do not broadcast: extents ", da, " and ", db,
           " differ and neither is 1; reshape one of them");
    out.push_back(da == 1 ? db : da);
  }
  return out;
}

/// Pool memory for a kernel's working space, given back at the end of the block.
template <class T> class Scratch {
 public:
  Scratch(Tape<T>& tape, int64_t count)
      : pool_(tape.pool()), bytes_(std::size_t(count) * sizeof(T)), data_(pool_.allocate(bytes_)) {}
  ~Scratch() { pool_.release(data_, bytes_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return static_cast<T*>(data_); }

 private:
  Pool& pool_;
  std::size_t bytes_;
  void* data_;
};

/// The tape that all arguments of `op` stand on; throws if they stand on different ones.
template <class T, class... Rest> Tape<T>& common_tape(const char* op, Var<T> first, Rest... rest) {
  expect(((&first.tape() == &rest.tape()) && ...), "[", op,
         "] arguments stand on different tapes; ",
         "make them on one tape, or bring a value over with tape.constant(x.to_tensor())");
  return first.tape();
}

}  // namespace talweg
