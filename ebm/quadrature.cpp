#include "ebm/quadrature.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "ebm/beta.h"

namespace talweg::ebm {
namespace {

constexpr double kHalfPi = std::numbers::pi / 2;
constexpr double kFarthest = 1e30;    // |y| where an unbounded domain ends in practice
constexpr double kLeftAtEnds = 1e-9;  // mass near the ends, relative, that counts as died out
constexpr double kHopeless = 1e-3;    // change of log Z at the finest level

/// Nodes of one coordinate at step h: places, and the logarithms of their weights h dy/dt.
struct Nodes {
  std::vector<double> y, log_weight;
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

Nodes nodes_of(const Interval& in, int level) {
  const double h = std::ldexp(1.0, -level);
  const bool low_open = !std::isfinite(in.low), high_open = !std::isfinite(in.high);
  // pi/2 sinh t = log(2e30): where an unbounded y gets to kFarthest; a bounded one is then at its
  // end.
  const double reach = std::asinh(std::log(2 * kFarthest) / kHalfPi);
  const int64_t last = static_cast<int64_t>(reach / h);
  Nodes nodes;
  for (int64_t i = -last; i <= last; ++i) {
    const Place p = place_at(in, static_cast<double>(i) * h);
    nodes.y.push_back(p.y);
    nodes.log_weight.push_back(p.log_slope + std::log(h));
    // The two sides of a half-line: y -> -infinity at t -> infinity where low is open.
    const bool first_open = low_open && high_open, last_open = low_open || high_open;
    nodes.at_end.push_back((i <= -last + 1 && first_open) || (i >= last - 1 && last_open));
  }
  return nodes;
}

/// The product rule over one or two coordinates, without the energy.
struct Product {
  Tensor<double> points;
  std::vector<double> log_weight;
  std::vector<bool> at_end;
};

Product product_of(const std::vector<Interval>& domain, int level) {
  std::vector<Nodes> axes;
  for (const Interval& in : domain) axes.push_back(nodes_of(in, level));
  const int64_t d = std::ssize(axes);
  const int64_t n0 = std::ssize(axes[0].y), n1 = d == 2 ? std::ssize(axes[1].y) : 1;
  Product all;
  all.points = Tensor<double>({n0 * n1, d});
  for (int64_t i = 0; i < n0; ++i) {
    for (int64_t j = 0; j < n1; ++j) {
      double* point = all.points.data() + (i * n1 + j) * d;
      point[0] = axes[0].y[i];
      if (d == 2) point[1] = axes[1].y[j];
      all.log_weight.push_back(axes[0].log_weight[i] + (d == 2 ? axes[1].log_weight[j] : 0));
      all.at_end.push_back(axes[0].at_end[i] || (d == 2 && axes[1].at_end[j]));
    }
  }
  return all;
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
      expect(!std::isnan(e[r]) && e[r] > -std::numeric_limits<double>::infinity(),
             "[integrate] the energy is ", std::isnan(e[r]) ? "NaN" : "-infinity",
             " at y = ", y[r * d], d == 2 ? ", " : "",
             d == 2 ? message(y[r * d + 1]) : std::string(),
             "; a distribution needs a number there, or +infinity for no mass");
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
  expect(domain.size() == 1 || domain.size() == 2, "[integrate] does one or two dimensions, the ",
         "domain has ", domain.size());
  for (const Interval& in : domain) {
    expect(in.low < in.high, "[integrate] the interval from ", in.low, " to ", in.high,
           " is empty");
  }
  const int finest = options.max_level > 0 ? options.max_level : domain.size() == 1 ? 11 : 7;
  Quadrature q{};
  q.beta = beta;
  double before = std::numeric_limits<double>::quiet_NaN(), change = 0, ends = 0;
  for (int level = 3; level <= finest; ++level) {
    Product rule = product_of(domain, level);
    q.energy = energies_at(energy, rule.points);
    const Sum s = sum_of(rule, q.energy, beta);
    q.log_partition = s.log_total;
    ends = std::exp(s.log_ends - s.log_total);
    expect(ends <= kLeftAtEnds, "[integrate] the density has not died out at |y| = 1e30, where ",
           "still ", ends,
           " of the mass lies: the energy is not normalisable on this domain; bound ",
           "the domain or let the energy grow");
    change = std::abs(s.log_total - before);
    before = s.log_total;
    if (change <= options.tolerance || level == finest) {
      q.probability.resize(q.energy.size());
      for (std::size_t j = 0; j < q.energy.size(); ++j) {
        q.probability[j] = std::exp(rule.log_weight[j] - beta * q.energy[j] - s.log_total);
      }
      q.points = std::move(rule.points);
      break;
    }
  }
  expect(change <= kHopeless, "[integrate] log Z still changed by ", change,
         " at the finest level; ",
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
