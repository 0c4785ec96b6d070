#include "core/study/non_finite.h"

#include <algorithm>
#include <cmath>

namespace talweg {

template <class T> Var<T> first_non_finite(Tape<T>& tape) {
  for (int64_t i = 0; i < tape.node_count(); ++i) {
    const Var<T> v = tape.at(std::size_t(i));
    const auto finite = [](T x) { return std::isfinite(x); };
    if (v.readable() && !std::ranges::all_of(v.values(), finite)) return v;
  }
  return {};
}

template Var<float> first_non_finite(Tape<float>&);
template Var<double> first_non_finite(Tape<double>&);

}  // namespace talweg
