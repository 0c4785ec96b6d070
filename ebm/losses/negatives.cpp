#include "ebm/losses/negatives.h"

#include <cmath>
#include <limits>

#include "core/ops/select.h"

namespace talweg::ebm {
namespace {

template <class T> void check(const char* what, Var<T> f, std::span<const int32_t> labels) {
  expect(f.shape().rank() == 2 && f.shape()[0] == std::ssize(labels), "[", what, "] energies must ",
         "be [N,K] with a label a row, found ", f.shape(), " and ", labels.size(), " labels");
  check_indices(what, labels, f.shape()[1]);
  expect(f.shape()[1] >= 2, "[", what, "] there are no negatives: the one label is the right one");
}

}  // namespace

template <class T> Var<T> wrong_energies(Var<T> f, std::span<const int32_t> labels) {
  check("wrong_energies", f, labels);
  const int64_t n = f.shape()[0], k = f.shape()[1];
  std::vector<int32_t> wrong;
  for (int64_t r = 0; r < n; ++r) {
    for (int64_t c = 0; c < k; ++c) {
      if (c != labels[r]) wrong.push_back(static_cast<int32_t>(r * k + c));
    }
  }
  return gather(f, wrong, {n, k - 1});
}

template <class T> std::vector<int32_t> most_offending(Var<T> f, std::span<const int32_t> labels) {
  check("most_offending", f, labels);
  const int64_t n = f.shape()[0], k = f.shape()[1];
  std::vector<int32_t> worst;
  for (int64_t r = 0; r < n; ++r) {
    int32_t best = labels[r] == 0 ? 1 : 0;
    for (int32_t c = best + 1; c < k; ++c) {
      if (c != labels[r] && f.data()[r * k + c] < f.data()[r * k + best]) best = c;
    }
    worst.push_back(best);
  }
  return worst;
}

std::vector<int32_t> sample_wrong_labels(std::span<const int32_t> labels, int64_t classes,
                                         int64_t count, Rng& rng) {
  expect(classes >= 2 && count > 0, "[sample_wrong_labels] cannot draw ", count,
         " wrong labels of ", classes, " classes: there would be no negatives");
  check_indices("sample_wrong_labels", labels, classes);
  std::vector<int32_t> wrong;
  for (const int32_t label : labels) {
    for (int64_t i = 0; i < count; ++i) {
      const auto drawn = static_cast<int32_t>(rng.below(static_cast<uint64_t>(classes - 1)));
      wrong.push_back(drawn + (drawn >= label));  // step over the right one
    }
  }
  return wrong;
}

template <class T> Var<T> energies_of(Var<T> f, std::span<const int32_t> chosen) {
  expect(f.shape().rank() == 2, "[energies_of] energies must be [N,K], found ", f.shape());
  const int64_t n = f.shape()[0], k = f.shape()[1];
  const int64_t count = n > 0 ? std::ssize(chosen) / n : 0;
  expect(n * count == std::ssize(chosen), "[energies_of] ", chosen.size(), " labels don't divide ",
         "among ", n, " samples");
  expect(n == 0 || count > 0, "[energies_of] there are no negatives; choose one or more a sample");
  check_indices("energies_of", chosen, k);
  std::vector<int32_t> flat;
  for (int64_t i = 0; i < n * count; ++i) {
    flat.push_back(static_cast<int32_t>(i / count * k + chosen[i]));
  }
  return gather(f, flat, {n, count});
}

template <class T> Negatives<T> uniform_negatives(double low, double high, Rng& rng) {
  expect(low < high && std::isfinite(low) && std::isfinite(high),
         "[uniform_negatives] the range from ", low, " to ", high,
         " must be bounded and not empty");
  return [=, &rng](const Energy<T>&, const Tensor<T>& y, const Tensor<T>&) {
    Tensor<T> wrong(y.shape());
    for (T& v : wrong.values()) v = static_cast<T>(rng.uniform(low, high));
    return wrong;
  };
}

template <class T> Negatives<T> offending_negatives(Tensor<T> candidates, double distance) {
  expect(candidates.shape().rank() >= 1 && candidates.size() > 0,
         "[offending_negatives] there are ", "no candidates, so there are no negatives");
  return [=](const Energy<T>& energy, const Tensor<T>& y, const Tensor<T>& x) {
    const int64_t n = y.shape()[0], k = candidates.shape()[0], width = candidates.size() / k;
    expect(y.size() == n * width, "[offending_negatives] candidates ", candidates.shape(),
           " and y ", y.shape(), " must agree in all axes but the first");
    Tape<T> tape;
    const NoGrad<T> off(tape);
    const Var<T> points = tape.borrow(candidates, false);
    // Without x, every sample sees the same energies.
    const bool given_x = x.size() > 0;
    const Var<T> f =
        given_x ? all_energies(energy, tape.borrow(x, false), points) : energy({points});
    Tensor<T> wrong(y.shape());
    for (int64_t r = 0; r < n; ++r) {
      int64_t best = -1;
      for (int64_t c = 0; c < k; ++c) {
        double squared = 0;
        for (int64_t i = 0; i < width; ++i) {
          squared += std::pow(double(candidates[c * width + i]) - double(y[r * width + i]), 2);
        }
        const T* row = f.data() + (given_x ? r * k : 0);
        if (squared > distance * distance && (best < 0 || row[c] < row[best])) best = c;
      }
      expect(best >= 0, "[offending_negatives] every candidate lies within ", distance,
             " of the answer of row ", r, ", so it has no negatives");
      std::copy_n(candidates.data() + best * width, width, wrong.data() + r * width);
    }
    return wrong;
  };
}

#define TALWEG_INSTANTIATE(T)                                                     \
  template Var<T> wrong_energies(Var<T>, std::span<const int32_t>);               \
  template std::vector<int32_t> most_offending(Var<T>, std::span<const int32_t>); \
  template Var<T> energies_of(Var<T>, std::span<const int32_t>);                  \
  template Negatives<T> uniform_negatives(double, double, Rng&);                  \
  template Negatives<T> offending_negatives(Tensor<T>, double);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm
