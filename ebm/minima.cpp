#include "ebm/minima.h"

#include <algorithm>
#include <cmath>

#include "core/ops/reduce.h"
#include "core/ops/shape_ops.h"
#include "ebm/matrix.h"

namespace talweg::ebm {
namespace {

constexpr int kNewtonSteps = 4;

/// E, gradient and Hessian at one point.
struct Local {
  double energy, gradient_norm;
  std::vector<double> gradient;
  Tensor<double> hessian;  // [D,D]
};

Local local_at(const Energy<double>& energy, const std::vector<double>& y) {
  const int64_t d = std::ssize(y);
  const Tensor<double> point({1, d}, y);
  Tape<double> tape;
  const Var<double> leaf = tape.borrow(point, true);
  const Var<double> e = energy({leaf});
  const Var<double> g = tape.grad(sum(e), {{leaf}})[0];
  const Tensor<double> h = hessians(energy, point);
  double square = 0;
  for (double v : g.values()) square += v * v;
  return {e.data()[0],
          std::sqrt(square),
          {g.values().begin(), g.values().end()},
          Tensor<double>({d, d}, h.values())};
}

/// Newton's steps from y, kept while the Hessian is positive definite and the gradient falls.
Local polish(const Energy<double>& energy, std::vector<double>& y) {
  Local here = local_at(energy, y);
  const int64_t d = std::ssize(y);
  for (int step = 0; step < kNewtonSteps; ++step) {
    const Tensor<double> l = cholesky(here.hessian);
    if (l.size() == 0) break;
    const Tensor<double> inverse = inverse_from_cholesky(l);
    std::vector<double> next = y;
    for (int64_t i = 0; i < d; ++i) {
      for (int64_t j = 0; j < d; ++j) next[i] -= inverse[i * d + j] * here.gradient[j];
    }
    Local there = local_at(energy, next);
    if (!(there.gradient_norm < here.gradient_norm) || !(there.energy <= here.energy + 1e-12))
      break;
    y = next;
    here = std::move(there);
  }
  return here;
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double square = 0;
  for (std::size_t i = 0; i < a.size(); ++i) square += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(square);
}

}  // namespace

template <class T> Tensor<T> hessians(const Energy<T>& energy, const Tensor<T>& y) {
  expect(y.shape().rank() == 2, "[hessians] y must be [N,D], found ", y.shape());
  const int64_t n = y.shape()[0], d = y.shape()[1];
  Tape<T> tape;
  const Var<T> leaf = tape.borrow(y, true);
  const Var<T> g = energy_gradient(energy, {leaf}, leaf, true);
  Tensor<T> h({n, d, d});
  for (int64_t a = 0; a < d && g.needs_grad(); ++a) {
    const Var<T> row = tape.grad(sum(slice(g, 1, a, 1)), {{leaf}})[0];
    for (int64_t r = 0; r < n; ++r) {
      std::copy_n(row.data() + r * d, d, h.data() + (r * d + a) * d);
    }
  }
  return h;
}

Minima all_minima(const Energy<double>& energy, const Tensor<double>& starts,
                  const MinimaOptions& options) {
  expect(starts.shape().rank() == 2 && starts.size() > 0, "[all_minima] needs starts [M,D], found ",
         starts.shape());
  const Descent<double> ends = descend(energy, {starts}, Over::y, options.descent);
  const int64_t m = starts.shape()[0], d = starts.shape()[1];
  Minima found;
  for (int64_t s = 0; s < m; ++s) {
    std::vector<double> y(ends.y.data() + s * d, ends.y.data() + (s + 1) * d);
    const Local here = polish(energy, y);
    if (!(here.gradient_norm <= options.descent.tolerance)) {
      ++found.unfinished;
      continue;
    }
    std::vector<double> curvature = eigenvalues(here.hessian);
    const double largest = std::max(std::abs(curvature.front()), std::abs(curvature.back()));
    if (!(curvature.front() > options.flat * largest)) {
      ++found.not_minima;
      continue;
    }
    const auto known = std::find_if(found.minima.begin(), found.minima.end(), [&](const auto& at) {
      return distance(at.y, y) <= options.merge;
    });
    if (known != found.minima.end()) {
      ++known->starts;
      continue;
    }
    found.minima.push_back({y, here.energy, std::move(curvature), 1});
  }
  std::sort(found.minima.begin(), found.minima.end(),
            [](const Minimum& a, const Minimum& b) { return a.energy < b.energy; });
  return found;
}

Tensor<double> uniform_starts(double low, double high, int64_t count, int64_t dimensions,
                              Rng& rng) {
  expect(low < high && count > 0 && dimensions > 0, "[uniform_starts] ", count, " points of ",
         dimensions, " dimensions from ", low, " to ", high, " are none");
  Tensor<double> starts({count, dimensions});
  for (double& v : starts.values()) v = rng.uniform(low, high);
  return starts;
}

template Tensor<float> hessians(const Energy<float>&, const Tensor<float>&);
template Tensor<double> hessians(const Energy<double>&, const Tensor<double>&);

}  // namespace talweg::ebm
