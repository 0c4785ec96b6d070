#include "ebm/losses/label_losses.h"

#include <cmath>
#include <vector>

#include "core/ops/reduce.h"
#include "core/ops/softmax.h"
#include "ebm/beta.h"

namespace talweg::ebm {
namespace {

template <class T> void check_matrix(const char* loss, Var<T> f) {
  expect(f.shape().rank() == 2 && f.shape()[1] > 0, "[", loss,
         "] energies must be [N,K], a column ", "for each label, found ", f.shape());
}

template <class T> void check_labels(const char* loss, Var<T> f, std::span<const int32_t> labels) {
  check_matrix(loss, f);
  expect(std::ssize(labels) == f.shape()[0], "[", loss, "] energies ", f.shape(), " need ",
         f.shape()[0], " labels, found ", labels.size());
  check_indices(loss, labels, f.shape()[1]);
}

template <class T> Var<T> log_probabilities(Var<T> f, double beta) {
  return log_softmax(scale(f, static_cast<T>(-beta)));
}

template <class T> Var<T> in_unit(Var<T> nats, double beta, NllUnit unit) {
  return unit == NllUnit::nats ? nats : scale(nats, static_cast<T>(1 / beta));
}

}  // namespace

template <class T> Var<T> perceptron_loss(Var<T> f, std::span<const int32_t> labels) {
  check_labels("perceptron loss", f, labels);
  return pick(f, labels) - min(f, 1);
}

template <class T>
Var<T> nll_loss(Var<T> f, std::span<const int32_t> labels, double beta, NllUnit unit) {
  check_labels("nll loss", f, labels);
  check_beta("nll loss", beta);
  return in_unit(-pick(log_probabilities(f, beta), labels), beta, unit);
}

template <class T>
Var<T> soft_nll_loss(Var<T> f, const Tensor<T>& targets, double beta, NllUnit unit) {
  check_matrix("soft nll loss", f);
  check_beta("soft nll loss", beta);
  expect(targets.shape() == f.shape(), "[soft nll loss] targets ", targets.shape(),
         " must have the energies' shape ", f.shape());
  const int64_t n = f.shape()[0], k = f.shape()[1];
  for (int64_t r = 0; r < n; ++r) {
    double total = 0;
    for (int64_t i = r * k; i < (r + 1) * k; ++i) {
      expect(targets[i] >= 0, "[soft nll loss] target ", targets[i], " of row ", r,
             " is no probability");
      total += static_cast<double>(targets[i]);
    }
    expect(std::abs(total - 1) <= 1e-5, "[soft nll loss] the targets of row ", r, " sum to ", total,
           "; they must sum to 1");
  }
  const Var<T> cross = sum(log_probabilities(f, beta) * f.tape().constant(targets), -1);
  return in_unit(-cross, beta, unit);
}

template <class T>
Tensor<T> smoothed_labels(std::span<const int32_t> labels, int64_t classes, double epsilon) {
  expect(classes >= 2, "[smoothed labels] needs two classes or more, found ", classes);
  expect(0 <= epsilon && epsilon < 1, "[smoothed labels] epsilon is ", epsilon,
         "; it must be in [0, 1)");
  check_indices("smoothed labels", labels, classes);
  const auto n = std::ssize(labels);
  Tensor<T> q({n, classes}, static_cast<T>(epsilon / static_cast<double>(classes - 1)));
  for (int64_t r = 0; r < n; ++r) q[r * classes + labels[r]] = static_cast<T>(1 - epsilon);
  return q;
}

template <class T> Var<T> mee_loss(Var<T> f, std::span<const int32_t> labels, double beta) {
  check_labels("mee loss", f, labels);
  check_beta("mee loss", beta);
  // The sum over the wrong labels keeps the digits that 1 - p_y would lose where p_y is near 1.
  Var<T> wrong = f.tape().full(f.shape(), T(1));
  for (int64_t r = 0; r < f.shape()[0]; ++r) wrong.data()[r * f.shape()[1] + labels[r]] = 0;
  return sum(softmax(scale(f, static_cast<T>(-beta))) * wrong, -1);
}

template <class T> Var<T> info_nce_loss(Var<T> good, Var<T> bad, double beta) {
  expect(good.shape().rank() == 1 && bad.shape().rank() == 2 && bad.shape()[0] == good.shape()[0],
         "[info nce loss] energies of right and wrong answers have shapes ", good.shape(), " and ",
         bad.shape(), "; they must be [N] and [N,K]");
  expect(bad.shape()[1] > 0, "[info nce loss] there are no negatives, so there is nothing to tell ",
         "the right answer from; give at least one a sample");
  const int64_t n = good.shape()[0];
  const std::vector<int32_t> first(static_cast<std::size_t>(n), 0);
  return nll_loss(concat({reshape(good, {n, 1}), bad}, 1), first, beta);
}

#define TALWEG_INSTANTIATE(T)                                                    \
  template Var<T> perceptron_loss(Var<T>, std::span<const int32_t>);             \
  template Var<T> nll_loss(Var<T>, std::span<const int32_t>, double, NllUnit);   \
  template Var<T> soft_nll_loss(Var<T>, const Tensor<T>&, double, NllUnit);      \
  template Tensor<T> smoothed_labels(std::span<const int32_t>, int64_t, double); \
  template Var<T> mee_loss(Var<T>, std::span<const int32_t>, double);            \
  template Var<T> info_nce_loss(Var<T>, Var<T>, double);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm
