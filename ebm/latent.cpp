#include "ebm/latent.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/ops/reduce.h"
#include "core/ops/shape_ops.h"
#include "core/ops/softmax.h"
#include "ebm/beta.h"
#include "ebm/energies/constants.h"
#include "ebm/gibbs.h"
#include "ebm/matrix.h"

namespace talweg::ebm {
namespace {

template <class T> void check_nodes(const char* what, const LatentNodes<T>& nodes) {
  expect(
      nodes.z.shape().rank() >= 1 && nodes.count() > 0 && std::ssize(nodes.weight) == nodes.count(),
      "[", what, "] a latent needs values z[K, ...] and K weights, found ", nodes.z.shape(),
      " and ", nodes.weight.size());
  for (double w : nodes.weight) {
    expect(w > 0, "[", what, "] a latent's weight is ", w, "; it must be above 0");
  }
}

/// Each row r of `part` k times in a row.
template <class T> Var<T> repeated(Var<T> part, int64_t k) {
  if (!part) return {};
  std::vector<int32_t> rows;
  for (int64_t r = 0; r < part.shape()[0]; ++r) {
    rows.insert(rows.end(), std::size_t(k), static_cast<int32_t>(r));
  }
  return take(part, 0, rows);
}

/// E(y_r, x_r, z_k) for every row and node: [N,K].
template <class T>
Var<T> at_every_node(const Energy<T>& energy, const LatentNodes<T>& nodes, const Arguments<T>& at) {
  expect(!at.z, "[over_latent] z is summed out already; ask about ({y}) or ({y, x})");
  const int64_t n = at.rows(), k = nodes.count();
  std::vector<int32_t> node;
  for (int64_t i = 0; i < n * k; ++i) node.push_back(static_cast<int32_t>(i % k));
  const Var<T> z = take(at.tape().constant(nodes.z), 0, node);
  return reshape(energy({repeated(at.y, k), repeated(at.x, k), z}), {n, k});
}

/// -(1/beta) log w, a row to add to the energies; nothing where every weight is 1.
template <class T> Var<T> weighted(Var<T> f, const LatentNodes<T>& nodes, double beta) {
  if (std::isinf(beta)) return f;
  std::vector<double> cost;
  for (double w : nodes.weight) cost.push_back(-std::log(w) / beta);
  return f + constant_of(f.tape(), {nodes.count()}, cost);
}

}  // namespace

template <class T> LatentNodes<T> one_of(int64_t count) {
  expect(count > 0, "[one_of] a latent with ", count, " values has none");
  LatentNodes<T> nodes{Tensor<T>({count, 1}), std::vector<double>(std::size_t(count), 1.0)};
  for (int64_t k = 0; k < count; ++k) nodes.z[k] = static_cast<T>(k);
  return nodes;
}

template <class T> LatentNodes<T> interval_nodes(double low, double high, int64_t count) {
  expect(low < high && std::isfinite(high - low) && count > 0, "[interval_nodes] ", count,
         " nodes from ", low, " to ", high, " are none; the interval must be bounded");
  LatentNodes<T> nodes{Tensor<T>({count, 1}), {}};
  const double middle = (low + high) / 2, radius = (high - low) / 2;
  for (int64_t i = 0; i < count; ++i) {
    const auto n = static_cast<double>(count);
    double x = -std::cos(std::numbers::pi * (static_cast<double>(i) + 0.75) / (n + 0.5)), slope = 1;
    for (int step = 0; step < 50; ++step) {
      double p = 1, before = 0;  // P_m and P_{m-1}, by the three-term recurrence
      for (int64_t m = 1; m <= count; ++m) {
        const double next = ((2.0 * m - 1) * x * p - (m - 1.0) * before) / static_cast<double>(m);
        before = p;
        p = next;
      }
      slope = n * (x * p - before) / (x * x - 1);
      const double move = p / slope;
      x -= move;
      if (std::abs(move) < 1e-15) break;
    }
    nodes.z[i] = static_cast<T>(middle + radius * x);
    nodes.weight.push_back(radius * 2 / ((1 - x * x) * slope * slope));
  }
  return nodes;
}

template <class T> LatentNodes<T> periodic_nodes(double low, double high, int64_t count) {
  expect(low < high && std::isfinite(high - low) && count > 0, "[periodic_nodes] ", count,
         " nodes from ", low, " to ", high, " are none; the period must be bounded");
  const double step = (high - low) / static_cast<double>(count);
  LatentNodes<T> nodes{Tensor<T>({count, 1}), std::vector<double>(std::size_t(count), step)};
  for (int64_t k = 0; k < count; ++k) {
    nodes.z[k] = static_cast<T>(low + step * static_cast<double>(k));
  }
  return nodes;
}

template <class T> Energy<T> over_latent(Energy<T> energy, LatentNodes<T> nodes, double beta) {
  check_beta_or_infinity("over_latent", beta);
  check_nodes("over_latent", nodes);
  return [=](const Arguments<T>& at) {
    return free_energy(weighted(at_every_node(energy, nodes, at), nodes, beta), beta);
  };
}

template <class T>
Var<T> latent_posterior(const Energy<T>& energy, const LatentNodes<T>& nodes, double beta,
                        const Arguments<T>& at) {
  check_beta("latent_posterior", beta);
  check_nodes("latent_posterior", nodes);
  return gibbs_probabilities(weighted(at_every_node(energy, nodes, at), nodes, beta), beta);
}

namespace {

constexpr double kFlat = 1e-10;  // curvature, relative to the largest, that counts as none

/// z after a Newton step from `z`, on the tape: it moves by nothing and knows how it would.
template <class T>
Var<T> newton_step(const Energy<T>& energy, const Arguments<T>& at, const Tensor<T>& z) {
  Tape<T>& tape = at.tape();
  const int64_t n = at.rows(), d = z.size() / std::max<int64_t>(n, 1);
  const Var<T> leaf = tape.variable(z);
  const Var<T> slope = reshape(energy_gradient(energy, {at.y, at.x, leaf}, leaf, true), {n, d});
  Tensor<double> hessian({n, d, d});
  for (int64_t a = 0; a < d && slope.needs_grad(); ++a) {
    const Var<T> row = tape.grad(sum(slice(slope, 1, a, 1)), {{leaf}})[0];
    for (int64_t r = 0; r < n; ++r) {
      std::copy_n(row.data() + r * d, d, hessian.data() + (r * d + a) * d);
    }
  }
  Tensor<T> inverse({n, d, d});
  for (int64_t r = 0; r < n; ++r) {
    const auto size = std::size_t(d * d);
    const Tensor<double> h({d, d}, hessian.values().subspan(std::size_t(r) * size, size));
    const std::vector<double> curvature = eigenvalues(h);
    expect(
        curvature.front() > kFlat * curvature.back(), "[min_over_latent] row ", r,
        ": the energy's curvature in z is not above 0 in all directions where the descent ended (",
        "the least is ", curvature.front(), "), so that F has no second derivative there; take ",
        "Order::first, or over_latent with nodes");
    const Tensor<double> of_row = inverse_from_cholesky(cholesky(h));
    std::copy_n(of_row.data(), size, inverse.data() + std::size_t(r) * size);
  }
  const Var<T> step = sum(tape.constant(inverse) * reshape(slope, {n, 1, d}), -1);
  return tape.constant(z) - reshape(step, z.shape());
}

}  // namespace

template <class T>
Energy<T> min_over_latent(Energy<T> energy, Tensor<T> starts, DescentOptions options, Order order) {
  return min_over_latent(energy, energy, std::move(starts), options, order);
}

template <class T>
Energy<T> min_over_latent(Energy<T> energy, Energy<T> held, Tensor<T> starts,
                          DescentOptions options, Order order) {
  expect(starts.shape().rank() >= 1 && starts.size() > 0,
         "[min_over_latent] needs a place for z to ", "begin, found starts ", starts.shape());
  return [=](const Arguments<T>& at) {
    expect(!at.z, "[min_over_latent] z is minimised out already; ask about ({y}) or ({y, x})");
    const int64_t n = at.rows(), m = starts.shape()[0], width = starts.size() / m;
    Tape<T>& tape = at.tape();
    Shape z_shape = starts.shape();
    z_shape[0] = n;
    Tensor<T> z(z_shape);
    std::vector<double> least(static_cast<std::size_t>(n), kZeroTemperature);
    for (int64_t s = 0; s < m; ++s) {
      Start<T> from{at.y.to_tensor(), at.x ? at.x.to_tensor() : Tensor<T>(), Tensor<T>(z_shape)};
      for (int64_t r = 0; r < n; ++r) {
        std::copy_n(starts.data() + s * width, width, from.z.data() + r * width);
      }
      const Descent<T> found = descend(held, from, Over::z, options);
      for (int64_t r = 0; r < n; ++r) {
        if (!(found.energy[std::size_t(r)] < least[std::size_t(r)])) continue;
        least[std::size_t(r)] = found.energy[std::size_t(r)];
        std::copy_n(found.z.data() + r * width, width, z.data() + r * width);
      }
    }
    if (order == Order::second && tape.recording()) {
      return energy({at.y, at.x, newton_step(energy, at, z)});
    }
    const Var<T> lowest = energy({at.y, at.x, tape.constant(z)});
    const Var<T> f = tape.make("min_over_latent", {n});
    std::copy_n(lowest.data(), n, f.data());
    f.wrt(lowest, [](Var<T> dy) {
      expect(!dy.tape().recording(),
             "[min_over_latent] has first derivatives only: its second would ",
             "need to know how z* moves; ask for Order::second, or take over_latent with nodes");
      return dy;
    });
    return f;
  };
}

template <class T>
Var<T> quadratic_latent_free_energy(Var<T> lowest, double log_det_stiffness, int64_t dimensions,
                                    double beta) {
  check_beta("quadratic_latent_free_energy", beta);
  const double entropic =
      (static_cast<double>(dimensions) * std::log(beta / (2 * std::numbers::pi)) +
       log_det_stiffness) /
      (2 * beta);
  return lowest + static_cast<T>(entropic);
}

template <class T> Var<T> within_radius(Var<T> z, double radius) {
  expect(z.shape().rank() == 2, "[within_radius] z must be [N,D], found ", z.shape());
  expect(radius > 0 && std::isfinite(radius), "[within_radius] the radius is ", radius,
         "; it must be above 0");
  // z / max(1, |z|^2 / r^2)^{1/2}: inside the ball the divisor is 1 and moves nothing.
  const Var<T> excess = scale(sum(square(z), -1, true), static_cast<T>(1 / (radius * radius)));
  return z / sqrt(maximum(z.tape().full(excess.shape(), T(1)), excess));
}

template <class T> Var<T> latent_information(Var<T> posterior) {
  expect(posterior.shape().rank() == 2 && posterior.shape()[1] > 0, "[latent_information] the ",
         "posterior must be [N,K], found ", posterior.shape());
  // p log p is 0 at p = 0; the least positive number stands in for 0 under the logarithm.
  Var<T> floor = posterior.tape().full(posterior.shape(), std::numeric_limits<T>::min());
  const Var<T> log_p = log(maximum(posterior, floor));
  return sum(posterior * log_p, -1) +
         static_cast<T>(std::log(static_cast<double>(posterior.shape()[1])));
}

#define TALWEG_INSTANTIATE(T)                                                                 \
  template LatentNodes<T> one_of(int64_t);                                                    \
  template LatentNodes<T> interval_nodes(double, double, int64_t);                            \
  template LatentNodes<T> periodic_nodes(double, double, int64_t);                            \
  template Energy<T> over_latent(Energy<T>, LatentNodes<T>, double);                          \
  template Var<T> latent_posterior(const Energy<T>&, const LatentNodes<T>&, double,           \
                                   const Arguments<T>&);                                      \
  template Energy<T> min_over_latent(Energy<T>, Tensor<T>, DescentOptions, Order);            \
  template Energy<T> min_over_latent(Energy<T>, Energy<T>, Tensor<T>, DescentOptions, Order); \
  template Var<T> quadratic_latent_free_energy(Var<T>, double, int64_t, double);              \
  template Var<T> within_radius(Var<T>, double);                                              \
  template Var<T> latent_information(Var<T>);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm
