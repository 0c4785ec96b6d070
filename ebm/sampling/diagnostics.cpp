#include "ebm/sampling/diagnostics.h"

#include <algorithm>
#include <cmath>

namespace talweg::ebm {
namespace {

struct ChainMoments {
  std::vector<double> mean;  // of each chain
  double within = 0;         // W: the mean of their variances, by n - 1
  double of_means = 0;       // B/n: the variance of their means, by chains - 1
};

void check(const char* where, const Tensor<double>& draws) {
  expect(draws.shape().rank() == 2 && draws.shape()[0] >= 4 && draws.shape()[1] >= 1, "[", where,
         "] draws must be [draws, chains] with at least 4 draws of one chain, found ",
         draws.shape());
}

ChainMoments moments(const Tensor<double>& draws) {
  const int64_t n = draws.shape()[0], m = draws.shape()[1];
  ChainMoments result{std::vector<double>(std::size_t(m), 0.0)};
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t c = 0; c < m; ++c) result.mean[std::size_t(c)] += draws[i * m + c] / double(n);
  }
  double middle = 0;
  for (const double mean : result.mean) middle += mean / double(m);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t c = 0; c < m; ++c) {
      const double d = draws[i * m + c] - result.mean[std::size_t(c)];
      result.within += d * d / double((n - 1) * m);
    }
  }
  for (const double mean : result.mean) {
    if (m > 1) result.of_means += (mean - middle) * (mean - middle) / double(m - 1);
  }
  return result;
}

/// Autocovariance at one lag, by n, averaged over chains.
double autocovariance(const Tensor<double>& draws, const ChainMoments& of, int64_t lag) {
  const int64_t n = draws.shape()[0], m = draws.shape()[1];
  double total = 0;
  for (int64_t i = 0; i + lag < n; ++i) {
    for (int64_t c = 0; c < m; ++c) {
      const double mean = of.mean[std::size_t(c)];
      total += (draws[i * m + c] - mean) * (draws[(i + lag) * m + c] - mean);
    }
  }
  return total / double(n * m);
}

/// The first and the second half of every chain side by side, [n/2, 2 m].
Tensor<double> halves(const Tensor<double>& draws) {
  const int64_t n = draws.shape()[0] / 2, m = draws.shape()[1];
  Tensor<double> out({n, 2 * m});
  for (int64_t i = 0; i < n; ++i) {
    std::copy_n(draws.data() + i * m, m, out.data() + i * 2 * m);
    std::copy_n(draws.data() + (draws.shape()[0] - n + i) * m, m, out.data() + i * 2 * m + m);
  }
  return out;
}

}  // namespace

template <class T> Tensor<double> coordinate(const Tensor<T>& points, int64_t d) {
  const Shape& shape = points.shape();
  expect(shape.rank() == 3 && 0 <= d && d < shape[2], "[coordinate] ", d,
         " of points [draws, chains, D], found ", shape);
  Tensor<double> out({shape[0], shape[1]});
  for (int64_t i = 0; i < out.size(); ++i) out[i] = double(points[i * shape[2] + d]);
  return out;
}
template Tensor<double> coordinate(const Tensor<float>&, int64_t);
template Tensor<double> coordinate(const Tensor<double>&, int64_t);

std::vector<double> autocorrelation(const Tensor<double>& draws, int64_t lags) {
  check("autocorrelation", draws);
  const ChainMoments of = moments(draws);
  const double variance = autocovariance(draws, of, 0);
  std::vector<double> rho;
  for (int64_t t = 0; t < std::min(lags, draws.shape()[0]); ++t) {
    rho.push_back(autocovariance(draws, of, t) / variance);
  }
  return rho;
}

double split_rhat(const Tensor<double>& draws) {
  check("split_rhat", draws);
  const Tensor<double> split = halves(draws);
  const ChainMoments of = moments(split);
  const double n = double(split.shape()[0]);
  return std::sqrt((n - 1) / n + of.of_means / of.within);
}

double effective_sample_size(const Tensor<double>& draws) {
  check("effective_sample_size", draws);
  const int64_t n = draws.shape()[0];
  const double total = double(draws.size());
  const auto [least, most] = std::minmax_element(draws.values().begin(), draws.values().end());
  if (*least == *most) return total;  // any one of them is the mean
  const ChainMoments of = moments(draws);
  const double all = (double(n) - 1) / double(n) * of.within + of.of_means;
  // Vehtari's rho_0 is 1; the autocovariances take n where W takes n - 1.
  const auto rho = [&](int64_t t) {
    const double scaled = autocovariance(draws, of, t) * double(n) / (double(n) - 1);
    return t == 0 ? 1.0 : 1 - (of.within - scaled) / all;
  };
  double tau = -1, last = 2;
  for (int64_t t = 0; t + 1 < n; t += 2) {
    const double pair = std::min(rho(t) + rho(t + 1), last);
    if (pair <= 0) break;
    tau += 2 * pair;
    last = pair;
  }
  return std::min(total / tau, total * std::log10(total));
}

MeanEstimate estimate_mean(const Tensor<double>& draws) {
  const double ess = effective_sample_size(draws);
  double mean = 0, square = 0;
  for (const double v : draws.values()) mean += v / double(draws.size());
  for (const double v : draws.values()) square += (v - mean) * (v - mean);
  return {mean, std::sqrt(square / double(draws.size() - 1) / ess), ess};
}

}  // namespace talweg::ebm
