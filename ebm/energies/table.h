// Energies of discrete variables, as a table of numbers.
#pragma once

#include <cstdint>
#include <vector>

#include "ebm/energy.h"

namespace talweg::ebm {

/// E(y) = values[y_1, ..., y_D] for discrete y[N,D], whole numbers in T; with x[N,C] the first C
/// axes are x's: E(y, x) = values[x_1, ..., x_C, y_1, ..., y_D]. No gradient flows to y or x.
class Table {
 public:
  explicit Table(Tensor<double> values);

  template <class T> Var<T> operator()(const Arguments<T>& at) const;

  const Tensor<double>& values() const { return values_; }

 private:
  Tensor<double> values_;
};

/// The flat index of each row's entry in a table of this shape, its coordinates read from x's
/// columns and then y's. Throws Error where a coordinate is no whole number within its axis, or
/// where the columns are not as many as the axes.
template <class T> std::vector<int32_t> table_entries(const Shape& table, const Arguments<T>& at);

}  // namespace talweg::ebm
