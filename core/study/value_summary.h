// What a tool keeps of a value when the value itself is about to go: its numbers where they are few,
// else the usual statistics and a small picture.
#pragma once

#include <string>
#include <vector>

#include "core/shape.h"

namespace talweg {

/// A matrix small enough to draw. A cell shows the element of the largest magnitude in its block, so
/// that a lone spike of a gradient stays visible.
struct Thumbnail {
  int rows = 0, cols = 0;
  std::vector<float> cells;  ///< [rows, cols], row-major; NaN where nothing in the block is finite
  std::string what;          ///< the part shown: "sample 0, channels 0-3"; empty where it is all
};

/// `whole` holds every element where they are at most kWholeCount, else it is empty and there is a
/// thumbnail. The statistics are of the finite elements.
struct ValueSummary {
  static constexpr int64_t kWholeCount = 36;
  bool known = false;  ///< was there a value to look at?
  Shape shape;
  int64_t not_finite = 0;
  double low = 0, high = 0, mean = 0;
  double norm = 0;  ///< Euclidean
  std::vector<double> whole;
  Thumbnail picture;
};

/// Looks at a value of `shape` that stands in `values`.
///
/// The picture of a matrix is the matrix; of a vector, one row; of a batch of images [N,H,W,C], the
/// first channels of the first image (or the first images, where C = 1); of other shapes, the first
/// matrix over the last two axes.
template <class T> ValueSummary summarise(const Shape& shape, const T* values);

/// The same picture with at most `cells` cells.
Thumbnail shrunk(const Thumbnail& picture, int64_t cells);

/// For one line: "6", "[1, 2; 3, 4]", or "-0.2 … 1.4, norm 3.1"; "" where the value is not known.
std::string to_line(const ValueSummary& value);

}  // namespace talweg
