#include "ebm/matrix.h"

#include <cmath>

namespace talweg::ebm {

Tensor<double> cholesky(const Tensor<double>& a) {
  expect(a.shape().rank() == 2 && a.shape()[0] == a.shape()[1],
         "[cholesky] needs a square matrix, ", "found ", a.shape());
  const int64_t n = a.shape()[0];
  Tensor<double> l({n, n});
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      double rest = a[i * n + j];
      for (int64_t k = 0; k < j; ++k) rest -= l[i * n + k] * l[j * n + k];
      if (i == j && !(rest > 0)) return {};
      l[i * n + j] = i == j ? std::sqrt(rest) : rest / l[j * n + j];
    }
  }
  return l;
}

Tensor<double> inverse_from_cholesky(const Tensor<double>& l) {
  const int64_t n = l.shape()[0];
  Tensor<double> inverse({n, n});
  std::vector<double> column(static_cast<std::size_t>(n));
  for (int64_t c = 0; c < n; ++c) {
    for (int64_t i = 0; i < n; ++i) {  // L u = e_c, downwards
      double rest = i == c ? 1.0 : 0.0;
      for (int64_t k = 0; k < i; ++k) rest -= l[i * n + k] * column[k];
      column[i] = rest / l[i * n + i];
    }
    for (int64_t i = n - 1; i >= 0; --i) {  // L' v = u, upwards
      double rest = column[i];
      for (int64_t k = i + 1; k < n; ++k) rest -= l[k * n + i] * column[k];
      column[i] = rest / l[i * n + i];
      inverse[i * n + c] = column[i];
    }
  }
  return inverse;
}

double log_det_from_cholesky(const Tensor<double>& l) {
  double sum = 0;
  for (int64_t i = 0; i < l.shape()[0]; ++i) sum += 2 * std::log(l[i * l.shape()[0] + i]);
  return sum;
}

std::vector<double> eigenvalues(Tensor<double> a) {
  expect(a.shape().rank() == 2 && a.shape()[0] == a.shape()[1], "[eigenvalues] needs a square ",
         "matrix, found ", a.shape());
  const int64_t n = a.shape()[0];
  const auto at = [&](int64_t i, int64_t j) -> double& { return a.data()[i * n + j]; };
  for (int sweep = 0; sweep < 60; ++sweep) {
    double off = 0, all = 0;
    for (int64_t i = 0; i < n * n; ++i) all += a[i] * a[i];
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < i; ++j) off += 2 * at(i, j) * at(i, j);
    }
    if (off <= 1e-32 * all) break;
    for (int64_t p = 0; p < n; ++p) {
      for (int64_t q = p + 1; q < n; ++q) {
        if (at(p, q) == 0) continue;
        const double theta = (at(q, q) - at(p, p)) / (2 * at(p, q));
        const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::hypot(theta, 1.0));
        const double c = 1 / std::hypot(t, 1.0), s = t * c;
        for (int64_t k = 0; k < n; ++k) {  // columns p and q, then rows
          const double kp = at(k, p), kq = at(k, q);
          at(k, p) = c * kp - s * kq;
          at(k, q) = s * kp + c * kq;
        }
        for (int64_t k = 0; k < n; ++k) {
          const double pk = at(p, k), qk = at(q, k);
          at(p, k) = c * pk - s * qk;
          at(q, k) = s * pk + c * qk;
        }
      }
    }
  }
  std::vector<double> values;
  for (int64_t i = 0; i < n; ++i) values.push_back(at(i, i));
  std::sort(values.begin(), values.end());
  return values;
}

}  // namespace talweg::ebm
