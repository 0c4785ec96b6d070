#include "ebm/losses/sampled_nll.h"

#include <cmath>

#include "core/ops/broadcast.h"
#include "core/ops/reduce.h"
#include "core/ops/softmax.h"
#include "ebm/beta.h"

namespace talweg::ebm {
namespace {

template <class T>
void check(const char* where, const char* negatives, Var<T> data, Var<T> others, double beta) {
  check_beta(where, beta);
  expect(data.shape().rank() == 1 && data.size() > 0, "[", where, "] data energies have shape ",
         data.shape(), "; there must be one a sample, [N]");
  expect(others.shape().rank() == 1 && others.size() > 0, "[", where, "] ", negatives,
         " energies have shape ", others.shape(), "; without any there is nothing to push up");
}

/// log densities as a constant of the tape, one for each energy.
template <class T>
Var<T> densities(const char* where, Var<T> energies, std::span<const double> log_density) {
  expect(int64_t(log_density.size()) == energies.size(), "[", where, "] ", energies.size(),
         " energies but ", log_density.size(), " log densities; each sample needs both");
  Tensor<T> values(energies.shape());
  for (int64_t i = 0; i < values.size(); ++i) {
    const double v = log_density[std::size_t(i)];
    expect(std::isfinite(v), "[", where, "] the log density of sample ", i, " is ", v,
           "; it must be finite where there are samples");
    values[i] = T(v);
  }
  return energies.tape().constant(values);
}

}  // namespace

template <class T>
Var<T> contrastive_loss(Var<T> data_energy, Var<T> negative_energy, double beta) {
  check("contrastive_loss", "negatives'", data_energy, negative_energy, beta);
  return T(beta) * (mean(data_energy) - mean(negative_energy));
}

template <class T>
Var<T> importance_nll_loss(Var<T> data_energy, Var<T> sample_energy, std::span<const double> log_q,
                           double beta) {
  check("importance_nll_loss", "samples'", data_energy, sample_energy, beta);
  const Var<T> log_weights =
      T(-beta) * sample_energy - densities("importance_nll_loss", sample_energy, log_q);
  const Var<T> log_z = logsumexp(log_weights) - T(std::log(double(sample_energy.size())));
  return T(beta) * mean(data_energy) + log_z;
}

template <class T>
Var<T> nce_loss(Var<T> data_energy, Var<T> noise_energy, Var<T> log_z,
                std::span<const double> log_noise_at_data,
                std::span<const double> log_noise_at_noise, double beta) {
  check("nce_loss", "noise's", data_energy, noise_energy, beta);
  expect(log_z.size() == 1, "[nce_loss] log Z has shape ", log_z.shape(), "; it is one number");
  const double nu = double(noise_energy.size()) / double(data_energy.size());
  const auto advantage = [&](Var<T> energy, std::span<const double> log_noise) {
    const Var<T> known = densities("nce_loss", energy, log_noise) + T(std::log(nu));
    return T(-beta) * energy - reshape(log_z, {}) - known;
  };
  return mean(softplus(-advantage(data_energy, log_noise_at_data))) +
         T(nu) * mean(softplus(advantage(noise_energy, log_noise_at_noise)));
}

#define TALWEG_INSTANTIATE(T)                                                           \
  template Var<T> contrastive_loss(Var<T>, Var<T>, double);                             \
  template Var<T> importance_nll_loss(Var<T>, Var<T>, std::span<const double>, double); \
  template Var<T> nce_loss(Var<T>, Var<T>, Var<T>, std::span<const double>,             \
                           std::span<const double>, double);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm
