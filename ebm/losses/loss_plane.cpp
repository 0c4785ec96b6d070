#include "ebm/losses/loss_plane.h"

#include <algorithm>
#include <limits>

#include "core/ops/reduce.h"

namespace talweg::ebm {

LossPlane loss_plane(PairLossFunction loss, double low, double high, int n) {
  expect(low < high && n >= 2, "[loss plane] a grid of ", n, " places from ", low, " to ", high,
         " is none");
  LossPlane plane;
  for (int i = 0; i < n; ++i) plane.at.push_back(low + (high - low) * i / (n - 1));
  Tensor<double> good({int64_t{n} * n}), bad({int64_t{n} * n});
  for (int64_t i = 0; i < good.size(); ++i) {
    good[i] = plane.at[std::size_t(i / n)];
    bad[i] = plane.at[std::size_t(i % n)];
  }
  Tape<double> tape;
  const Var<double> e = tape.borrow(good, true), w = tape.borrow(bad, true);
  const Var<double> value = loss(e, w);
  plane.loss.assign(value.values().begin(), value.values().end());
  const auto slopes = tape.grad(sum(value), {{e, w}});
  plane.d_good.assign(slopes[0].values().begin(), slopes[0].values().end());
  plane.d_bad.assign(slopes[1].values().begin(), slopes[1].values().end());
  return plane;
}

double kept_margin(const LossPlane& plane) {
  // On the grid Ebar - E is a whole number of steps d. lowest[d]: the least loss on that diagonal.
  const int n = static_cast<int>(plane.at.size());
  std::vector<double> lowest(std::size_t(2 * n - 1), std::numeric_limits<double>::infinity());
  for (int i = n / 4; i < n - n / 4; ++i) {
    for (int j = 0; j < n; ++j) {
      double& least = lowest[std::size_t(j - i + n - 1)];
      least = std::min(least, plane.value(std::size_t(i), std::size_t(j)));
    }
  }
  const double step = (plane.at.back() - plane.at.front()) / (n - 1);
  double margin = -std::numeric_limits<double>::infinity();
  double at_most = std::numeric_limits<double>::infinity();  // the least loss with Ebar - E <= m
  for (int d = 0; d < 2 * n - 2; ++d) {
    at_most = std::min(at_most, lowest[std::size_t(d)]);
    const double beyond = *std::min_element(lowest.begin() + d + 1, lowest.end());
    if (beyond < at_most) margin = step * (d + 1 - (n - 1));
  }
  return margin;
}

}  // namespace talweg::ebm
