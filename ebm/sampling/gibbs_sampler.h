// Gibbs sampling of discrete variables: one site after the other, each from its exact conditional.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ebm/energy.h"

namespace talweg::ebm {

/// What Gibbs sampling asks of an energy of discrete variables y_1 ... y_S.
class ConditionalEnergies {
 public:
  virtual ~ConditionalEnergies() = default;
  virtual int64_t sites() const = 0;
  virtual int64_t values(int64_t site) const = 0;  ///< y_site is one of 0 ... values - 1
  /// energy[chains, values(site)]: E with y_site at each of its values, the other sites as they
  /// stand in y[chains, sites]. Terms that do not depend on y_site may be left out.
  virtual void conditional(std::span<const int32_t> y, int64_t site, std::span<double> energy) = 0;
};

using ConditionalPtr = std::shared_ptr<ConditionalEnergies>;

/// E(y) = table[y_1, ..., y_S].
ConditionalPtr table_conditionals(Tensor<double> table);
/// Any Energy over y[N,S] of whole numbers, y_s below values[s], asked about all values of a site
/// at once.
ConditionalPtr energy_conditionals(Energy<double> energy, std::vector<int64_t> values);

struct GibbsOptions {
  double beta = 1;
  uint64_t seed = 1;
};

/// One step is a sweep: y_s ~ e^{-beta E(y_s | the others)} / Z_s for s = 1 ... S in turn, drawn by
/// inverting the cumulated probabilities. Each draw leaves p = e^{-beta E} / Z invariant, and so does
/// the sweep. Source: Geman and Geman 1984.
class GibbsSampler {
 public:
  /// start[chains, sites]. Throws Error where beta is not positive, there is no chain, or a value is
  /// outside its site's.
  GibbsSampler(ConditionalPtr energy, std::vector<int32_t> start, const GibbsOptions& options);

  /// Throws Error where all values of a site are forbidden (+inf), or an energy is NaN or -inf.
  void advance(int64_t sweeps);

  std::span<const int32_t> points() const { return y_; }  ///< [chains, sites]
  int64_t chains() const { return std::ssize(y_) / energy_->sites(); }
  int64_t steps() const { return step_; }
  void restart(std::span<const int32_t> points);

 private:
  void check_points() const;
  void draw(int64_t site);

  ConditionalPtr energy_;
  std::vector<int32_t> y_;
  double beta_;
  uint64_t seed_;
  int64_t step_ = 0;
  std::vector<double> conditional_;
};

}  // namespace talweg::ebm
