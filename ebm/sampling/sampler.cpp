#include "ebm/sampling/sampler.h"

#include <cmath>
#include <limits>

#include "ebm/beta.h"

namespace talweg::ebm {

StepSize StepSize::decaying(double first, double power, double delay) {
  StepSize s(first);
  s.power_ = power;
  s.delay_ = delay;
  expect(power > 0 && delay > 0, "[step_size] decays with power ", power, " after ", delay,
         " steps; both must be above 0");
  return s;
}

StepSize StepSize::adapted(double first, double target, int64_t burn_in) {
  StepSize s(first);
  s.target_ = target;
  s.burn_in_ = burn_in;
  expect(target > 0 && target < 1 && burn_in > 0, "[step_size] adapts to an acceptance of ", target,
         " in ", burn_in, " steps; the target must lie in (0, 1) and there must be steps");
  return s;
}

double StepSize::at(int64_t step) const {
  return power_ == 0 ? first_ : first_ * std::pow(1 + double(step) / delay_, -power_);
}

double StepSize::after(int64_t step, double size, double acceptance) const {
  if (!adapts()) return at(step + 1);
  if (!adapts_at(step)) return size;
  return size * std::exp(std::pow(double(step + 1), -0.6) * 2 * (acceptance - target_));
}

void StepSize::check(const char* sampler) const {
  expect(first_ > 0 && std::isfinite(first_), "[", sampler, "] step size is ", first_,
         "; it must be above 0 and finite");
}

double effective_temperature(double noise, double step) {
  expect(step > 0 && noise >= 0, "[effective_temperature] noise ", noise, " at step ", step,
         "; the step must be above 0 and the noise not below");
  return noise * noise / (2 * step);
}

template <class T>
Sampler<T>::Sampler(const char* name, ForcePtr<T> force, Tensor<T> start, double beta,
                    StepSize step, uint64_t seed)
    : name_(name),
      force_(std::move(force)),
      y_(std::move(start)),
      beta_(beta),
      size_(step.first()),
      rule_(step),
      seed_(seed) {
  check_beta(name, beta);
  rule_.check(name);
  expect(bool(force_), "[", name, "] has no force; make one with energy_force");
  expect(y_.shape().rank() == 2 && y_.shape()[0] > 0, "[", name, "] chains begin at ", y_.shape(),
         "; they must begin at [chains, D] with at least one chain");
  expect(y_.shape()[1] == force_->dimensions(), "[", name, "] chains begin at ", y_.shape(),
         " but the force has ", force_->dimensions(), " dimensions");
  check_start();
}

template <class T> void Sampler<T>::check_start() const {
  for (int64_t i = 0; i < y_.size(); ++i) {
    expect(std::abs(double(y_[i])) <= kBound, "[", name_, "] chain ", i / dimensions(),
           " begins at ", y_[i], "; begin where the energy is finite");
  }
}

template <class T> void Sampler<T>::advance(int64_t steps) {
  for (int64_t i = 0; i < steps; ++i) {
    const double accepted = move();
    if (!rule_.adapts_at(step_)) {
      accepted_ += accepted;
      ++settled_steps_;
    }
    size_ = rule_.after(step_, size_, accepted);
    ++step_;
  }
}

template <class T> double Sampler<T>::acceptance() const {
  if (settled_steps_ == 0) return std::numeric_limits<double>::quiet_NaN();
  return accepted_ / double(settled_steps_);
}

template <class T> void Sampler<T>::restart(const Tensor<T>& points) {
  expect(points.shape() == y_.shape(), "[", name_, "] restarts at ", points.shape(), " but has ",
         y_.shape());
  std::copy_n(points.data(), points.size(), y_.data());
  check_start();
  refresh();
}

template <class T> void Sampler<T>::diverged(int64_t chain, const char* what) const {
  throw Error(message("[", name_, "] diverged at step ", step_, " in chain ", chain, ": ", what,
                      " with a step size of ", size_,
                      "; take a smaller step, or an energy that grows at infinity"));
}

template <class T>
MetropolisSampler<T>::MetropolisSampler(const char* name, ForcePtr<T> force, Tensor<T> start,
                                        double beta, StepSize step, uint64_t seed)
    : Sampler<T>(name, std::move(force), std::move(start), beta, step, seed) {
  const auto size = std::size_t(this->y_.size()), chains = std::size_t(this->chains());
  energy_.resize(chains);
  slope_.resize(size);
  proposal_.resize(size);
  proposal_energy_.resize(chains);
  proposal_slope_.resize(size);
  xi_.resize(size);
  log_ratio_.resize(chains);
  uniform_.resize(chains);
  refresh();
}

template <class T> void MetropolisSampler<T>::refresh() {
  this->force_->evaluate(this->y_.values(), energy_, slope_);
  for (int64_t i = 0; i < this->chains(); ++i) {
    if (!std::isfinite(energy_[std::size_t(i)])) this->diverged(i, "its energy is not finite");
  }
}

template <class T> void MetropolisSampler<T>::exchange(int64_t chain, MetropolisSampler& other) {
  const int64_t d = this->dimensions();
  std::swap(energy_[std::size_t(chain)], other.energy_[std::size_t(chain)]);
  std::swap_ranges(this->y_.data() + chain * d, this->y_.data() + (chain + 1) * d,
                   other.y_.data() + chain * d);
  std::swap_ranges(slope_.begin() + chain * d, slope_.begin() + (chain + 1) * d,
                   other.slope_.begin() + chain * d);
}

template <class T> bool MetropolisSampler<T>::runs_away(int64_t chain) const {
  for (int64_t j = chain * this->dimensions(); j < (chain + 1) * this->dimensions(); ++j) {
    if (!(std::abs(double(proposal_[std::size_t(j)])) <= this->kBound)) return true;
  }
  return false;
}

template <class T> double MetropolisSampler<T>::choose() {
  const int64_t chains = this->chains(), d = this->dimensions();
  fill_uniform(this->noise(Purpose::accept), uniform_);
  double total = 0;
  int64_t away = 0;
  for (int64_t i = 0; i < chains; ++i) {
    const auto at = std::size_t(i);
    if (runs_away(i)) {
      ++away;
      continue;
    }
    if (std::isnan(proposal_energy_[at]) ||
        proposal_energy_[at] < std::numeric_limits<T>::lowest()) {
      this->diverged(i, "the energy of a finite point is NaN or -inf");
    }
    const double ratio = log_ratio_[at];
    const double probability = ratio >= 0 ? 1 : ratio == ratio ? std::exp(ratio) : 0;
    total += probability;
    if (!(uniform_[at] < probability)) continue;
    energy_[at] = proposal_energy_[at];
    std::copy_n(proposal_.begin() + i * d, d, this->y_.data() + i * d);
    std::copy_n(proposal_slope_.begin() + i * d, d, slope_.begin() + i * d);
  }
  if (away == chains) this->diverged(0, "every chain's proposal ran away");
  return total / double(chains);
}

template <class T> Tensor<T> record(Sampler<T>& sampler, int64_t draws, int64_t every) {
  expect(draws > 0 && every > 0, "[record] ", draws, " draws, one every ", every,
         " steps; both must be above 0");
  Tensor<T> out({draws, sampler.chains(), sampler.dimensions()});
  for (int64_t i = 0; i < draws; ++i) {
    sampler.advance(every);
    const Tensor<T>& y = sampler.points();
    std::copy_n(y.data(), y.size(), out.data() + i * y.size());
  }
  return out;
}

template class Sampler<float>;
template class Sampler<double>;
template class MetropolisSampler<float>;
template class MetropolisSampler<double>;
template Tensor<float> record(Sampler<float>&, int64_t, int64_t);
template Tensor<double> record(Sampler<double>&, int64_t, int64_t);

}  // namespace talweg::ebm
