#include "ebm/sampling/gibbs_sampler.h"

#include <algorithm>
#include <cmath>

#include "ebm/beta.h"
#include "ebm/sampling/noise.h"

namespace talweg::ebm {
namespace {

class TableConditionals final : public ConditionalEnergies {
 public:
  explicit TableConditionals(Tensor<double> table) : table_(std::move(table)) {
    expect(table_.size() > 0, "[table_conditionals] the table has shape ", table_.shape(),
           "; every site needs values");
  }

  int64_t sites() const override { return table_.shape().rank(); }
  int64_t values(int64_t site) const override { return table_.shape()[int(site)]; }

  void conditional(std::span<const int32_t> y, int64_t site, std::span<double> energy) override {
    const Shape& shape = table_.shape();
    const int64_t sites = this->sites(), count = values(site);
    const int64_t stride = shape.size_between(int(site) + 1, shape.rank());
    for (int64_t chain = 0; chain * sites < std::ssize(y); ++chain) {
      int64_t base = 0;
      for (int64_t s = 0; s < sites; ++s) {
        base = base * values(s) + (s == site ? 0 : y[std::size_t(chain * sites + s)]);
      }
      for (int64_t v = 0; v < count; ++v) {
        energy[std::size_t(chain * count + v)] = table_[base + v * stride];
      }
    }
  }

 private:
  Tensor<double> table_;
};

class EnergyConditionals final : public ConditionalEnergies {
 public:
  EnergyConditionals(Energy<double> energy, std::vector<int64_t> values)
      : energy_(std::move(energy)), values_(std::move(values)) {
    expect(!values_.empty() && *std::min_element(values_.begin(), values_.end()) > 0,
           "[energy_conditionals] needs sites with at least one value each");
  }

  int64_t sites() const override { return std::ssize(values_); }
  int64_t values(int64_t site) const override { return values_[std::size_t(site)]; }

  void conditional(std::span<const int32_t> y, int64_t site, std::span<double> energy) override {
    const int64_t sites = this->sites(), count = values(site), rows = std::ssize(energy);
    Tensor<double> points({rows, sites});
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t s = 0; s < sites; ++s) {
        points[row * sites + s] =
            s == site ? double(row % count) : y[std::size_t(row / count * sites + s)];
      }
    }
    const Tensor<double> e = evaluate(energy_, points);
    std::copy_n(e.data(), rows, energy.begin());
  }

 private:
  Energy<double> energy_;
  std::vector<int64_t> values_;
};

}  // namespace

ConditionalPtr table_conditionals(Tensor<double> table) {
  return std::make_shared<TableConditionals>(std::move(table));
}
ConditionalPtr energy_conditionals(Energy<double> energy, std::vector<int64_t> values) {
  return std::make_shared<EnergyConditionals>(std::move(energy), std::move(values));
}

GibbsSampler::GibbsSampler(ConditionalPtr energy, std::vector<int32_t> start,
                           const GibbsOptions& options)
    : energy_(std::move(energy)), y_(std::move(start)), beta_(options.beta), seed_(options.seed) {
  check_beta("gibbs", beta_);
  expect(bool(energy_), "[gibbs] has no energy; make one with table_conditionals");
  expect(!y_.empty() && std::ssize(y_) % energy_->sites() == 0, "[gibbs] begins with ", y_.size(),
         " values; they must be [chains, ", energy_->sites(), "] with at least one chain");
  check_points();
}

void GibbsSampler::check_points() const {
  const int64_t sites = energy_->sites();
  for (int64_t i = 0; i < std::ssize(y_); ++i) {
    const int32_t v = y_[std::size_t(i)];
    expect(0 <= v && v < energy_->values(i % sites), "[gibbs] chain ", i / sites, " has value ", v,
           " at site ", i % sites, ", which has ", energy_->values(i % sites), " values");
  }
}

void GibbsSampler::restart(std::span<const int32_t> points) {
  expect(points.size() == y_.size(), "[gibbs] restarts at ", points.size(), " values but has ",
         y_.size());
  std::copy(points.begin(), points.end(), y_.begin());
  check_points();
}

void GibbsSampler::draw(int64_t site) {
  const int64_t sites = energy_->sites(), count = energy_->values(site), chains = this->chains();
  conditional_.resize(std::size_t(chains * count));
  energy_->conditional(y_, site, conditional_);
  const auto step = static_cast<uint64_t>(step_ * sites + site);
  const NoiseStream noise = noise_of(seed_, Purpose::site, step);
  for (int64_t chain = 0; chain < chains; ++chain) {
    const std::span<double> e(conditional_.data() + chain * count, std::size_t(count));
    const double least = *std::min_element(e.begin(), e.end());
    double total = 0;
    for (double& v : e) {
      total += v = std::exp(-beta_ * (v - least));  // now its weight
    }
    expect(std::isfinite(least) && std::isfinite(total), "[gibbs] diverged at step ", step_,
           " in chain ", chain, ": the energies of site ", site,
           " are all +inf, or one is NaN or -inf; give one value a finite energy");
    double rest = uniform(noise, chain) * total;
    int64_t v = 0;
    while (v + 1 < count && rest >= e[std::size_t(v)]) rest -= e[std::size_t(v++)];
    while (e[std::size_t(v)] == 0) --v;  // rounding may carry past the last value with any weight
    y_[std::size_t(chain * sites + site)] = int32_t(v);
  }
}

void GibbsSampler::advance(int64_t sweeps) {
  for (int64_t i = 0; i < sweeps; ++i, ++step_) {
    for (int64_t site = 0; site < energy_->sites(); ++site) draw(site);
  }
}

}  // namespace talweg::ebm
