#include "ebm/energy.h"

#include <vector>

#include "core/ops/reduce.h"
#include "core/ops/select.h"

namespace talweg::ebm {
namespace {

template <class T> void check_rows(const char* name, Var<T> part, int64_t rows) {
  if (!part) return;
  expect(part.shape().rank() >= 1 && part.shape()[0] == rows, "[energy] y has ", rows, " rows but ",
         name, " has shape ", part.shape(), "; row i of every argument is sample i");
}

}  // namespace

template <class T> Var<T> Energy<T>::operator()(const Arguments<T>& at) const {
  expect(bool(function_), "[energy] holds no function; give it a callable of Arguments");
  expect(bool(at.y),
         "[energy] y is missing; an energy is asked about ({y}), ({y, x}) or "
         "({y, x, z})");
  expect(at.y.shape().rank() >= 1,
         "[energy] y is a scalar; its first axis counts samples, so "
         "reshape it to [1, ...]");
  const int64_t rows = at.rows();
  check_rows("x", at.x, rows);
  check_rows("z", at.z, rows);
  const Var<T> e = function_(at);
  expect(e.shape() == Shape{rows}, "[energy] returned shape ", e.shape(), " for ", rows,
         " samples; it must return one number a row, [", rows, "]");
  return e;
}

template <class T>
Var<T> energy_gradient(const Energy<T>& energy, const Arguments<T>& at, Var<T> wrt,
                       bool create_graph) {
  const Var<T> total = sum(energy(at));
  return at.tape().grad(total, {{wrt}}, create_graph)[0];
}

namespace {

template <class T>
Tensor<T> evaluate_on(Tape<T>& tape, const Energy<T>& energy, const Arguments<T>& at) {
  const NoGrad<T> off(tape);
  return energy(at).to_tensor();
}

}  // namespace

template <class T> Tensor<T> evaluate(const Energy<T>& energy, const Tensor<T>& y) {
  Tape<T> tape;
  return evaluate_on(tape, energy, {tape.borrow(y, false)});
}

template <class T>
Tensor<T> evaluate(const Energy<T>& energy, const Tensor<T>& y, const Tensor<T>& x) {
  Tape<T> tape;
  return evaluate_on(tape, energy, {tape.borrow(y, false), tape.borrow(x, false)});
}

template <class T> Var<T> all_energies(const Energy<T>& energy, Var<T> x, Var<T> candidates) {
  expect(x.shape().rank() >= 1 && candidates.shape().rank() >= 1, "[all_energies] x ", x.shape(),
         " and candidates ", candidates.shape(), " need a first axis, which counts them");
  const int64_t n = x.shape()[0], k = candidates.shape()[0];
  std::vector<int32_t> sample, candidate;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < k; ++j) {
      sample.push_back(static_cast<int32_t>(i));
      candidate.push_back(static_cast<int32_t>(j));
    }
  }
  return reshape(energy({take(candidates, 0, candidate), take(x, 0, sample)}), {n, k});
}

template <class T> Energy<T> given(Energy<T> energy, Tensor<T> x) {
  expect(x.shape().rank() >= 1 && x.shape()[0] == 1,
         "[given] x must be one observation, [1, ...], ", "found ", x.shape());
  return [=](const Arguments<T>& at) {
    const std::vector<int32_t> first(static_cast<std::size_t>(at.rows()), 0);
    return energy({at.y, take(at.tape().constant(x), 0, first), at.z});
  };
}

template class Energy<float>;
template class Energy<double>;

#define TALWEG_INSTANTIATE(T)                                                           \
  template Var<T> energy_gradient(const Energy<T>&, const Arguments<T>&, Var<T>, bool); \
  template Tensor<T> evaluate(const Energy<T>&, const Tensor<T>&);                      \
  template Tensor<T> evaluate(const Energy<T>&, const Tensor<T>&, const Tensor<T>&);    \
  template Var<T> all_energies(const Energy<T>&, Var<T>, Var<T>);                       \
  template Energy<T> given(Energy<T>, Tensor<T>);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm
