#include "ebm/quadrature.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "ebm/beta.h"

namespace talweg::ebm {
namespace {

constexpr double kHalfPi = std::numbers::pi / 2;
constexpr double kFarthest = 1e30;    // |y| where an unbounded domain ends in practice
constexpr double kLeftAtEnds = 1e-9;  // mass near the ends, relative, that counts as died out
constexpr double kHopeless = 1e-3;    // change of log Z at the finest level
constexpr double kNothing = 1e-17;    // mass that rounding would lose anyway
constexpr double kMostPoints = 1 << 22;

/// Nodes of one coordinate at step h: places, and the logarithms of their weights h dy/dt.
struct Nodes {
  std::vector<double> t, y, log_weight;
  std::vector<bool> at_end;  // belongs to the last two nodes before an infinite end
};

/// y and log(dy/dt) of the substitution for the interval.
struct Place {
  double y, log_slope;
};

Place place_at(const Interval& in, double t) {
  const double u = kHalfPi * std::sinh(t);
  const double log_u_slope = std::log(kHalfPi * std::cosh(t));
  const bool left = std::isfinite(in.low), right = std::isfinite(in.high);
  // log cosh u without overflow
  const double log_cosh = std::abs(u) + std::log1p(std::exp(-2 * std::abs(u))) - std::numbers::ln2;
  if (left && right) {
    const double radius = (in.high - in.low) / 2;
    // 1 - |tanh u| keeps its digits next to either end.
    const double from_end = 2 * radius / (1 + std::exp(2 * std::abs(u)));
    const double y = u < 0 ? in.low + from_end : in.high - from_end;
    return {y, log_u_slope + std::log(radius) - 2 * log_cosh};
  }
  if (!left && !right) return {std::sinh(u), log_u_slope + log_cosh};
  const double away = std::exp(u);  // a half-line
  return {left ? in.low + away : in.high - away, log_u_slope + u};
}

/// The part of a coordinate's t where there is mass: |t| <= 4.5 or so until more is known.
struct Window {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

Nodes nodes_of(const Interval& in, int level, const Window& window) {
  const double h = std::ldexp(1.0, -level);
  const bool low_open = !std::isfinite(in.low), high_open = !std::isfinite(in.high);
  // pi/2 sinh t = log(2e30): where an unbounded y gets to kFarthest; a bounded one is then at its
  // end.
  const double reach = std::asinh(std::log(2 * kFarthest) / kHalfPi);
  const int64_t last = static_cast<int64_t>(reach / h);
  Nodes nodes;
  for (int64_t i = -last; i <= last; ++i) {
    const double t = static_cast<double>(i) * h;
    if (t < window.low || t > window.high) continue;
    const Place p = place_at(in, t);
    nodes.t.push_back(t);
    nodes.y.push_back(p.y);
    nodes.log_weight.push_back(p.log_slope + std::log(h));
    // The two sides of a half-line: y -> -infinity at t -> infinity where low is open.
    const bool first_open = low_open && high_open, last_open = low_open || high_open;
    nodes.at_end.push_back((i <= -last + 1 && first_open) || (i >= last - 1 && last_open));
  }
  return nodes;
}

/// Every coordinate's nodes, and how many points their product has.
struct Grid {
  std::vector<Nodes> axes;
  double points = 1;
};

Grid grid_of(const std::vector<Interval>& domain, int level, const std::vector<Window>& windows) {
  Grid grid;
  for (std::size_t a = 0; a < domain.size(); ++a) {
    grid.axes.push_back(nodes_of(domain[a], level, windows[a]));
    grid.points *= static_cast<double>(grid.axes[a].y.size());
  }
  return grid;
}

/// Calls visit(j, at) for every point j of the product, `at` the place on each axis; the last varies
/// fastest.
template <class Visit> void for_each_point(const Grid& grid, Visit visit) {
  std::vector<std::size_t> at(grid.axes.size(), 0);
  for (int64_t j = 0; j < static_cast<int64_t>(grid.points); ++j) {
    visit(j, at);
    for (std::size_t a = at.size(); a-- > 0 && ++at[a] == grid.axes[a].y.size();) at[a] = 0;
  }
}

/// The product rule over all coordinates, without the energy.
struct Product {
  Tensor<double> points;
  std::vector<double> log_weight;
  std::vector<bool> at_end;
};

Product product_of(const Grid& grid) {
  const auto count = static_cast<int64_t>(grid.points), d = std::ssize(grid.axes);
  Product all{Tensor<double>({count, d}), std::vector<double>(std::size_t(count), 0.0),
              std::vector<bool>(std::size_t(count), false)};
  for_each_point(grid, [&](int64_t j, const std::vector<std::size_t>& at) {
    for (std::size_t a = 0; a < at.size(); ++a) {
      all.points[j * d + int64_t(a)] = grid.axes[a].y[at[a]];
      all.log_weight[j] += grid.axes[a].log_weight[at[a]];
      if (grid.axes[a].at_end[at[a]]) all.at_end[j] = true;
    }
  });
  return all;
}

/// Where, axis by axis, all but a rounding's worth of the mass lies, and one step on either side.
std::vector<Window> windows_of(const Grid& grid, const std::vector<double>& probability,
                               int level) {
  std::vector<std::vector<double>> marginal;
  for (const Nodes& axis : grid.axes) marginal.emplace_back(axis.t.size(), 0.0);
  for_each_point(grid, [&](int64_t j, const std::vector<std::size_t>& at) {
    for (std::size_t a = 0; a < at.size(); ++a) marginal[a][at[a]] += probability[j];
  });
  std::vector<Window> windows;
  const double h = std::ldexp(1.0, -level);
  for (std::size_t a = 0; a < marginal.size(); ++a) {
    std::size_t low = 0, high = marginal[a].size() - 1;
    for (double cut = marginal[a][low]; cut < kNothing; cut += marginal[a][++low]) continue;
    for (double cut = marginal[a][high]; cut < kNothing; cut += marginal[a][--high]) continue;
    windows.push_back({grid.axes[a].t[low] - h, grid.axes[a].t[high] + h});
  }
  return windows;
}

std::string numbers(std::span<const double> y) {
  std::string text;
  for (const double v : y) text += (text.empty() ? "" : ", ") + message(v);
  return text;
}

/// E at every point, some thousand at a time.
std::vector<double> energies_at(const Energy<double>& energy, const Tensor<double>& points) {
  constexpr int64_t batch = 1 << 12;
  const int64_t n = points.shape()[0], d = points.shape()[1];
  std::vector<double> all;
  for (int64_t i = 0; i < n; i += batch) {
    const int64_t rows = std::min(batch, n - i);
    const Tensor<double> y({rows, d}, std::span(points.data() + i * d, std::size_t(rows * d)));
    const Tensor<double> e = evaluate(energy, y);
    for (int64_t r = 0; r < rows; ++r) {
      if (std::isnan(e[r]) || e[r] == -std::numeric_limits<double>::infinity()) {
        const auto place = y.values().subspan(std::size_t(r * d), std::size_t(d));
        throw Error(message("[integrate] the energy is ", std::isnan(e[r]) ? "NaN" : "-infinity",
                            " at y = ", numbers(place),
                            "; a distribution needs a number there, or ", "+infinity for no mass"));
      }
      all.push_back(e[r]);
    }
  }
  return all;
}

struct Sum {
  double log_total, log_ends;
};

Sum sum_of(const Product& rule, const std::vector<double>& energy, double beta) {
  double top = -std::numeric_limits<double>::infinity();
  for (std::size_t j = 0; j < energy.size(); ++j) {
    top = std::max(top, rule.log_weight[j] - beta * energy[j]);
  }
  expect(std::isfinite(top), "[integrate] e^{-beta E} is 0 at every node, so there is nothing to ",
         "normalise; is the domain where the energy is finite?");
  double total = 0, ends = 0;
  for (std::size_t j = 0; j < energy.size(); ++j) {
    const double mass = std::exp(rule.log_weight[j] - beta * energy[j] - top);
    total += mass;
    if (rule.at_end[j]) ends += mass;
  }
  return {top + std::log(total), top + std::log(ends)};
}

void fill_averages(Quadrature& q) {
  q.mean_energy = 0;
  for (std::size_t j = 0; j < q.energy.size(); ++j) {
    if (q.probability[j] > 0) q.mean_energy += q.probability[j] * q.energy[j];
  }
  q.energy_variance = 0;
  for (std::size_t j = 0; j < q.energy.size(); ++j) {
    const double apart = q.energy[j] - q.mean_energy;
    if (q.probability[j] > 0) q.energy_variance += q.probability[j] * apart * apart;
  }
  q.entropy = q.log_partition + q.beta * q.mean_energy;
  q.free_energy = -q.log_partition / q.beta;
}

}  // namespace

Quadrature integrate(const Energy<double>& energy, double beta, const std::vector<Interval>& domain,
                     const QuadratureOptions& options) {
  check_beta("integrate", beta);
  expect(!domain.empty(),
         "[integrate] the domain has 0 dimensions; give an interval for each of y");
  for (const Interval& in : domain) {
    expect(in.low < in.high, "[integrate] the interval from ", in.low, " to ", in.high,
           " is empty");
  }
  const std::size_t d = domain.size();
  const int first = d <= 3 ? 3 : 2;
  const int finest = options.max_level > 0 ? options.max_level : d == 1 ? 11 : d == 2 ? 7 : 9;
  expect(finest > first, "[integrate] max_level is ", finest, "; levels begin at ", first,
         " and an error takes two of them, so that it must be ", first + 1, " or more");
  Grid grid = grid_of(domain, first, std::vector<Window>(d));
  expect(grid.points <= kMostPoints, "[integrate] ", d, " dimensions take ", grid.points,
         " points, above ", kMostPoints, ": a product rule's number is that of one axis to the ",
         "power of the dimensions; sample instead (ebm/sampling/partition_estimate.h)");
  Quadrature q{};
  q.beta = beta;
  double before = std::numeric_limits<double>::quiet_NaN(), change = 0, ends = 0;
  for (int level = first;; ++level) {
    Product rule = product_of(grid);
    q.energy = energies_at(energy, rule.points);
    const Sum s = sum_of(rule, q.energy, beta);
    q.log_partition = s.log_total;
    ends = std::max(d <= 2 ? 0 : ends, std::exp(s.log_ends - s.log_total));
    expect(ends <= kLeftAtEnds, "[integrate] the density has not died out at |y| = 1e30, where ",
           "still ", ends,
           " of the mass lies: the energy is not normalisable on this domain; bound ",
           "the domain or let the energy grow");
    change = std::abs(s.log_total - before);
    before = s.log_total;
    const bool enough = change <= options.tolerance || level == finest;
    if (enough || d > 2) {
      q.probability.resize(q.energy.size());
      for (std::size_t j = 0; j < q.energy.size(); ++j) {
        q.probability[j] = std::exp(rule.log_weight[j] - beta * q.energy[j] - s.log_total);
      }
    }
    // From three dimensions on the coarse levels say where the finer ones need not look.
    Grid next;
    if (!enough) {
      next = grid_of(domain, level + 1,
                     d > 2 ? windows_of(grid, q.probability, level) : std::vector<Window>(d));
    }
    if (enough || next.points > kMostPoints) {
      q.points = std::move(rule.points);
      break;
    }
    grid = std::move(next);
  }
  expect(change <= kHopeless, "[integrate] log Z still changed by ", change,
         " at the finest level there is room for; ",
         "the energy is too rough for this rule, so narrow the domain or raise max_level");
  q.error = change + ends;
  fill_averages(q);
  return q;
}

double Quadrature::expectation(std::span<const double> f) const {
  expect(f.size() == probability.size(), "[quadrature] ", f.size(), " numbers for ",
         probability.size(), " nodes; give one a node, in the order of points");
  double total = 0;
  for (std::size_t j = 0; j < f.size(); ++j) {
    if (probability[j] > 0) total += probability[j] * f[j];  // far nodes may hold infinities
  }
  return total;
}

std::vector<double> Quadrature::mean() const {
  const int64_t d = points.shape()[1];
  std::vector<double> m(static_cast<std::size_t>(d));
  for (std::size_t j = 0; j < probability.size(); ++j) {
    for (int64_t i = 0; i < d; ++i) m[i] += probability[j] * points[int64_t(j) * d + i];
  }
  return m;
}

Tensor<double> Quadrature::covariance() const {
  const int64_t d = points.shape()[1];
  const std::vector<double> m = mean();
  Tensor<double> c({d, d});
  for (std::size_t j = 0; j < probability.size(); ++j) {
    const double* y = points.data() + int64_t(j) * d;
    for (int64_t a = 0; a < d; ++a) {
      for (int64_t b = 0; b < d; ++b) {
        c[a * d + b] += probability[j] * (y[a] - m[a]) * (y[b] - m[b]);
      }
    }
  }
  return c;
}

}  // namespace talweg::ebm
