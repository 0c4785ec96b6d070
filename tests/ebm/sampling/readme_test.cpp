// The snippet of ebm/sampling/README.md, as it stands there: readme.cmake compares.
#include <doctest/doctest.h>

#include <cmath>

#include "core/ops/reduce.h"
#include "ebm/sampling/diagnostics.h"
#include "ebm/sampling/langevin.h"

using namespace talweg;
using namespace talweg::ebm;

// clang-format off
TEST_CASE("the samplers' README: points of a ring, and how far to believe their mean") {
const Energy<double> ring = [](const auto& at) { return square(sum(square(at.y), -1) - 1.0); };
Mala<double> sampler(energy_force<double>(ring, 2), normal_start<double>(1000, 2, 0.5, 1),
                     {.beta = 2, .step = StepSize::adapted(0.05, 0.574, 500), .seed = 1});
sampler.advance(500);  // burn-in: the step finds its size
const Tensor<double> draws = record(sampler, 200, 20);  // [200, 1000, 2]
const MeanEstimate x = estimate_mean(coordinate(draws, 0));
  CHECK(std::abs(x.mean) < 4 * x.standard_error);
  CHECK(split_rhat(coordinate(draws, 0)) < 1.01);
  CHECK(sampler.acceptance() == doctest::Approx(0.574).epsilon(0.05));
}
// clang-format on
