// Rows of the samplers: normals, and steps of 4,096 chains in a double well of two dimensions.
//
//   ./run bench sampling
#include <memory>

#include "bench/buffer.h"
#include "bench/rows.h"
#include "core/error.h"
#include "ebm/sampling/hmc.h"
#include "ebm/sampling/langevin.h"

namespace talweg::bench {
namespace {

constexpr int64_t kChains = 4096, kDimensions = 2;

Row sampling_row(const std::string& problem, const std::string& isa, int threads) {
  Row row;
  row.problem = "sampling/" + problem;
  row.way = "talweg/" + isa;
  row.threads = threads;
  row.isa = isa;
  row.units = kChains * kDimensions;
  row.unit = "number";
  row.groups = {"sampling"};
  row.in_sum = false;
  row.in_smoke = true;
  return row;
}

Row normals_row(const std::string& isa, int threads) {
  Row row = sampling_row(message("normals/", kChains * kDimensions), isa, threads);
  row.error_bound = 1e-5;
  row.make = [] {
    const auto z = std::make_shared<Buffer>(kChains * kDimensions);
    const ebm::NoiseStream noise{.key = 1};
    const auto numbers = [=] { return std::span<float>(z->data(), size_t(z->size())); };
    Work w;
    w.run = [=] { ebm::fill_normal(noise, numbers()); };
    w.error = [=] {
      std::vector<double> exact(size_t(z->size()));
      ebm::fill_normal(noise, std::span<double>(exact));
      return relative_error(z->data(), exact);
    };
    w.hash = [=] { return hash_of(z->data(), z->size()); };
    return w;
  };
  return row;
}

/// One step of every chain; what it computes is tested by the samplers' stationary distributions.
template <class S, class Options>
Row step_row(const std::string& sampler, const Options& options, const std::string& isa,
             int threads) {
  Row row =
      sampling_row(message(sampler, "/double-well/", kChains, "x", kDimensions), isa, threads);
  row.make = [options] {
    const auto force =
        ebm::quartic_force<float>(ebm::quartic_of({.barrier = 2, .tilt = 0.2}, kDimensions));
    const auto chains =
        std::make_shared<S>(force, ebm::normal_start<float>(kChains, kDimensions, 1, 1), options);
    Work w;
    w.run = [=] { chains->advance(1); };
    w.note = "one step of all chains";
    return w;
  };
  return row;
}

}  // namespace

void add_sampling_rows(Suite& suite) {
  const ebm::LangevinOptions langevin{.step = 0.01};
  for (const std::string& isa : suite.options().isas) {
    for (const int threads : suite.options().threads) {
      suite.add(normals_row(isa, threads));
      suite.add(step_row<ebm::Langevin<float>>("langevin", langevin, isa, threads));
      suite.add(step_row<ebm::Mala<float>>("mala", langevin, isa, threads));
      suite.add(step_row<ebm::Hmc<float>>("hmc", ebm::HmcOptions{.step = 0.1, .leaps = 10}, isa,
                                          threads));
    }
  }
}

}  // namespace talweg::bench
