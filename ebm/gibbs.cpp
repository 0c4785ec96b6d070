#include "ebm/gibbs.h"

#include <algorithm>
#include <cmath>

#include "core/ops/reduce.h"
#include "core/ops/softmax.h"
#include "ebm/beta.h"

namespace talweg::ebm {

GibbsDistribution gibbs(std::span<const double> energies, double beta) {
  check_beta("gibbs", beta);
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < energies.size(); ++k) {
    expect(energies[k] > -std::numeric_limits<double>::infinity(), "[gibbs] the energy of state ",
           k, " is ", std::isnan(energies[k]) ? "NaN" : "-infinity",
           "; a distribution needs a number, or +infinity to forbid it");
    least = std::min(least, energies[k]);
  }
  expect(std::isfinite(least), "[gibbs] none of ", energies.size(),
         " states is allowed, so there is nothing to normalise");
  GibbsDistribution g{};
  g.beta = beta;
  double z = 0;
  for (double e : energies) z += std::exp(-beta * (e - least));
  g.log_partition = std::log(z) - beta * least;
  for (double e : energies) g.probability.push_back(std::exp(-beta * (e - least)) / z);
  // Moments of E - least: differences keep their digits where energies are large.
  double mean = 0;
  for (std::size_t k = 0; k < energies.size(); ++k) {
    if (g.probability[k] > 0) mean += g.probability[k] * (energies[k] - least);
  }
  for (std::size_t k = 0; k < energies.size(); ++k) {
    const double apart = energies[k] - least - mean;
    if (g.probability[k] > 0) g.energy_variance += g.probability[k] * apart * apart;
  }
  g.mean_energy = least + mean;
  g.entropy = std::log(z) + beta * mean;
  g.free_energy = least - std::log(z) / beta;
  return g;
}

template <class T> Tensor<T> all_states(std::span<const int64_t> counts) {
  int64_t total = 1;
  for (int64_t c : counts) {
    expect(c > 0, "[all_states] a variable with ", c, " values has no state");
    total *= c;
    expect(total <= 1 << 24, "[all_states] there are more than 2^24 states; sample them instead");
  }
  const auto d = std::ssize(counts);
  Tensor<T> states({total, d});
  for (int64_t s = 0; s < total; ++s) {
    int64_t rest = s;
    for (int64_t i = d; i-- > 0; rest /= counts[std::size_t(i)]) {
      states[s * d + i] = static_cast<T>(rest % counts[std::size_t(i)]);
    }
  }
  return states;
}

GibbsDistribution enumerate(const Energy<double>& energy, std::span<const int64_t> counts,
                            double beta) {
  check_beta("enumerate", beta);
  return gibbs(evaluate(energy, all_states<double>(counts)).values(), beta);
}

template <class T> Var<T> log_partition(Var<T> f, double beta) {
  check_beta("log_partition", beta);
  return logsumexp(scale(f, static_cast<T>(-beta)));
}

template <class T> Var<T> gibbs_probabilities(Var<T> f, double beta) {
  check_beta("gibbs_probabilities", beta);
  return softmax(scale(f, static_cast<T>(-beta)));
}

template <class T> Var<T> free_energy(Var<T> f, double beta) {
  check_beta_or_infinity("free_energy", beta);
  if (std::isinf(beta)) return min(f, -1);
  return scale(logsumexp(scale(f, static_cast<T>(-beta))), static_cast<T>(-1 / beta));
}

#define TALWEG_INSTANTIATE(T)                              \
  template Tensor<T> all_states(std::span<const int64_t>); \
  template Var<T> log_partition(Var<T>, double);           \
  template Var<T> gibbs_probabilities(Var<T>, double);     \
  template Var<T> free_energy(Var<T>, double);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm
