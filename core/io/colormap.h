// Energies as colours: low is a dark blue valley, high a light ridge.
#pragma once

#include <optional>
#include <span>
#include <utility>

#include "core/io/image.h"

namespace talweg::io {

/// The colour of a cell that has no finite value: a path matrix's unreachable cells, a NaN.
inline constexpr Rgb kNotFiniteColor{150, 150, 155};

/// The colour of t in [0, 1] (clamped; NaN gives kNotFiniteColor). Lightness rises with t, so that
/// the order survives a grey print and colour blindness.
Rgb energy_color(double t);

/// A drawn matrix and the values its darkest and lightest colour stand for.
struct HeatMap {
  Rgb8 image;
  double low = 0, high = 0;
};

/// Smallest and largest finite value; (0, 0) if there is none.
std::pair<double, double> finite_range(std::span<const float> values);

/// Draws values[rows, cols] (row-major), every cell a scale x scale square, NaN and infinities in
/// kNotFiniteColor. Colours span `range`, or the finite values' own range if none is given. Throws
/// Error if values.size() != rows * cols or scale < 1.
HeatMap heat_map(std::span<const float> values, int rows, int cols, int scale = 1,
                 std::optional<std::pair<double, double>> range = {});

}  // namespace talweg::io
