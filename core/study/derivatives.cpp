#include "core/study/derivatives.h"

#include "core/ops/elementwise.h"

namespace talweg {

namespace {

constexpr int64_t kMostEntries = int64_t(1) << 24;

template <class T>
void check_directions(const char* what, std::span<const Var<T>> xs, std::span<const Var<T>> vs) {
  expect(xs.size() == vs.size(), "[", what, "] needs one direction for each x, found ", vs.size(),
         " for ", xs.size());
  for (std::size_t k = 0; k < xs.size(); ++k) {
    expect(xs[k].shape() == vs[k].shape(), "[", what, "] direction ", k, " has shape ",
           vs[k].shape(), ", but its x has ", xs[k].shape(),
           "; a direction has the shape of its x");
  }
}

/// The sum over k of <a_k, b_k>, recorded.
template <class T>
Var<T> inner_products(Tape<T>& tape, std::span<const Var<T>> a, std::span<const Var<T>> b) {
  Var<T> sum = tape.constant(T(0));
  for (std::size_t k = 0; k < a.size(); ++k) sum = sum + sum_to(mul(a[k], b[k]), {});
  return sum;
}

/// The gradients of each element of y, one a row.
Tensor<double> rows_of_jacobian(const char* what, const char* instead, Var<double> y,
                                Var<double> x) {
  const int64_t m = y.size(), n = x.size();
  expect(n == 0 || m <= kMostEntries / n, "[", what, "] a matrix of ", m, " x ", n,
         " is more than a small function has; ", instead);
  Tensor<double> rows({m, n});
  Tape<double>& tape = x.tape();
  Tensor<double> unit(y.shape());
  for (int64_t i = 0; i < m; ++i) {
    TapeScope<double> scope(tape);
    unit.fill(0);
    unit[i] = 1;
    const Var<double> row = tape.grad(y, {{x}}, false, tape.constant(unit))[0];
    std::copy_n(row.data(), n, rows.data() + i * n);
  }
  return rows;
}

}  // namespace

template <class T>
Var<T> jvp(Var<T> y, std::span<const Var<T>> xs, std::span<const Var<T>> vs, bool create_graph) {
  check_directions("jvp", xs, vs);
  Tape<T>& tape = y.tape();
  const Recording<T> on(tape, true);
  const Var<T> u = tape.variable(Tensor<T>(y.shape()));
  const std::vector<Var<T>> g = tape.grad(y, xs, true, u);
  const Var<T> us[] = {u};
  return tape.grad(inner_products<T>(tape, g, vs), us, create_graph)[0];
}

template <class T>
std::vector<Var<T>> hvp(Var<T> y, std::span<const Var<T>> xs, std::span<const Var<T>> vs,
                        bool create_graph) {
  check_directions("hvp", xs, vs);
  Tape<T>& tape = y.tape();
  const Recording<T> on(tape, true);
  const std::vector<Var<T>> g = tape.grad(y, xs, true);
  return tape.grad(inner_products<T>(tape, g, vs), xs, create_graph);
}

template Var<float> jvp(Var<float>, std::span<const Var<float>>, std::span<const Var<float>>, bool);
template Var<double> jvp(Var<double>, std::span<const Var<double>>, std::span<const Var<double>>,
                         bool);
template std::vector<Var<float>> hvp(Var<float>, std::span<const Var<float>>,
                                     std::span<const Var<float>>, bool);
template std::vector<Var<double>> hvp(Var<double>, std::span<const Var<double>>,
                                      std::span<const Var<double>>, bool);

Tensor<double> jvp(const Function1& f, const Tensor<double>& x, const Tensor<double>& v) {
  Tape<double> tape;
  const Var<double> xs[] = {tape.variable(x)}, vs[] = {tape.constant(v)};
  return jvp<double>(f(xs[0]), xs, vs).to_tensor();
}

Tensor<double> vjp(const Function1& f, const Tensor<double>& x, const Tensor<double>& u) {
  Tape<double> tape;
  const Var<double> xs[] = {tape.variable(x)};
  return tape.grad(f(xs[0]), xs, false, tape.constant(u))[0].to_tensor();
}

Tensor<double> hvp(const Function1& f, const Tensor<double>& x, const Tensor<double>& v) {
  Tape<double> tape;
  const Var<double> xs[] = {tape.variable(x)}, vs[] = {tape.constant(v)};
  return hvp<double>(f(xs[0]), xs, vs)[0].to_tensor();
}

Tensor<double> jacobian(const Function1& f, const Tensor<double>& x) {
  Tape<double> tape;
  const Var<double> at = tape.variable(x);
  return rows_of_jacobian("jacobian", "multiply by it with jvp() or vjp()", f(at), at);
}

Tensor<double> hessian(const Function1& f, const Tensor<double>& x) {
  Tape<double> tape;
  const Var<double> at = tape.variable(x);
  const Var<double> gradient = tape.grad(f(at), {{at}}, true)[0];
  return rows_of_jacobian("hessian", "multiply by it with hvp()", gradient, at);
}

}  // namespace talweg
