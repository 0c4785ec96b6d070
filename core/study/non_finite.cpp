#include "core/study/non_finite.h"

#include <algorithm>
#include <cmath>

namespace talweg {

template <class T> int64_t first_non_finite(std::span<const T> values) {
  const auto at = std::ranges::find_if(values, [](T x) { return !std::isfinite(x); });
  return at == values.end() ? -1 : at - values.begin();
}

template <class T> Var<T> first_non_finite(Tape<T>& tape) {
  for (int64_t i = 0; i < tape.node_count(); ++i) {
    const Var<T> v = tape.at(std::size_t(i));
    if (v.readable() && first_non_finite(std::span<const T>(v.values())) >= 0) return v;
  }
  return {};
}

template int64_t first_non_finite(std::span<const float>);
template int64_t first_non_finite(std::span<const double>);
template Var<float> first_non_finite(Tape<float>&);
template Var<double> first_non_finite(Tape<double>&);

}  // namespace talweg
