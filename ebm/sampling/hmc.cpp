#include "ebm/sampling/hmc.h"

#include "core/parallel.h"

namespace talweg::ebm {

template <class T>
void leapfrog(Force<T>& force, double beta, double h, int64_t leaps, std::span<T> y, std::span<T> p,
              std::span<T> energy, std::span<T> slope) {
  const auto kick = [&](double time) {
    const T c = T(time * beta);
    for (std::size_t j = 0; j < p.size(); ++j) p[j] -= c * slope[j];
  };
  kick(h / 2);
  for (int64_t i = 0; i < leaps; ++i) {
    for (std::size_t j = 0; j < y.size(); ++j) y[j] += T(h) * p[j];
    const bool last = i + 1 == leaps;
    force.evaluate(y, last ? energy : std::span<T>(), slope);
    kick(last ? h / 2 : h);
  }
}

template <class T>
Hmc<T>::Hmc(ForcePtr<T> force, Tensor<T> start, const HmcOptions& options)
    : MetropolisSampler<T>("hmc", std::move(force), std::move(start), options.beta, options.step,
                           options.seed),
      leaps_(options.leaps),
      kinetic_(std::size_t(this->chains())) {
  expect(leaps_ > 0, "[hmc] makes ", leaps_, " leaps a step; it needs at least one");
}

template <class T> double Hmc<T>::move() {
  const int64_t chains = this->chains(), d = this->dimensions();
  const bool worth = chains * d >= kSerialChainWork;
  std::vector<T>& p = this->xi_;
  fill_normal(this->noise(Purpose::move), std::span<T>(p));
  const auto kinetic = [&](int64_t i) {
    double total = 0;
    for (int64_t j = i * d; j < (i + 1) * d; ++j) {
      total += double(p[std::size_t(j)]) * double(p[std::size_t(j)]);
    }
    return total / 2;
  };
  parallel_for(chains, worth, [&](int64_t i) { kinetic_[std::size_t(i)] = kinetic(i); });
  std::copy_n(this->y_.data(), this->y_.size(), this->proposal_.begin());
  this->proposal_slope_ = this->slope_;
  leapfrog<T>(*this->force_, this->beta_, this->size_, leaps_, this->proposal_, p,
              this->proposal_energy_, this->proposal_slope_);
  parallel_for(chains, worth, [&](int64_t i) {
    const auto at = std::size_t(i);
    const double gain = double(this->proposal_energy_[at]) - double(this->energy_[at]);
    this->log_ratio_[at] = -this->beta_ * gain - (kinetic(i) - kinetic_[at]);
  });
  return this->choose();
}

template class Hmc<float>;
template class Hmc<double>;
#define TALWEG_INSTANTIATE(T)                                                            \
  template void leapfrog(Force<T>&, double, double, int64_t, std::span<T>, std::span<T>, \
                         std::span<T>, std::span<T>);
TALWEG_INSTANTIATE(float)
TALWEG_INSTANTIATE(double)
#undef TALWEG_INSTANTIATE

}  // namespace talweg::ebm
