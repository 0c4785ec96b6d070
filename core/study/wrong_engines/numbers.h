// What the engines of this gallery compute with: lists of numbers, elementwise, where a list of one
// number stretches over the other, as NumPy's broadcasting does.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

namespace talweg::wrong_engines {

using Numbers = std::vector<double>;

/// Elementwise f(a, b); the sizes are equal or one of them is 1.
template <class F> Numbers zip(const Numbers& a, const Numbers& b, F f) {
  Numbers y(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < y.size(); ++i) {
    y[i] = f(a[a.size() == 1 ? 0 : i], b[b.size() == 1 ? 0 : i]);
  }
  return y;
}
inline Numbers plus(const Numbers& a, const Numbers& b) { return zip(a, b, std::plus()); }
inline Numbers times(const Numbers& a, const Numbers& b) { return zip(a, b, std::multiplies()); }
inline Numbers exp(const Numbers& x) {
  Numbers y = x;
  for (double& v : y) v = std::exp(v);
  return y;
}

/// dy as the gradient of a list of `size`: summed where one number was stretched.
inline Numbers sum_to(const Numbers& dy, std::size_t size) {
  return size == dy.size() ? dy : Numbers{std::accumulate(dy.begin(), dy.end(), 0.0)};
}

}  // namespace talweg::wrong_engines
