// Where does a gradient come from? Split by the edges over which it arrives, and, where every value
// is one number, by paths.
#pragma once

#include <string>
#include <vector>

#include "core/tape.h"

namespace talweg {

/// What one edge brings: the gradient that the rule of `consumer` made for x.
template <class T> struct Contribution {
  Var<T> consumer;     ///< the op that read x
  Tensor<T> gradient;  ///< dx over this edge
  double norm = 0;     ///< |dx|
  double dot = 0;      ///< <dx, adjoint>
  double share = 0;    ///< dot / |adjoint|^2: the shares of all edges add up to 1
};

template <class T> struct Contributions {
  Tensor<T> adjoint;                   ///< dy/dx, the sum of all
  double norm = 0;                     ///< |adjoint|
  std::vector<Contribution<T>> edges;  ///< in the order in which they arrived
  std::string to_string() const;       ///< a table
};

/// Splits dy/dx, y of one element, by the edges into x. An op that reads x twice has two. Values stay,
/// as with grad(). Throws Error unless the contributions add up to the adjoint, within rounding, and
/// where y or x cannot be differentiated.
template <class T> Contributions<T> contributions(Var<T> y, Var<T> x);

/// One way from x to y: the nodes along it, x first, and the product of the local derivatives.
struct GradientPath {
  std::vector<int32_t> nodes;
  double product = 0;
};

struct GradientPaths {
  double gradient = 0;              ///< dy/dx: the sum of the products of all paths
  double count = 0;                 ///< how many paths there are; they may be more than 2^64
  std::vector<GradientPath> paths;  ///< the largest by |product|, largest first
  /// "w -> mul -> add -> square: 12", a line a path.
  template <class T> std::string to_string(Tape<T>& tape) const;
};

/// The k paths from x to y whose products are largest, exactly: since a longer path's |product| is
/// its prefix's times a fixed number, the k best to each node come from the k best to its inputs.
/// Linear in edges times k; local derivatives cost a pass each. Throws Error where a value on the way
/// has more than one element, and unless all paths together give what grad() gives.
template <class T> GradientPaths top_paths(Var<T> y, Var<T> x, int k = 5);

}  // namespace talweg
