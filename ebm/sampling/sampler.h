// What all samplers of continuous variables share: many chains advanced together, a step size and
// its rule, acceptance, and an error instead of silence when they run away.
//
//   Mala<double> sampler(force, normal_start<double>(1000, 2, 1.0, seed),
//                        {.beta = 2, .step = StepSize::adapted(0.1, 0.57, 500), .seed = seed});
//   sampler.advance(500);                              // burn-in: the step finds its size
//   Tensor<double> draws = record(sampler, 200, 5);    // [200, 1000, 2], every fifth step
//
// The target is p(y) = e^{-beta E(y)} / Z. All that is random comes from (seed, purpose, step,
// place), so that the same seed gives the same bits for any number of threads.
#pragma once

#include "core/tensor.h"
#include "ebm/sampling/force.h"
#include "ebm/sampling/noise.h"

namespace talweg::ebm {

/// How a sampler's step size follows from the number of the step.
class StepSize {
 public:
  /// The same at every step. Not explicit: a number is a fixed step.
  StepSize(double size) : first_(size) {}  // NOLINT(google-explicit-constructor): reads as a number
  /// first (1 + t / delay)^-power at step t: with power in (1/2, 1] the sum of the steps diverges
  /// and that of their squares converges, so that Langevin's bias vanishes. Welling and Teh 2011.
  static StepSize decaying(double first, double power, double delay = 1);
  /// During the first `burn_in` steps log size moves by t^-0.6 times what the acceptance lies above
  /// `target` (Robbins and Monro 1951; Andrieu and Thoms 2008, algorithm 4); then it stays. Best
  /// targets: MALA 0.574 (Roberts and Rosenthal 1998), HMC 0.651 (Beskos et al. 2013).
  static StepSize adapted(double first, double target, int64_t burn_in);

  void scale(double factor) { first_ *= factor; }
  double first() const { return first_; }
  double at(int64_t step) const;  ///< of a rule that does not adapt
  bool adapts() const { return burn_in_ > 0; }
  bool adapts_at(int64_t step) const { return step < burn_in_; }
  /// `size` after a step of that acceptance.
  double after(int64_t step, double size, double acceptance) const;
  /// Throws Error unless sizes are positive and finite and the rule's numbers make sense.
  void check(const char* sampler) const;

 private:
  double first_, power_ = 0, delay_ = 1, target_ = 0;
  int64_t burn_in_ = 0;
};

/// The temperature 1 / beta at which y <- y - step dE/dy + noise xi samples: noise^2 / (2 step), for
/// small steps. A step of 1 with a noise of 0.01 samples at 5e-5, whatever was meant.
double effective_temperature(double noise, double step);

template <class T> class Sampler {
 public:
  virtual ~Sampler() = default;
  Sampler(const Sampler&) = delete;

  /// Throws Error, with step and chain, where a chain diverges.
  void advance(int64_t steps);

  const Tensor<T>& points() const { return y_; }  ///< [chains, D]
  int64_t chains() const { return y_.shape()[0]; }
  int64_t dimensions() const { return y_.shape()[1]; }
  int64_t steps() const { return step_; }
  double beta() const { return beta_; }
  double step_size() const { return size_; }
  /// The mean probability of acceptance, over all chains and all steps since the step size settled;
  /// 1 where nothing is ever rejected, NaN before the first such step.
  double acceptance() const;
  /// Begins elsewhere, with the chains' number and the counts of steps as they are: for chains that
  /// go on in a replay buffer.
  void restart(const Tensor<T>& points);

 protected:
  Sampler(const char* name, ForcePtr<T> force, Tensor<T> start, double beta, StepSize step,
          uint64_t seed);

  /// One step of all chains; returns the mean acceptance.
  virtual double move() = 0;
  virtual void refresh() = 0;  ///< energies and slopes of y_, after restart()
  [[noreturn]] void diverged(int64_t chain, const char* what) const;
  NoiseStream noise(Purpose purpose) const {
    return noise_of(seed_, purpose, static_cast<uint64_t>(step_));
  }

  const char* name_;
  ForcePtr<T> force_;
  Tensor<T> y_;
  double beta_, size_;
  int64_t step_ = 0;

  /// |y| beyond which a chain counts as diverged.
  static constexpr double kBound = 1e12;

 private:
  void check_start() const;

  StepSize rule_;
  uint64_t seed_;
  double accepted_ = 0;
  int64_t settled_steps_ = 0;
};

/// Energies and slopes of the chains' points, and Metropolis' choice between them and proposals.
template <class T> class MetropolisSampler : public Sampler<T> {
 public:
  std::span<const T> energies() const { return energy_; }  ///< of points(), [chains]
  /// After the force itself has changed.
  void refresh_energies() { refresh(); }
  /// Changes places with a chain of another sampler: what tempering swaps.
  void exchange(int64_t chain, MetropolisSampler& other);

 protected:
  MetropolisSampler(const char* name, ForcePtr<T> force, Tensor<T> start, double beta,
                    StepSize step, uint64_t seed);
  void refresh() override;
  /// Chain by chain takes the proposal with probability min(1, e^{log_ratio_[chain]}), and returns
  /// the mean of those. A proposal that is not finite, or beyond kBound, is refused; where all
  /// chains' are, the step is too large and Error is thrown. An energy that is NaN or -inf at a
  /// point within the bound throws too.
  double choose();

  std::vector<T> energy_, slope_;
  std::vector<T> proposal_, proposal_energy_, proposal_slope_, xi_;
  std::vector<double> log_ratio_, uniform_;

 private:
  bool runs_away(int64_t chain) const;
};

/// Below this many numbers the chains' loops run on one thread.
inline constexpr int64_t kSerialChainWork = 1 << 14;

/// Points of every chain after each `every` steps: [draws, chains, D].
template <class T> Tensor<T> record(Sampler<T>& sampler, int64_t draws, int64_t every = 1);

}  // namespace talweg::ebm
