// Tensors and Vars as text, for people: std::cout << x.
//
//   [[ 1.    -2.5    0.   ]
//    [ 0.125  3.   100.   ]]  float [2,3]
//
// Columns are aligned; all numbers have as many decimals as the one that needs most, at most four,
// or are in scientific form where their sizes lie far apart; a tensor of more than a thousand numbers
// shows three at either end of each axis.
#pragma once

#include <ostream>
#include <string>

#include "core/tape.h"

namespace talweg {

struct PrintOptions {
  int decimals = 4;          ///< at most, in both forms
  int64_t threshold = 1000;  ///< more elements than this are cut short
  int64_t edge = 3;          ///< how many then remain at either end of an axis
  int width = 100;           ///< columns; longer rows are broken
};

/// The numbers of x in brackets, one pair an axis, then type and shape. No newline at the end.
template <class T> std::string to_text(const Tensor<T>& x, const PrintOptions& options = {});

/// The same, with the node's place and op, and whether it needs a gradient: "node 5, mul". A value
/// that can't be read any more is named without numbers; an empty Var is "Var without a value".
template <class T> std::string to_text(Var<T> x, const PrintOptions& options = {});

template <class T> std::ostream& operator<<(std::ostream& out, const Tensor<T>& x) {
  return out << to_text(x);
}
template <class T> std::ostream& operator<<(std::ostream& out, Var<T> x) {
  return out << to_text(x);
}

}  // namespace talweg
