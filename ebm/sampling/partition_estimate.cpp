#include "ebm/sampling/partition_estimate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ebm/beta.h"
#include "ebm/sampling/hmc.h"

namespace talweg::ebm {

LogPartition log_partition_of(std::span<const double> log_weights) {
  expect(!log_weights.empty(), "[log_partition] there are no weights; draw at least one sample");
  const double n = double(log_weights.size());
  double most = -std::numeric_limits<double>::infinity(), mean_log = 0;
  for (std::size_t i = 0; i < log_weights.size(); ++i) {
    const double w = log_weights[i];
    expect(w < std::numeric_limits<double>::infinity(), "[log_partition] log weight ", i, " is ", w,
           "; energies must be finite, or +inf where nothing can be, and q positive");
    most = std::max(most, w);
    mean_log += w / n;
  }
  expect(most > -std::numeric_limits<double>::infinity(),
         "[log_partition] all weights are 0; q must reach where the energy is finite");
  double sum = 0, squares = 0;
  for (const double w : log_weights) {
    const double relative = std::exp(w - most);
    sum += relative;
    squares += relative * relative;
  }
  // Of w / mean: n squares / sum^2 - 1 is the relative variance.
  const double variance = std::max(0.0, n * squares / (sum * sum) - 1);
  return {.log_z = most + std::log(sum / n),
          .standard_error = std::sqrt(variance / n),
          .ess = sum * sum / squares,
          .mean_log_weight = mean_log};
}

LogPartition importance_log_partition(std::span<const double> energies,
                                      std::span<const double> log_q, double beta) {
  check_beta("importance_log_partition", beta);
  expect(energies.size() == log_q.size(), "[importance_log_partition] ", energies.size(),
         " energies but ", log_q.size(), " log q; each sample needs both");
  std::vector<double> log_weights(energies.size());
  for (std::size_t i = 0; i < energies.size(); ++i) {
    log_weights[i] = -beta * energies[i] - log_q[i];
  }
  return log_partition_of(log_weights);
}

namespace {

/// log w of every chain on its way from t = 0 to 1, or from 1 to 0.
template <class T>
std::vector<double> anneal(ForcePtr<T> from, ForcePtr<T> to, const Tensor<T>& start,
                           const AisOptions& o, bool forward) {
  check_beta("ais", o.beta);
  expect(o.temperatures > 0 && o.moves > 0, "[ais] ", o.temperatures, " temperatures and ", o.moves,
         " moves at each; there must be at least one of both");
  const auto path = std::make_shared<InterpolatedForce<T>>(from, to);
  path->set(forward ? 0 : 1);
  Hmc<T> sampler(path, start, {.beta = o.beta, .step = o.step, .leaps = o.leaps, .seed = o.seed});
  const auto chains = std::size_t(sampler.chains());
  std::vector<double> log_weight(chains, 0.0);
  std::vector<T> e0(chains), e1(chains);
  for (int64_t k = 1; k <= o.temperatures; ++k) {
    const std::span<const T> y = sampler.points().values();
    from->evaluate(y, e0, {});
    to->evaluate(y, e1, {});
    const double sign = forward ? 1 : -1;
    for (std::size_t i = 0; i < chains; ++i) {
      log_weight[i] -= sign * o.beta / double(o.temperatures) * (double(e1[i]) - double(e0[i]));
    }
    if (k == o.temperatures) break;
    const double t = double(k) / double(o.temperatures);
    path->set(forward ? t : 1 - t);
    sampler.refresh_energies();
    sampler.advance(o.moves);
  }
  return log_weight;
}

}  // namespace

template <class T>
LogPartition ais_log_partition(ForcePtr<T> from, double log_z_0, ForcePtr<T> to,
                               const Tensor<T>& start, const AisOptions& options) {
  LogPartition found = log_partition_of(anneal(from, to, start, options, true));
  found.log_z += log_z_0;
  found.mean_log_weight += log_z_0;
  return found;
}

template <class T>
LogPartition reverse_ais_log_partition(ForcePtr<T> from, double log_z_0, ForcePtr<T> to,
                                       const Tensor<T>& start, const AisOptions& options) {
  LogPartition found = log_partition_of(anneal(from, to, start, options, false));
  found.log_z = log_z_0 - found.log_z;
  found.mean_log_weight = log_z_0 - found.mean_log_weight;
  return found;
}

#define TALWEG_INSTANTIATE(T)                                                                 \
  template LogPartition ais_log_partition(ForcePtr<T>, double, ForcePtr<T>, const Tensor<T>&, \
                                          const AisOptions&);                                 \
  template LogPartition reverse_ais_log_partition(ForcePtr<T>, double, ForcePtr<T>,           \
                                                  const Tensor<T>&, const AisOptions&);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm
