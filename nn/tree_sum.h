// A sum of vectors that processes share, whose bits don't depend on how they share it.
//
// Floating-point addition is not associative: what is added to what must be laid down. Here it is a
// balanced binary tree over the parts' numbers,
//
//   sum of parts [a, b) = sum of [a, m) + sum of [m, b),  m = (a + b + 1) / 2,
//
// and a node is added up in the process that has its first part: the one with the right half sends it.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "nn/communicator.h"

namespace talweg::nn {

/// Whose each of `parts` parts is, where `size` processes share them evenly, each a run of neighbours.
inline std::vector<int> shared_evenly(int parts, int size) {
  std::vector<int> owners;
  for (int rank = 0; rank < size; ++rank) {
    const auto end = std::size_t(int64_t(parts) * (rank + 1) / size);
    owners.resize(end, rank);
  }
  return owners;
}

template <class T> class TreeSum {
 public:
  /// Part p is made by process owners[p]. `ranks` must outlive the sum.
  TreeSum(Communicator& ranks, std::vector<int> owners)
      : ranks_(ranks), owners_(std::move(owners)) {
    expect(!owners_.empty(), "[tree_sum] there is nothing to add up");
    for (int owner : owners_) {
      expect(0 <= owner && owner < ranks.size(), "[tree_sum] there is no process ", owner,
             " among ", ranks.size());
    }
  }

  /// Leaves the sum of all parts in `total`, in every process. make(part, to) is called for this
  /// process's parts, in order, and fills `to`, whatever it held, with the part's numbers. Allocates
  /// nothing after the first time.
  template <class Make> void operator()(std::span<T> total, const Make& make) {
    add_up(0, int(owners_.size()), total, 0, make);
    if (const int root = owners_[0]; root != 0) {
      if (ranks_.rank() == root) ranks_.send(std::as_bytes(total), 0);
      if (ranks_.rank() == 0) ranks_.receive(std::as_writable_bytes(total), root);
    }
    ranks_.broadcast(std::as_writable_bytes(total));
  }

 private:
  int owner(int part) const { return owners_[std::size_t(part)]; }

  template <class Make>
  void add_up(int begin, int end, std::span<T> to, std::size_t depth, const Make& make) {
    const int me = ranks_.rank();
    if (end - begin == 1) {
      if (owner(begin) == me) make(begin, to);
      return;
    }
    const int middle = (begin + end + 1) / 2;
    add_up(begin, middle, to, depth + 1, make);
    const std::span<T> right = spare(depth, to.size());
    add_up(middle, end, right, depth + 1, make);
    const int left_owner = owner(begin), right_owner = owner(middle);
    if (right_owner != left_owner) {
      if (me == right_owner) ranks_.send(std::as_bytes(right), left_owner);
      if (me == left_owner) ranks_.receive(std::as_writable_bytes(right), right_owner);
    }
    if (me != left_owner) return;
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += right[i];
  }

  std::span<T> spare(std::size_t depth, std::size_t size) {
    if (spare_.size() <= depth) spare_.resize(depth + 1);
    spare_[depth].resize(size);
    return spare_[depth];
  }

  Communicator& ranks_;
  std::vector<int> owners_;
  std::vector<std::vector<T>> spare_;  // the right half of a node, by depth
};

}  // namespace talweg::nn
