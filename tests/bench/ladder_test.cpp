// Every rung of the ladder computes the convolution, whatever the shape, the instruction set and
// the number of threads.
#include "bench/ladder/ladder.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <cmath>
#include <cstring>

#include "bench/conv_problem.h"

namespace talweg::bench {
namespace {

// Tails of vectors and tiles, one channel, strides that leave a rest, padding wider than the
// window, dilation, narrow windows, more threads than images.
constexpr const char* kShapes[] = {
    "2x3x5x7-5x3x3p1",       "1x1x9x23-33x3x3s2x3p0x1",  "3x16x4x16-32x3x3p1",
    "2x5x6x19-70x2x1s1p2x1", "1x2x11x13-17x3x2d2x3p1x2", "4x7x1x1-1x1x1",
    "1x4x8x40-16x4x8",
};

struct RungOutput {
  Buffer laid, scratch, out;
  RungOutput(const Rung& rung, const ConvProblem& problem)
      : laid(rung.laid_size(problem.s())),
        scratch(rung.scratch_size(problem.s())),
        out(problem.output_size()) {
    // What the rung does not write must not look right.
    for (int64_t i = 0; i < scratch.size(); ++i) scratch.data()[i] = std::nanf("");
    for (int64_t i = 0; i < out.size(); ++i) out.data()[i] = std::nanf("");
    rung.lay_out(problem.s(), problem.w().data(), laid.data());
    rung.run(problem.s(), problem.x().data(), laid.data(), out.data(), scratch.data());
  }
};

TEST_CASE("every rung agrees with double, with the same bits on any number of threads") {
  const int threads_before = omp_get_max_threads();
  for (const std::string& isa : kernels::available_isas()) {
    for (const char* text : kShapes) {
      const ConvProblem problem(parse_shape(text), Conv2dFace::forward);
      for (const Rung& rung : ladder_of(isa).rungs) {
        CAPTURE(isa);
        CAPTURE(text);
        CAPTURE(rung.name);
        omp_set_num_threads(1);
        const RungOutput one(rung, problem);
        CHECK(problem.error(one.out.data()) < 1e-6);
        omp_set_num_threads(3);
        const RungOutput three(rung, problem);
        const size_t bytes = sizeof(float) * static_cast<size_t>(one.out.size());
        CHECK(std::memcmp(one.out.data(), three.out.data(), bytes) == 0);
      }
    }
  }
  omp_set_num_threads(threads_before);
}

TEST_CASE("each instruction set has a ladder of its own") {
  const auto isas = kernels::available_isas();
  for (size_t i = 1; i < isas.size(); ++i) CHECK(&ladder_of(isas[i]) != &ladder_of(isas[i - 1]));
  CHECK(&ladder_of("reference") == &ladder_of("portable"));
}

}  // namespace
}  // namespace talweg::bench
