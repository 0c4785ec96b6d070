#include "ebm/sampling/tempering.h"

#include <cmath>

#include "ebm/beta.h"

namespace talweg::ebm {

template <class T>
ParallelTempering<T>::ParallelTempering(ForcePtr<T> force, const Tensor<T>& start,
                                        const TemperingOptions& options)
    : taken_(options.betas.size()), offered_(options.betas.size()), seed_(options.seed) {
  const std::vector<double>& betas = options.betas;
  expect(betas.size() >= 2, "[tempering] has ", betas.size(),
         " temperatures; it needs two or more to swap between");
  for (std::size_t r = 0; r < betas.size(); ++r) {
    check_beta("tempering", betas[r]);
    expect(r == 0 || betas[r] < betas[r - 1], "[tempering] beta ", betas[r], " follows ",
           betas[r > 0 ? r - 1 : 0], "; give the coldest, the largest beta, first");
    StepSize step = options.step;
    step.scale(std::sqrt(betas[0] / betas[r]));
    rungs_.push_back(std::make_unique<Hmc<T>>(force, start,
                                              HmcOptions{.beta = betas[r],
                                                         .step = step,
                                                         .leaps = options.leaps,
                                                         .seed = seed_of_part(seed_, r)}));
  }
}

template <class T> void ParallelTempering<T>::swap(int64_t r) {
  const auto at = std::size_t(r);
  Hmc<T>& cold = *rungs_[at];
  Hmc<T>& hot = *rungs_[at + 1];
  const NoiseStream noise =
      noise_of(seed_of_part(seed_, uint64_t(r)), Purpose::swap, uint64_t(step_));
  for (int64_t i = 0; i < cold.chains(); ++i) {
    const double gain =
        double(cold.energies()[std::size_t(i)]) - double(hot.energies()[std::size_t(i)]);
    offered_[at] += 1;
    if (!(std::log(uniform(noise, i)) < (cold.beta() - hot.beta()) * gain)) continue;
    taken_[at] += 1;
    cold.exchange(i, hot);
  }
}

template <class T> void ParallelTempering<T>::advance(int64_t steps) {
  for (int64_t i = 0; i < steps; ++i, ++step_) {
    for (auto& rung : rungs_) rung->advance(1);
    for (int64_t r = step_ % 2; r + 1 < rungs(); r += 2) swap(r);
  }
}

template <class T> double ParallelTempering<T>::swap_acceptance(int64_t r) const {
  expect(0 <= r && r + 1 < rungs(), "[tempering] rung ", r, " has no next among ", rungs());
  return taken_[std::size_t(r)] / offered_[std::size_t(r)];
}

template class ParallelTempering<float>;
template class ParallelTempering<double>;

}  // namespace talweg::ebm
