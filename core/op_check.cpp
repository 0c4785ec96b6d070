#include "core/op_check.h"

#include <algorithm>
#include <cmath>

#include "core/gradcheck.h"
#include "core/kernels/kernels.h"
#include "core/ops/elementwise.h"
#include "core/rng.h"

namespace talweg {

namespace {

constexpr double kGradientTolerance = 1e-6;  // against differences, in double
constexpr double kSameTolerance = 1e-12;     // two ways to one number, in double
constexpr double kFloatTolerance = 2e-5;     // float against double, relative L2

double draw(Domain domain, Rng& rng) {
  switch (domain) {
    case Domain::positive:
      return rng.uniform(0.5, 2);
    case Domain::unit:
      return rng.uniform(-0.9, 0.9);
    default:
      return rng.normal();
  }
}

/// Half-integer multiples of 0.1 around zero, shuffled: apart from each other and from zero.
void fill_distinct(Tensor<double>& t, Rng& rng) {
  const int64_t n = t.size(), middle = n / 2;
  for (int64_t i = 0; i < n; ++i) t[i] = 0.1 * (double(i - middle) + 0.5);
  for (int64_t i = n - 1; i > 0; --i) std::swap(t[i], t[int64_t(rng.below(uint64_t(i) + 1))]);
}

/// ||a - b|| / ||b||, where two equal infinities or two NaNs count as equal.
template <class A> double relative_l2(const Tensor<A>& a, const Tensor<double>& b) {
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < b.size(); ++i) {
    if (double(a[i]) == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    difference += (double(a[i]) - b[i]) * (double(a[i]) - b[i]);
  }
  for (double v : b.values()) norm += std::isfinite(v) ? v * v : 0;
  if (difference == 0) return 0;
  return std::sqrt(difference / std::max(norm, 1e-30));
}

/// Value and gradients of <u, f(x)>, each a copy.
template <class T>
std::vector<Tensor<T>> value_and_gradients(const std::function<Var<T>(std::span<const Var<T>>)>& f,
                                           const std::vector<Tensor<double>>& x,
                                           const std::function<Tensor<T>(const Shape&)>& cotangent,
                                           bool create_graph = false) {
  Tape<T> tape;
  std::vector<Var<T>> in;
  for (const Tensor<double>& t : x) {
    Tensor<T> converted(t.shape());
    std::copy(t.values().begin(), t.values().end(), converted.data());
    in.push_back(tape.variable(converted));
  }
  const Var<T> y = f(in);
  std::vector<Tensor<T>> result{y.to_tensor()};
  if (!y.needs_grad()) return result;
  const Var<T> u = tape.constant(cotangent(y.shape()));
  for (Var<T> g : tape.grad(y, in, create_graph, u)) result.push_back(g.to_tensor());
  return result;
}

template <class T> Tensor<T> cotangent_of(const Shape& shape) {
  Rng rng(7);
  Tensor<T> u(shape);
  for (T& v : u.values()) v = T(float(rng.normal()));
  return u;
}

/// One card under check: runs the cases and notes what fails.
class Checker {
 public:
  Checker(const OpCard& card, OpReport& report, uint64_t seed)
      : card_(card), report_(report), seed_(seed) {}

  /// A check that throws has failed; the others still run.
  template <class Check> void run(const std::string& name, const Check& check) {
    try {
      check();
    } catch (const Error& e) {
      fail(name, "it threw: ", e.what());
    }
  }

  void check_case(const OpCase& c) {
    const auto x = draw_inputs(c, seed_);
    const auto plain = value_and_gradients<double>(c.f.f64, x, cotangent_of<double>);
    if (plain.size() > 1) {
      check_differences(c, x);
      check_two_ways(c, x, plain);
    }
    for (const std::string& isa : instruction_sets()) check_float(c, x, plain, isa);
  }

  void check_point(const OpPoint& p) {
    std::vector<Tensor<double>> x;
    for (const auto& values : p.inputs) {
      x.emplace_back(Shape{int64_t(values.size())}, std::span<const double>(values));
    }
    const auto ones = [](const Shape& s) { return Tensor<double>(s, 1.0); };
    const auto found = value_and_gradients<double>(p.f.f64, x, ones);
    expect_values(p.name, "value", found[0], p.value);
    for (std::size_t k = 0; k < p.gradient.size(); ++k) {
      if (k + 1 < found.size()) expect_values(p.name, "gradient", found[k + 1], p.gradient[k]);
    }
  }

  void check_rejection(const OpRejection& r) {
    const auto x = draw_inputs({"", r.inputs, r.f}, seed_);
    try {
      value_and_gradients<double>(r.f.f64, x, cotangent_of<double>);
      fail("", "bad shapes were accepted; the message should say '", r.message, "'");
    } catch (const Error& e) {
      if (std::string(e.what()).find(r.message) == std::string::npos) {
        fail("", "the message should say '", r.message, "' but is: ", e.what());
      }
    }
  }

 private:
  template <class... Parts> void fail(const std::string& where, const Parts&... parts) {
    report_.failures.push_back(
        message(card_.name, where.empty() ? "" : ", case '" + where + "'", ": ", parts...));
  }

  void check_differences(const OpCase& c, const std::vector<Tensor<double>>& x) {
    const GradcheckResult first = gradcheck(c.f.f64, x);
    report_.gradient_error = std::max(report_.gradient_error, first.error);
    if (!(first.error <= kGradientTolerance)) fail(c.name, "gradient: ", first.worst);
    if (!card_.no_second_text.empty()) return;
    const GradcheckResult second = gradgradcheck(c.f.f64, x);
    report_.second_error = std::max(report_.second_error, second.error);
    if (!(second.error <= kGradientTolerance)) fail(c.name, "second derivative: ", second.worst);
  }

  void check_two_ways(const OpCase& c, const std::vector<Tensor<double>>& x,
                      const std::vector<Tensor<double>>& plain) {
    const std::function<Var<double>(std::span<const Var<double>>)> twice = [&](auto v) {
      const Var<double> y = c.f.f64(v);
      return add(y, y);
    };
    const auto doubled = value_and_gradients<double>(twice, x, cotangent_of<double>);
    const auto recorded = value_and_gradients<double>(c.f.f64, x, cotangent_of<double>, true);
    for (std::size_t k = 1; k < plain.size(); ++k) {
      Tensor<double> half = doubled[k];
      for (double& v : half.values()) v /= 2;
      if (!(relative_l2(half, plain[k]) <= kSameTolerance)) {
        fail(c.name, "an output used twice must send back twice the gradient of input ", k - 1);
      }
      if (!(relative_l2(recorded[k], plain[k]) <= kSameTolerance)) {
        fail(c.name, "the recorded and the plain gradient of input ", k - 1, " differ");
      }
    }
  }

  static std::vector<std::string> instruction_sets() {
    auto isas = kernels::available_isas();
    isas.push_back("reference");
    return isas;
  }

  void check_float(const OpCase& c, const std::vector<Tensor<double>>& x,
                   const std::vector<Tensor<double>>& expected, const std::string& isa) {
    const kernels::ScopedIsa scope(isa);
    const auto found = value_and_gradients<float>(c.f.f32, x, cotangent_of<float>);
    for (std::size_t k = 0; k < expected.size(); ++k) {
      const double error = relative_l2(found[k], expected[k]);
      report_.kernel_error = std::max(report_.kernel_error, error);
      if (!(error <= kFloatTolerance)) {
        fail(c.name, k ? message("float gradient of input ", k - 1) : "float value", " on ", isa,
             " differs from double by ", error);
      }
    }
  }

  void expect_values(const std::string& name, const char* what, const Tensor<double>& found,
                     const std::vector<double>& expected) {
    bool same = found.size() == int64_t(expected.size());
    for (int64_t i = 0; same && i < found.size(); ++i) {
      const bool both_nan = std::isnan(found[i]) && std::isnan(expected[i]);
      same = both_nan || found[i] == expected[i] || std::abs(found[i] - expected[i]) <= 1e-12;
    }
    if (same) return;
    std::string list;
    for (double v : found.values()) list += message(" ", v);
    fail(name, what, " found:", list);
  }

  const OpCard& card_;
  OpReport& report_;
  uint64_t seed_;
};

}  // namespace

std::vector<Tensor<double>> draw_inputs(const OpCase& op_case, uint64_t seed) {
  std::vector<Tensor<double>> inputs;
  for (const OpInput& in : op_case.inputs) {
    Rng rng = Rng(seed).split(inputs.size());
    Tensor<double> t(in.shape);
    if (in.domain == Domain::distinct) {
      fill_distinct(t, rng);
    } else {
      for (double& v : t.values()) v = draw(in.domain, rng);
    }
    for (double& v : t.values()) v = double(float(v));
    inputs.push_back(std::move(t));
  }
  return inputs;
}

OpReport check_op(const OpCard& card, uint64_t seed) {
  OpReport report;
  report.op = card.name;
  Checker checker(card, report, seed);
  for (const OpCase& c : card.cases) checker.run(c.name, [&] { checker.check_case(c); });
  for (const OpPoint& p : card.points) checker.run(p.name, [&] { checker.check_point(p); });
  for (const OpRejection& r : card.rejections) checker.check_rejection(r);
  report.cases = int(card.cases.size() + card.points.size() + card.rejections.size());
  return report;
}

}  // namespace talweg
