#include "ebm/sampling/langevin.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/parallel.h"

namespace talweg::ebm {

template <class T>
Langevin<T>::Langevin(ForcePtr<T> force, Tensor<T> start, const LangevinOptions& options)
    : Sampler<T>("langevin", std::move(force), std::move(start), options.beta, options.step,
                 options.seed),
      slope_(std::size_t(this->y_.size())) {
  expect(!options.step.adapts(),
         "[langevin] rejects nothing, so its step can't adapt to an acceptance; use a fixed or a "
         "decaying step, or Mala");
}

template <class T>
Langevin<T> Langevin<T>::with_noise(ForcePtr<T> force, Tensor<T> start, double step, double noise,
                                    uint64_t seed) {
  const double temperature = effective_temperature(noise, step);
  return Langevin(std::move(force), std::move(start),
                  {.beta = 1 / temperature, .step = step, .seed = seed});
}

template <class T> double Langevin<T>::move() {
  constexpr int64_t kPiece = 64 * kNoiseGroup;
  Tensor<T>& y = this->y_;
  this->force_->evaluate(y.values(), {}, slope_);
  const LangevinUpdate<T> update{.rate = T(this->size_),
                                 .sigma = T(std::sqrt(2 * this->size_ / this->beta_)),
                                 .bound = T(this->kBound)};
  const NoiseStream noise = this->noise(Purpose::move);
  const int64_t n = y.size(), pieces = (n + kPiece - 1) / kPiece;
  std::atomic<bool> outside = false;
  parallel_for(pieces, n >= kSerialChainWork, [&](int64_t piece) {
    const int64_t first = piece * kPiece;
    if (noise_table<T>().langevin(noise, first, std::min(kPiece, n - first), update,
                                  slope_.data() + first, y.data() + first)) {
      outside.store(true, std::memory_order_relaxed);
    }
  });
  if (outside) {
    const T* bad = std::find_if(y.data(), y.data() + n,
                                [](T v) { return !(std::abs(double(v)) <= Langevin::kBound); });
    this->diverged((bad - y.data()) / this->dimensions(), "y is not finite or beyond 1e12");
  }
  return 1;
}

template <class T>
Mala<T>::Mala(ForcePtr<T> force, Tensor<T> start, const LangevinOptions& options)
    : MetropolisSampler<T>("mala", std::move(force), std::move(start), options.beta, options.step,
                           options.seed) {}

template <class T> double Mala<T>::move() {
  const double step = this->size_, beta = this->beta_;
  const T rate = T(step), sigma = T(std::sqrt(2 * step / beta));
  const T* y = this->y_.data();
  fill_normal(this->noise(Purpose::move), std::span<T>(this->xi_));
  const int64_t chains = this->chains(), d = this->dimensions();
  const bool worth = chains * d >= kSerialChainWork;
  for (std::size_t j = 0; j < this->proposal_.size(); ++j) {
    this->proposal_[j] = y[j] - rate * this->slope_[j] + sigma * this->xi_[j];
  }
  this->force_->evaluate(this->proposal_, this->proposal_energy_, this->proposal_slope_);
  parallel_for(chains, worth, [&](int64_t i) {
    double there = 0, back = 0;  // squared residuals of the proposal and of the way back
    for (int64_t j = i * d; j < (i + 1) * d; ++j) {
      const auto at = std::size_t(j);
      const double moved = double(this->proposal_[at]) - double(y[at]);
      const double out = moved + step * double(this->slope_[at]);
      const double home = -moved + step * double(this->proposal_slope_[at]);
      there += out * out;
      back += home * home;
    }
    const auto at = std::size_t(i);
    this->log_ratio_[at] =
        -beta * (double(this->proposal_energy_[at]) - double(this->energy_[at])) -
        beta / (4 * step) * (back - there);
  });
  return this->choose();
}

template class Langevin<float>;
template class Langevin<double>;
template class Mala<float>;
template class Mala<double>;

}  // namespace talweg::ebm
