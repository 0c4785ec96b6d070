#include "ebm/losses/score_matching.h"

#include <cmath>

#include "core/ops/reduce.h"
#include "core/ops/shape_ops.h"
#include "ebm/beta.h"
#include "ebm/sampling/noise.h"

namespace talweg::ebm {
namespace {

template <class T> void check(const char* where, const Arguments<T>& at, double beta) {
  check_beta(where, beta);
  expect(bool(at.y) && at.y.shape().rank() == 2 && at.y.size() > 0, "[", where,
         "] y must be [N,D] with at least one of each",
         at.y ? message(", found ", at.y.shape()) : std::string());
}

/// dE/dy, recorded.
template <class T>
Var<T> slope_of(const char* where, const Energy<T>& energy, const Arguments<T>& at) {
  expect(at.y.needs_grad(), "[", where, "] y needs no gradient; make it with tape.variable");
  return energy_gradient(energy, at, at.y, true);
}

}  // namespace

template <class T>
Var<T> score_matching_loss(const Energy<T>& energy, const Arguments<T>& at, double beta) {
  check("score_matching", at, beta);
  const Var<T> slope = slope_of("score_matching", energy, at);
  const int64_t n = at.y.shape()[0], d = at.y.shape()[1];
  Var<T> loss = T(beta * beta / 2) * sum(square(slope));
  for (int64_t i = 0; i < d; ++i) {
    const Var<T> row = at.tape().grad(sum(slice(slope, 1, i, 1)), {{at.y}}, true)[0];
    loss = loss - T(beta) * sum(slice(row, 1, i, 1));
  }
  return T(1.0 / double(n)) * loss;
}

template <class T>
Tensor<T> draw_projections(const Shape& shape, Projection kind, uint64_t seed, uint64_t step) {
  Tensor<T> v(shape);
  fill_normal(noise_of(seed, Purpose::slice, step), v.values());
  if (kind == Projection::rademacher) {
    for (T& x : v.values()) x = x < 0 ? T(-1) : T(1);
  }
  return v;
}

template <class T>
Var<T> sliced_score_matching_loss(const Energy<T>& energy, const Arguments<T>& at,
                                  const Tensor<T>& v, double beta, bool reduced_variance) {
  check("sliced_score_matching", at, beta);
  expect(v.shape() == at.y.shape(), "[sliced_score_matching] y has shape ", at.y.shape(),
         " but the directions ", v.shape(), "; each sample needs one");
  const Var<T> slope = slope_of("sliced_score_matching", energy, at);
  const Var<T> direction = at.tape().constant(v);
  const Var<T> along = sum(slope * direction, -1);                      // v' dE/dy
  const Var<T> curved = at.tape().grad(sum(along), {{at.y}}, true)[0];  // H v
  const Var<T> square_term = reduced_variance ? sum(square(slope)) : sum(square(along));
  const Var<T> loss = T(beta * beta / 2) * square_term - T(beta) * sum(curved * direction);
  return T(1.0 / double(at.rows())) * loss;
}

template <class T>
Var<T> denoising_score_matching_loss(const Energy<T>& energy, const Arguments<T>& at,
                                     const Tensor<T>& xi, double sigma, double beta) {
  check("denoising_score_matching", at, beta);
  expect(sigma > 0 && std::isfinite(sigma), "[denoising_score_matching] sigma is ", sigma,
         "; the noise's deviation must be above 0 and finite");
  expect(xi.shape() == at.y.shape(), "[denoising_score_matching] y has shape ", at.y.shape(),
         " but the noise ", xi.shape(), "; each sample needs its own");
  Tensor<T> noisy = at.y.to_tensor();
  for (int64_t i = 0; i < noisy.size(); ++i) noisy[i] += T(sigma) * xi[i];
  Arguments<T> there = at;
  there.y = at.tape().variable(noisy);
  const Var<T> slope = energy_gradient(energy, there, there.y, true);
  const Var<T> target = T(1 / sigma) * at.tape().constant(xi);
  return T(0.5 / double(at.rows())) * sum(square(target - T(beta) * slope));
}

#define TALWEG_INSTANTIATE(T)                                                          \
  template Var<T> score_matching_loss(const Energy<T>&, const Arguments<T>&, double);  \
  template Tensor<T> draw_projections(const Shape&, Projection, uint64_t, uint64_t);   \
  template Var<T> sliced_score_matching_loss(const Energy<T>&, const Arguments<T>&,    \
                                             const Tensor<T>&, double, bool);          \
  template Var<T> denoising_score_matching_loss(const Energy<T>&, const Arguments<T>&, \
                                                const Tensor<T>&, double, double);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm
