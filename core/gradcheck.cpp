#include "core/gradcheck.h"

#include <cmath>

#include "core/ops/elementwise.h"
#include "core/rng.h"

namespace talweg {

namespace {

constexpr double kNegligible = 1e-8;

/// <a, b> = the sum of a b over all elements.
Var<double> inner_product(Var<double> a, Var<double> b) { return sum_to(mul(a, b), {}); }

Tensor<double> random_normal(const Shape& shape, Rng& rng) {
  Tensor<double> t(shape);
  for (double& v : t.values()) v = rng.normal();
  return t;
}

std::vector<Var<double>> leaves(Tape<double>& tape, const std::vector<Tensor<double>>& x) {
  std::vector<Var<double>> in;
  for (const Tensor<double>& t : x) in.push_back(tape.borrow(t, true));
  return in;
}

/// Evaluates <u, f(x)> afresh: what the differences are taken of.
double value_at(const Function& f, const std::vector<Tensor<double>>& x, const Tensor<double>& u) {
  Tape<double> tape;
  const auto in = leaves(tape, x);
  return inner_product(f(in), tape.borrow(u, false)).item();
}

double central_difference(const Function& f, std::vector<Tensor<double>>& x,
                          const Tensor<double>& u, double& element, double h) {
  const double middle = element;
  const auto at = [&](double offset) {
    element = middle + offset;
    return value_at(f, x, u);
  };
  const double slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
  element = middle;
  return slope;
}

}  // namespace

GradcheckResult gradcheck(const Function& f, const std::vector<Tensor<double>>& x,
                          const GradcheckOptions& options) {
  Tape<double> tape;
  const auto in = leaves(tape, x);
  const Var<double> y = f(in);
  Rng rng(options.seed);
  const Tensor<double> u = random_normal(y.shape(), rng);
  GradcheckResult result;
  if (!y.needs_grad()) return {false, INFINITY, "the function depends on none of its inputs"};
  const auto gradients = tape.grad(y, in, false, tape.borrow(u, false));

  std::vector<Tensor<double>> moved = x;
  for (std::size_t k = 0; k < moved.size(); ++k) {
    for (int64_t i = 0; i < moved[k].size(); ++i) {
      const double analytic = gradients[k].data()[i];
      const double numeric = central_difference(f, moved, u, moved[k][i], options.step);
      const double difference = std::abs(analytic - numeric);
      const double scale = std::max(std::abs(analytic), std::abs(numeric));
      const double error = difference < kNegligible ? 0 : difference / scale;
      if (error <= result.error) continue;  // NaN compares false and so is taken as the worst
      result.error = std::isnan(error) ? INFINITY : error;
      result.worst = message("element ", i, " of input ", k, ", shape ", moved[k].shape(),
                             ": the tape says ", analytic, ", differences say ", numeric);
    }
  }
  result.ok = result.error <= options.tolerance;
  return result;
}

GradcheckResult gradgradcheck(const Function& f, const std::vector<Tensor<double>>& x,
                              const GradcheckOptions& options) {
  Rng rng(options.seed + 1);
  Tape<double> scratch;
  const Shape out = f(leaves(scratch, x)).shape();
  // h(x, u) = sum_k <v_k, d<u, f(x)>/dx_k> for fixed random v: its gradient holds every second
  // derivative of f along v, and, through u, the first derivative once more.
  std::vector<Tensor<double>> v, x_and_u = x;
  for (const Tensor<double>& t : x) v.push_back(random_normal(t.shape(), rng));
  x_and_u.push_back(random_normal(out, rng));
  const Function h = [&](std::span<const Var<double>> in) {
    Tape<double>& tape = in[0].tape();
    const auto xs = in.first(x.size());
    const auto gradients = tape.grad(f(xs), xs, true, in.back());
    Var<double> sum = tape.constant(0.0);
    for (std::size_t k = 0; k < v.size(); ++k)
      sum = sum + inner_product(gradients[k], tape.constant(v[k]));
    return sum;
  };
  return gradcheck(h, x_and_u, options);
}

}  // namespace talweg
