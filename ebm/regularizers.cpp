#include "ebm/regularizers.h"

#include <cmath>

#include "core/ops/matmul.h"
#include "core/ops/reduce.h"
#include "ebm/energies/constants.h"

namespace talweg::ebm {
namespace {

/// |dE/dy|^2 of each sample, recorded.
template <class T> Var<T> squared_slopes(const Energy<T>& energy, const Arguments<T>& at) {
  expect(bool(at.y) && at.y.needs_grad(), "[gradient penalty] y needs no gradient; make it with ",
         "tape.variable() or borrow(y, true)");
  const Var<T> g = energy_gradient(energy, at, at.y, true);
  const int64_t n = at.rows();
  expect(n > 0, "[gradient penalty] there are no samples to take the mean over");
  return sum(square(reshape(g, {n, g.size() / n})), 1);
}

/// Scales x to length 1 and returns the length it had.
double normalize_length(std::vector<double>& x) {
  double square = 0;
  for (double v : x) square += v * v;
  const double length = std::sqrt(square);
  for (double& v : x) v /= length > 0 ? length : 1;
  return length;
}

}  // namespace

template <class T> Var<T> energy_l2(Var<T> energies) { return mean(square(energies)); }

template <class T> Var<T> gradient_penalty(const Energy<T>& energy, const Arguments<T>& at) {
  return mean(squared_slopes(energy, at));
}

template <class T> Var<T> unit_gradient_penalty(const Energy<T>& energy, const Arguments<T>& at) {
  return mean(square(sqrt(squared_slopes(energy, at) + T(1e-12)) - T(1)));
}

template <class T> SpectralNorm<T>::SpectralNorm(const Shape& weight, Rng& rng) : weight_(weight) {
  expect(weight.rank() >= 2 && weight.size() > 0,
         "[spectral norm] a weight needs two axes or more, ", "found ", weight);
  u_.resize(std::size_t(weight[0]));
  v_.resize(std::size_t(weight.size() / weight[0]));
  for (double& x : u_) x = rng.normal();
  normalize_length(u_);
}

template <class T> Var<T> SpectralNorm<T>::of(Var<T> weight, int iterations) {
  expect(weight.shape() == weight_, "[spectral norm] was made for weights ", weight_, ", found ",
         weight.shape());
  expect(iterations >= 1, "[spectral norm] needs at least one iteration, found ", iterations);
  const int64_t rows = std::ssize(u_), cols = std::ssize(v_);
  const T* w = weight.data();
  const auto transposed_times_u = [&](std::vector<double>& to) {
    std::fill(to.begin(), to.end(), 0.0);
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j) to[j] += static_cast<double>(w[i * cols + j]) * u_[i];
    }
  };
  double sigma = 0;
  for (int step = 0; step < iterations; ++step) {
    transposed_times_u(v_);
    normalize_length(v_);
    for (int64_t i = 0; i < rows; ++i) {
      u_[i] = 0;
      for (int64_t j = 0; j < cols; ++j) u_[i] += static_cast<double>(w[i * cols + j]) * v_[j];
    }
    sigma = normalize_length(u_);
  }
  std::vector<double> apart(v_.size());
  transposed_times_u(apart);
  for (int64_t j = 0; j < cols; ++j) apart[j] -= sigma * v_[j];
  residual_ = normalize_length(apart);

  Tape<T>& tape = weight.tape();
  const Var<T> left = constant_of(tape, {1, rows}, u_), right = constant_of(tape, {cols, 1}, v_);
  const Var<T> value = reshape(matmul(matmul(left, reshape(weight, {rows, cols})), right), {});
  const Var<T> out = tape.make("spectral_norm", {});
  *out.data() = value.item();
  out.wrt(value, [](Var<T> dy) {
    expect(!dy.tape().recording(),
           "[spectral norm] has first derivatives only: its second would need to know how the ",
           "singular vectors turn; differentiate in y, or take weight decay for a loss that is to ",
           "be differentiated in the weight twice");
    return dy;
  });
  return out;
}

template <class T> Var<T> SpectralNorm<T>::normalize(Var<T> weight, int iterations) {
  const Var<T> sigma = of(weight, iterations);
  expect(sigma.item() > 0, "[spectral norm] the weight is zero and has no direction to keep");
  return weight / sigma;
}

#define TALWEG_INSTANTIATE(T)                                                   \
  template Var<T> energy_l2(Var<T>);                                            \
  template Var<T> gradient_penalty(const Energy<T>&, const Arguments<T>&);      \
  template Var<T> unit_gradient_penalty(const Energy<T>&, const Arguments<T>&); \
  template class SpectralNorm<T>;
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm
